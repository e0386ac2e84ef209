"""That the trees of a graph are trees: each node has one parent, none leads back, and no path is too long."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from train.errors import ExportRefused

DEEPEST_TREE = 2_000
_COMPARISONS = {b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GT", b"BRANCH_GTE", b"BRANCH_EQ", b"BRANCH_NEQ"}

Ids = npt.NDArray[np.int64]


def check_trees(node: onnx.NodeProto, shape: tuple[int, ...]) -> None:
    """Check every tree of an operator that takes rows of a shape [n, columns].

    Raises:
        ExportRefused: a tree is none, or asks for a column that is not there.

    """
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    trees, nodes, features, left, right = (
        _ids(attributes, f"nodes_{name}")
        for name in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    )
    counts = {
        len(values) for name, values in attributes.items() if name.startswith("nodes_") and hasattr(values, "__len__")
    }
    if len(counts) != 1:
        raise ExportRefused("the trees' attributes have different lengths")
    modes = np.array(attributes.get("nodes_modes", []), dtype="S16")
    if not len(trees) == len(nodes) == len(features) == len(left) == len(right) == len(modes) > 0:
        raise ExportRefused("the trees lack an attribute")
    branches = modes != b"LEAF"
    if set(modes[branches]) - _COMPARISONS:
        raise ExportRefused("the trees compare in a way that is not known")
    if features.min() < 0 or features.max() >= shape[-1]:
        raise ExportRefused("a tree asks for a column that the input does not have")
    starts = np.flatnonzero(np.r_[True, trees[1:] != trees[:-1]])
    if len(np.unique(trees[starts])) != len(starts):
        raise ExportRefused("the nodes of a tree are not together")
    for start, end in zip(starts, [*starts[1:], len(trees)], strict=True):
        _check_tree(nodes[start:end], branches[start:end], left[start:end], right[start:end])


def _ids(attributes: dict[str, Any], name: str) -> Ids:
    return np.array(attributes.get(name, []), dtype=np.int64)


def _check_tree(nodes: Ids, branches: npt.NDArray[np.bool_], left: Ids, right: Ids) -> None:
    size = len(nodes)
    if not np.array_equal(nodes, np.arange(size)):
        raise ExportRefused("the nodes of a tree are not numbered 0, 1, 2 ...")
    parents = np.flatnonzero(branches)
    children = np.r_[left[parents], right[parents]]
    if np.any(children <= np.r_[parents, parents]) or np.any(children >= size):
        raise ExportRefused("a tree has a cycle, or a child that is not there")
    if len(np.unique(children)) != len(children) or len(children) != size - 1:
        raise ExportRefused("a tree's node has two parents, or none")
    depth = np.zeros(size, dtype=np.int64)
    for parent in parents:
        depth[left[parent]] = depth[right[parent]] = depth[parent] + 1
    if depth.max() > DEEPEST_TREE:
        raise ExportRefused(f"a tree is {depth.max():,} deep; {DEEPEST_TREE:,} is the most that is served")
