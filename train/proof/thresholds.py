"""Rows on and beside the thresholds of a forest's own splits."""

from typing import Any

import numpy as np
import numpy.typing as npt

from train.proof.probe import LARGEST, Probe
from train.schema import Rows

STEPS = np.arange(-4, 5)  # distances from a threshold, in units in the last place of float32
MOST_NODES = 3_000

Place = tuple[int, int, int, int]


def thresholds(forest: Any, rows: Rows, columns: list[str], random: np.random.Generator) -> Probe:
    """Place a training row that reaches a node on the node's threshold and up to 4 float32 steps beside it."""
    placed, places = _placed(forest, rows, random)
    return Probe("thresholds", placed, [_place(place, columns) for place in places])


def _placed(forest: Any, rows: Rows, random: np.random.Generator) -> tuple[Rows, list[Place]]:
    """Return rows on and beside thresholds, and for each its tree, node, column and distance."""
    estimators = getattr(forest, "estimators_", [forest])
    nodes = [
        (tree, node)
        for tree, estimator in enumerate(estimators)
        for node in np.flatnonzero(estimator.tree_.children_left >= 0)
    ]
    if len(nodes) > MOST_NODES:
        nodes = [nodes[index] for index in np.sort(random.choice(len(nodes), MOST_NODES, replace=False))]
    placed, places = [], []
    reached: dict[int, npt.NDArray[np.int64]] = {}
    for tree, node in nodes:
        if tree not in reached:
            reached = {tree: _first_rows(estimators[tree], rows)}
        column = int(estimators[tree].tree_.feature[node])
        block = np.repeat(rows[reached[tree][node]][None, :], len(STEPS), axis=0)
        block[:, column] = _beside(np.float32(estimators[tree].tree_.threshold[node]))
        placed.append(block)
        places += [(tree, int(node), column, int(step)) for step in STEPS]
    return np.vstack([rows[:0], *placed]), places


def _first_rows(estimator: Any, rows: Rows) -> npt.NDArray[np.int64]:
    """Return for each node the first row that passes through it (0 for a node that none reaches)."""
    path = estimator.tree_.decision_path(np.ascontiguousarray(rows)).tocoo()
    first = np.zeros(path.shape[1], dtype=np.int64)
    first[path.col[::-1]] = path.row[::-1]
    return first


def _beside(value: np.float32) -> Rows:
    """Return the float32 numbers at STEPS from a value, in order.

    A split between missing and present values has an infinite threshold; no row can be beyond it.
    """
    below, above = [value], [value]
    for _ in range(int(STEPS[-1])):
        below.append(np.nextafter(below[-1], np.float32(-np.inf)))
        above.append(np.nextafter(above[-1], np.float32(np.inf)))
    return np.clip(np.array([*below[:0:-1], *above], dtype=np.float32), -LARGEST, LARGEST)


def _place(place: Place, columns: list[str]) -> str:
    tree, node, column, step = place
    return f"tree {tree}, node {node}, {columns[column]} {step:+d} steps from the threshold"
