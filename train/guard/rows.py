"""Which way a graph's rows run through it, and that none of them can be seen to change another's answer.

Sizes are worked out for one number of rows, a prime that no other size can be. So the axis of that size is the axis of
the rows, and an operator that works along it, or gives a tensor without it, joins, orders or adds up rows.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import onnx
from onnx import numpy_helper

from train.errors import ExportRefused

ROWS = 100_003

# Operators that work along an axis: the input that may name it, and the axis when none is named.
_ALONG: dict[str, tuple[int | None, int]] = {
    "ArgMax": (None, 0),
    "ArgMin": (None, 0),
    "Concat": (None, 0),
    "CumSum": (1, 0),
    "Gather": (None, 0),
    "GatherElements": (None, 0),
    "LogSoftmax": (None, -1),
    "Slice": (3, 0),
    "Softmax": (None, -1),
    "Split": (None, 0),
    "TopK": (None, -1),
}
_SAME_ORDER = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}
_ROW_BY_ROW = {
    "FeatureVectorizer",
    "Imputer",
    "LinearClassifier",
    "LinearRegressor",
    "Normalizer",
    "SVMClassifier",
    "SVMRegressor",
    "Scaler",
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
}


class Tensor(NamedTuple):
    """A tensor's element type (as in onnx.TensorProto) and its shape when the graph is given ROWS rows."""

    kind: int
    shape: tuple[int, ...]


def row_axis(tensor: Tensor | None) -> int | None:
    """Return the axis along which the rows lie, or None for a tensor that does not hold them."""
    return tensor.shape.index(ROWS) if tensor is not None and ROWS in tensor.shape else None


def check_rows(
    node: onnx.NodeProto,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    constants: Mapping[str, onnx.TensorProto],
) -> None:
    """Check that an operator answers each row from that row alone.

    Raises:
        ExportRefused: it joins, orders or adds up rows, or may do so.

    """
    if node.op_type == "Shape" or all(row_axis(tensor) is None for tensor in inputs):
        return
    if any(row_axis(tensor) is None for tensor in outputs) or not _row_by_row(node, inputs, outputs, constants):
        raise ExportRefused(
            f"the operator {node.op_type} joins rows, or may do so; every row must be answered from that row alone"
        )


def _row_by_row(
    node: onnx.NodeProto,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    constants: Mapping[str, onnx.TensorProto],
) -> bool:
    first = inputs[0]
    axis = row_axis(first)
    if node.op_type in _ROW_BY_ROW:
        return all(tensor is not None and row_axis(tensor) == 0 and len(tensor.shape) == 2 for tensor in inputs)
    if first is None or axis is None:
        return node.op_type not in _ALONG or node.op_type in ("Concat", "Gather")
    if node.op_type == "ArrayFeatureExtractor":
        return axis != len(first.shape) - 1
    if node.op_type in _SAME_ORDER:
        after = row_axis(outputs[0])
        return math.prod(first.shape[:axis]) == math.prod(outputs[0].shape[:after])
    if node.op_type in _ALONG:
        axes = _axes(node, constants)
        return axes is not None and axis not in {each % len(first.shape) for each in axes}
    return True


def _axes(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> list[int] | None:
    """Return the axes along which an operator works, or None where these are no constants."""
    for attribute in node.attribute:
        if attribute.name in ("axis", "axes"):
            return list(attribute.ints) or [attribute.i]
    position, default = _ALONG[node.op_type]
    if position is None:
        return [default]
    named = constants.get(node.input[position]) if len(node.input) > position else None
    return None if named is None else [int(value) for value in numpy_helper.to_array(named).reshape(-1)]
