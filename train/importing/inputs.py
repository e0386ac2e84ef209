"""Which column of the sample goes into which input of the graph, and the operators that bring it there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from train.errors import BadData, BadEstimator
from train.importing.read import PREFIX
from train.schema import NUMBERS, TEXTS

# The largest magnitude of a number that a whole-number input holds; the others take every float32.
LARGEST_WHOLE: dict[int, float] = {TensorProto.INT32: 2.0e9, TensorProto.INT64: 9.0e18}
KINDS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.STRING, *LARGEST_WHOLE}
SPLIT_TAKES_SIZES = 13  # the opset since which Split takes sizes as an input


@dataclass(frozen=True)
class Taken:
    """An input of the graph: its element type (as in onnx.TensorProto) and the columns of the sample that it takes."""

    name: str
    kind: int
    columns: tuple[str, ...]


def match(model: onnx.ModelProto, columns: Sequence[str], texts: set[str]) -> list[Taken]:
    """Return the inputs with their columns: by name where each input is a column, else in the order of the sample.

    `texts` are the columns that hold something else than numbers.

    Raises:
        BadEstimator: the inputs are of a kind that is not known.
        BadData: the columns do not fit.

    """
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in given]
    for value in inputs:
        _check_input(value)
    if not inputs:
        raise BadEstimator("the graph takes no input; one of rows was expected")
    widths = [value.type.tensor_type.shape.dim[1].dim_value for value in inputs]
    if len(inputs) > 1 and set(widths) == {1}:
        return _by_name(inputs, columns)
    return _in_order(inputs, widths, columns, texts)


def wire(taken: Sequence[Taken], columns: Sequence[str], opset: int) -> onnx.GraphProto:
    """Return a graph from `input` and `categories` to the inputs that a graph takes."""
    kinds = {name: TEXTS if each.kind == TensorProto.STRING else NUMBERS for each in taken for name in each.columns}
    graph = onnx.GraphProto()
    for tensor, element in ((NUMBERS, TensorProto.FLOAT), (TEXTS, TensorProto.STRING)):
        held = [name for name in columns if kinds.get(name) == tensor]
        if held:
            graph.input.append(helper.make_tensor_value_info(tensor, element, [None, len(held)]))
        for kind in sorted({each.kind for each in taken}):
            inputs = [each for each in taken if each.kind == kind]
            if (kind == TensorProto.STRING) == (tensor == TEXTS):
                _bring(graph, tensor, held, inputs, opset)
    return graph


def _check_input(value: onnx.ValueInfoProto) -> None:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or tensor.elem_type not in KINDS:
        raise BadEstimator(
            f"the graph's input {value.name} holds neither float32, float64, whole numbers nor texts; export it so"
        )
    if len(tensor.shape.dim) != 2 or tensor.shape.dim[0].dim_value:
        raise BadEstimator(
            f"the graph's input {value.name} does not take any number of rows, [n, columns]; export it with a first "
            "dimension that is free"
        )


def _by_name(inputs: Sequence[onnx.ValueInfoProto], columns: Sequence[str]) -> list[Taken]:
    known = {name: name for name in columns} | {re.sub(r"\W", "_", name): name for name in reversed(columns)}
    known |= {name: name for name in columns}  # an exact name wins
    lacking = [value.name for value in inputs if value.name not in known]
    if lacking:
        more = f" and {len(lacking) - 1:,} more" if len(lacking) > 1 else ""
        raise BadData(f"the sample has no column for the graph's input {lacking[0]}{more}; its header must name it")
    return [Taken(value.name, value.type.tensor_type.elem_type, (known[value.name],)) for value in inputs]


def _in_order(
    inputs: Sequence[onnx.ValueInfoProto], widths: Sequence[int], columns: Sequence[str], texts: set[str]
) -> list[Taken]:
    kinds = [value.type.tensor_type.elem_type for value in inputs]
    if len(inputs) > 2 or (len(inputs) == 2 and len({kind == TensorProto.STRING for kind in kinds}) == 1):
        raise BadEstimator("the graph's inputs must be one a column, or one of numbers and one of texts")
    taken = []
    for value, width, kind in zip(inputs, widths, kinds, strict=True):
        fitting = (
            columns
            if len(inputs) == 1
            else [name for name in columns if (name in texts) == (kind == TensorProto.STRING)]
        )
        if len(fitting) != (width or len(fitting)) or not fitting:
            what = {1: "feature columns"}.get(
                len(inputs), "columns of texts" if kind == TensorProto.STRING else "columns of numbers"
            )
            raise BadData(
                f"the sample has {len(fitting):,} {what}, the graph takes {width:,}; leave others out of the sample, "
                "or name the one that is predicted with --target"
            )
        taken.append(Taken(value.name, kind, tuple(fitting)))
    return taken


def _bring(graph: onnx.GraphProto, tensor: str, held: list[str], inputs: list[Taken], opset: int) -> None:
    """Add what takes columns out of a tensor, makes them the type that the inputs have, and parts them."""
    places = [held.index(name) for each in inputs for name in each.columns]
    kind, source = inputs[0].kind, tensor
    label = f"{tensor}/{TensorProto.DataType.Name(kind).lower()}"
    if places != list(range(len(held))):
        graph.initializer.append(helper.make_tensor(f"{label}/places", TensorProto.INT64, [len(places)], places))
        graph.node.append(helper.make_node("Gather", [source, f"{label}/places"], [f"{label}/chosen"], axis=1))
        source = f"{label}/chosen"
    if kind not in (TensorProto.FLOAT, TensorProto.STRING):
        graph.node.append(helper.make_node("Cast", [source], [f"{label}/cast"], to=kind))
        source = f"{label}/cast"
    names, sizes = [PREFIX + each.name for each in inputs], [len(each.columns) for each in inputs]
    if len(inputs) == 1:
        graph.node.append(helper.make_node("Identity", [source], names))
    elif opset < SPLIT_TAKES_SIZES:
        graph.node.append(helper.make_node("Split", [source], names, axis=1, split=sizes))
    else:
        graph.initializer.append(helper.make_tensor(f"{label}/sizes", TensorProto.INT64, [len(sizes)], sizes))
        graph.node.append(helper.make_node("Split", [source, f"{label}/sizes"], names, axis=1))
