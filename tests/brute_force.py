"""Shapley values of a tree by their definition: every set of columns, and what the tree answers when only it is known.

A node is (feature, threshold, goes_left_when_missing, left, right), or a leaf: its value. Each has its number of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Node:
    """A node of a tree: how many rows reached it, and a leaf's value [outputs] or a branch's split."""

    cover: float
    value: Floats
    feature: int = -1
    goes_left: Callable[[Any], bool] = bool
    left: "Node | None" = None
    right: "Node | None" = None


def known_answer(node: Node, row: Sequence[Any], known: frozenset[int], column_of: Sequence[int]) -> Floats:
    """Return what a tree answers where only the values of some columns are known."""
    if node.left is None or node.right is None:
        return node.value
    if column_of[node.feature] in known:
        chosen = node.left if node.goes_left(row[node.feature]) else node.right
        return known_answer(chosen, row, known, column_of)
    parts = [child.cover / node.cover * known_answer(child, row, known, column_of) for child in (node.left, node.right)]
    return np.asarray(sum(parts))


def shapley_values(roots: Sequence[Node], row: Sequence[Any], columns: int, column_of: Sequence[int]) -> Floats:
    """Return the contributions [columns, outputs] to the sum of trees, from all sets of columns."""

    def answer(known: frozenset[int]) -> Floats:
        return np.asarray(sum(known_answer(root, row, known, column_of) for root in roots))

    answers = {
        frozenset(chosen): answer(frozenset(chosen))
        for size in range(columns + 1)
        for chosen in combinations(range(columns), size)
    }
    found = []
    for column in range(columns):
        without = [known for known in answers if column not in known]
        terms = [(answers[known | {column}] - answers[known]) / comb(columns - 1, len(known)) for known in without]
        found.append(np.asarray(sum(terms)) / columns)
    return np.array(found)


def mean_answer(roots: Sequence[Node], row: Sequence[Any], column_of: Sequence[int]) -> Floats:
    """Return the answer where nothing is known."""
    return np.asarray(sum(known_answer(root, row, frozenset(), column_of) for root in roots))


def of_sklearn(tree: Any, values: Floats, node: int = 0) -> Node:
    """Return a sklearn.tree Tree whose nodes give `values` [nodes, outputs]."""
    cover = float(tree.weighted_n_node_samples[node])
    if tree.children_left[node] < 0:
        return Node(cover, values[node])
    threshold, missing_left = float(tree.threshold[node]), bool(tree.missing_go_to_left[node])
    left, right = (of_sklearn(tree, values, int(each[node])) for each in (tree.children_left, tree.children_right))
    return Node(cover, values[node], int(tree.feature[node]), _split(threshold, missing_left), left, right)


def of_histograms(predictor: Any, outputs: Floats, node: int = 0) -> Node:
    """Return a tree of histogram gradient boosting; its leaves speak for `outputs`; categories are 0, 1, 2 ..."""
    entry = predictor.nodes[node]
    if entry["is_leaf"]:
        return Node(float(entry["count"]), float(entry["value"]) * outputs)
    left, right = (of_histograms(predictor, outputs, int(entry[each])) for each in ("left", "right"))
    missing_left = bool(entry["missing_go_to_left"])
    split = _split(float(entry["num_threshold"]), missing_left)
    if entry["is_categorical"]:
        words = predictor.raw_left_cat_bitsets[entry["bitset_idx"]].tolist()
        split = _split_by_category({code for code in range(256) if words[code // 32] >> code % 32 & 1}, missing_left)
    return Node(float(entry["count"]), outputs, int(entry["feature_idx"]), split, left, right)


def _split_by_category(goes_left: set[int], missing_left: bool) -> Callable[[Any], bool]:
    return lambda value: missing_left if np.isnan(value) else int(value) in goes_left


def _split(threshold: float, missing_left: bool) -> Callable[[Any], bool]:
    return lambda value: missing_left if np.isnan(value) else float(value) <= threshold  # as float64, both
