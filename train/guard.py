"""The guard over a graph: what is not vouched for here is never published.

ONNX Runtime loads cyclic trees and never returns, crashes on very deep ones, and runs operators that allocate without
bound. So a graph passes only when every operator is a known harmless one, all its data is inside the file, and its
trees are trees.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError

from model_repository import LARGEST_MODEL
from train.errors import ExportRefused
from train.onnx_runtime import LABEL, PROBABILITIES

DEEPEST_TREE = 2_000
MOST_OPERATORS = 1_000
WIDEST_ROW = 100_000
LARGEST_IR_VERSION = 10
OUTPUTS = [LABEL, PROBABILITIES]

_STANDARD = "Add ArgMax Cast Concat Div Gather Identity Mul Reshape Sub"
_MACHINE_LEARNING = """
    ArrayFeatureExtractor FeatureVectorizer Imputer Normalizer OneHotEncoder Scaler TreeEnsembleClassifier
    TreeEnsembleRegressor
"""
ALLOWED = {("", name) for name in _STANDARD.split()} | {("ai.onnx.ml", name) for name in _MACHINE_LEARNING.split()}

Ids = npt.NDArray[np.int64]


def check_graph(content: bytes) -> onnx.ModelProto:
    """Return the parsed model.

    Raises:
        ExportRefused: the bytes are no model, or hold something that is not vouched for.

    """
    if len(content) > LARGEST_MODEL:
        raise ExportRefused(f"the model has {len(content):,} bytes, more than the {LARGEST_MODEL:,} that are served")
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise ExportRefused("the bytes are no ONNX model") from None
    _check_model(model)
    for node in model.graph.node:
        _check_node(node)
    for tensor in model.graph.initializer:
        _check_tensor(tensor)
    _check_standard(model)
    _check_input(model)
    widths = _widths(model)
    for node in model.graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            _check_trees(node, widths)
    return model


def _check_model(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ExportRefused("the graph defines functions of its own")
    if model.training_info:
        raise ExportRefused("the file holds another graph, for training")
    if len(model.graph.node) > MOST_OPERATORS:
        raise ExportRefused(
            f"the graph has {len(model.graph.node):,} operators; {MOST_OPERATORS:,} are the most served"
        )
    if [value.name for value in model.graph.output] != OUTPUTS:
        raise ExportRefused(f"the graph must give {' and '.join(OUTPUTS)}, and nothing else")
    if model.graph.sparse_initializer:
        raise ExportRefused("the graph holds sparse tensors")
    if model.ir_version > LARGEST_IR_VERSION:
        raise ExportRefused(f"the file's IR version is {model.ir_version}, newer than {LARGEST_IR_VERSION}")
    foreign = sorted({entry.domain for entry in model.opset_import} - {"", "ai.onnx.ml"})
    if foreign:
        raise ExportRefused(f"the graph imports operators of {', '.join(foreign)}, which are not standard")


def _check_node(node: onnx.NodeProto) -> None:
    if node.op_type == "ZipMap":
        raise ExportRefused("the graph ends in ZipMap, which gives no tensors; export with the option zipmap=False")
    if (node.domain, node.op_type) not in ALLOWED:
        raise ExportRefused(f"the operator {node.domain or 'ai.onnx'}.{node.op_type} is not vouched for")
    for attribute in node.attribute:
        if node.op_type == "Concat" and attribute.name == "axis" and attribute.i not in (1, -1):
            raise ExportRefused("the graph joins rows; only columns may be joined")
        if attribute.HasField("g") or attribute.graphs:
            raise ExportRefused(f"the operator {node.op_type} holds a subgraph")
        for tensor in [attribute.t, *attribute.tensors]:
            _check_tensor(tensor)


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ExportRefused("the graph keeps data in another file; all of it must be in the one that is published")


def _check_standard(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise ExportRefused(f"the graph is not valid ONNX: {str(error).splitlines()[0]}") from None


def _check_input(model: onnx.ModelProto) -> None:
    inputs = [value.type.tensor_type for value in model.graph.input]
    if len(inputs) != 1 or inputs[0].elem_type != onnx.TensorProto.FLOAT:
        raise ExportRefused("the graph must have one input of float32 rows")
    shape = [size.dim_value for size in inputs[0].shape.dim]
    if len(shape) != 2 or shape[0] or not shape[1]:
        raise ExportRefused("the graph's input must be any number of rows of a known number of columns")


def _widths(model: onnx.ModelProto) -> dict[str, int]:
    """Return for each tensor [n, columns] in the graph its number of columns, where it is known."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: value.type.tensor_type.shape.dim for value in [*graph.input, *graph.value_info, *graph.output]
    }
    for shape in shapes.values():
        if math.prod(size.dim_value or 1 for size in shape) > WIDEST_ROW:
            raise ExportRefused(f"the graph makes rows of more than {WIDEST_ROW:,} values")
    return {name: shape[1].dim_value for name, shape in shapes.items() if len(shape) > 1 and shape[1].dim_value}


def _check_trees(node: onnx.NodeProto, widths: dict[str, int]) -> None:
    """Check that every tree is one: children come after their parent, each has one parent, and no path is too long."""
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
    if set(modes[branches]) - {b"BRANCH_LEQ"}:
        raise ExportRefused("the trees compare otherwise than by <=")
    if features.min() < 0 or features.max() >= widths.get(node.input[0], features.max() + 1):
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
