"""The nodes of trees, and the way from rows to the values of the leaves that they reach.

A tree operator of ONNX adds up float32 or rounds its sum to float32. So here it only says which leaf of each tree a row
reaches, by a number in a table of the leaves' float64 values; adding up is left to who knows scikit-learn's order.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx.helper import make_tensor

from train.converters.graph import DOUBLE, FLOAT, INT64, Graph

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LARGEST_EXACT = 2**24  # whole numbers up to here have a float32 of their own


class Nodes(NamedTuple):
    """The nodes [nodes] of one tree, the root first; what stands in a leaf's other places does not matter."""

    leaf: Any
    left: Any
    right: Any
    features: Any
    thresholds: Any
    missing_left: Any


@dataclass(frozen=True)
class Trees:
    """All nodes [nodes] of all trees, one tree after another; `owners` are the trees' numbers."""

    owners: Ids
    numbers: Ids
    nodes: Nodes
    count: int

    @property
    def leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves."""
        found: npt.NDArray[np.bool_] = self.nodes.leaf
        return found


def fitted_trees(model: Any) -> list[Any]:
    """Return the sklearn.tree Tree objects of a fitted forest or single tree."""
    estimators = model.estimators_ if hasattr(model, "estimators_") else [model]
    return [estimator.tree_ for estimator in np.ravel(estimators)]


def floor_to_float32(values: Floats) -> npt.NDArray[np.float32]:
    """Return for each value the largest float32 that is not above it."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def trees_of(trees: list[Any], columns: list[Any] | None = None) -> Trees:
    """Return the nodes of sklearn.tree Tree objects, each of which may see some of the columns only."""
    found = []
    for index, tree in enumerate(trees):
        leaf = tree.children_left < 0
        features = np.where(leaf, 0, tree.feature)
        if columns is not None:
            features = np.asarray(columns[index])[features]
        children = (tree.children_left, tree.children_right)
        found.append(Nodes(leaf, *children, features, tree.threshold, tree.missing_go_to_left))
    return together(found)


def together(trees: list[Nodes]) -> Trees:
    """Return trees as one; a leaf's children, feature and threshold become 0."""
    sizes = [len(tree.leaf) for tree in trees]
    leaf, *others = (np.concatenate(parts) for parts in zip(*trees, strict=True))
    others = [np.where(leaf, 0, part) for part in others]
    numbers = np.concatenate([np.arange(size) for size in sizes])
    return Trees(np.repeat(np.arange(len(trees)), sizes), numbers, Nodes(leaf, *others), len(trees))


def values_of_leaves(graph: Graph, rows: str, trees: Trees, values: Floats, *, double: bool = False) -> str:
    """Return [n, trees] or [n, trees, width]: the float64 value [leaves] or [leaves, width] that each tree gives a row.

    Rows are compared as float32, or as float64 if `double`.

    Raises:
        ValueError: there are more different values than float32 can number.

    """
    table, which = np.unique(values, axis=0, return_inverse=True)
    if len(table) > LARGEST_EXACT:
        raise ValueError(f"the trees have more than {LARGEST_EXACT:,} different leaves")
    numbers = graph.add(
        "TreeEnsembleRegressor",
        graph.cast(rows, DOUBLE if double else FLOAT),
        n_targets=trees.count,
        target_treeids=trees.owners[trees.leaf].tolist(),
        target_nodeids=trees.numbers[trees.leaf].tolist(),
        target_ids=trees.owners[trees.leaf].tolist(),
        **_reals("target_weights", which, double=double),
        **node_attributes(trees, double=double),
    )
    return graph.add("Gather", graph.constant(table), graph.cast(numbers, INT64))


def node_attributes(trees: Trees, *, double: bool = False) -> dict[str, Any]:
    """Return the attributes that say how rows find their leaves."""
    nodes = trees.nodes
    thresholds = nodes.thresholds if double else floor_to_float32(nodes.thresholds)
    return {
        "nodes_treeids": trees.owners.tolist(),
        "nodes_nodeids": trees.numbers.tolist(),
        "nodes_modes": np.where(nodes.leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": nodes.features.astype(int).tolist(),
        "nodes_truenodeids": nodes.left.astype(int).tolist(),
        "nodes_falsenodeids": nodes.right.astype(int).tolist(),
        "nodes_missing_value_tracks_true": nodes.missing_left.astype(int).tolist(),
        "post_transform": "NONE",
        **_reals("nodes_values", thresholds, double=double),
    }


def _reals(name: str, values: npt.NDArray[Any], *, double: bool) -> dict[str, Any]:
    """Return an attribute of numbers; float64 ones travel under another name."""
    numbers = values.astype(float).tolist()
    return {f"{name}_as_tensor": make_tensor(name, DOUBLE, [len(numbers)], numbers)} if double else {name: numbers}
