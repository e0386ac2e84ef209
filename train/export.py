"""From a fitted model to the bytes of an ONNX model; the same model gives the same bytes."""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import onnx
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

from train import converters
from train.errors import ExportRefused
from train.estimators.reasons import reason
from train.onnx_runtime import LABEL, PREDICTION, PROBABILITIES
from train.original import Original, reads_float32
from train.schema import NUMBERS, TEXTS, Schema

OPSETS = {"": 17, converters.ML_DOMAIN: converters.ML_OPSET}
IR_VERSION = 8
DOUBLES = "copse/input"

InitialTypes = list[tuple[str, Any]]


def export(original: Original) -> bytes:
    """Return a model that takes `input`, float32 [n, columns of numbers], and `categories`, texts [n, of texts].

    It gives `label` [n] and, where the classifier has them, `probabilities` [n, classes]; a regressor gives
    `prediction` [n, 1].

    Raises:
        ExportRefused: the model has no exact form in ONNX.

    """
    if original.classifies:
        _check_classes(original.classes)
    elif getattr(original.model, "n_outputs_", 1) != 1:
        raise ExportRefused("a model with several outputs cannot be exported; fit one for each output")
    proto = _convert(original)
    _name_outputs(proto, _outputs(original))
    _gather_inputs(proto, original.schema, DOUBLES if not reads_float32(original.model) else NUMBERS)
    proto.ir_version = IR_VERSION
    del proto.opset_import[:]
    for domain, version in OPSETS.items():
        proto.opset_import.add(domain=domain, version=version)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _outputs(original: Original) -> list[str]:
    if not original.classifies:
        return [PREDICTION]
    return [LABEL, PROBABILITIES] if original.has_probabilities else [LABEL]


def _convert(original: Original) -> onnx.ModelProto:
    """Convert with the first form of input that the model's converters take."""
    converters.register()
    errors: list[Exception] = []
    for initial_types in _initial_types(original):
        try:
            return _to_onnx(original, initial_types)
        except Exception as error:  # noqa: BLE001 - skl2onnx and the estimators raise whatever they like
            errors.append(error)
    raise ExportRefused(f"{type(original.model).__name__} cannot be exported: {_reason(errors[0])}") from errors[0]


def _reason(error: Exception) -> str:
    """Return the sentence of an error, or which estimator has no converter."""
    unknown = re.search(r"shape calculator for type '<class '.*?(\w+)'>'", str(error))
    if not unknown:
        return reason(error)
    return f"{unknown[1]} has no form in ONNX here; docs/models.md lists what has, copse-import takes exports of others"


def _to_onnx(original: Original, initial_types: InitialTypes) -> onnx.ModelProto:
    options = {id(original.model): {"zipmap": False}} if original.classifies else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto: onnx.ModelProto = to_onnx(
            original.model, initial_types=initial_types, options=options, target_opset=OPSETS, name="copse"
        )
    return proto


def _initial_types(original: Original) -> Iterator[InitialTypes]:
    """Yield the forms in which a model may take its columns: one tensor, which is faster, or one a column."""
    schema, numbers = original.schema, FloatTensorType if reads_float32(original.model) else DoubleTensorType
    if not schema.texts:
        yield [(NUMBERS, numbers([None, len(schema)]))]
    if not schema.numbers:
        yield [(TEXTS, StringTensorType([None, len(schema)]))]
    yield [
        (field.name, (numbers if field.categories is None else StringTensorType)([None, 1])) for field in schema.fields
    ]


def _gather_inputs(proto: onnx.ModelProto, schema: Schema, numbers: str) -> None:
    """Take float32 numbers and texts as one tensor each; inside numbers are float64 where scikit-learn has them so."""
    graph, nodes = proto.graph, []
    one_tensor = _takes_one_tensor(proto)
    wanted = [value.name for value in graph.input]
    del graph.input[:]
    if schema.numbers:
        graph.input.append(helper.make_tensor_value_info(NUMBERS, onnx.TensorProto.FLOAT, [None, len(schema.numbers)]))
        if numbers == DOUBLES:
            nodes.append(helper.make_node("Cast", [NUMBERS], [DOUBLES], "copse/cast", to=onnx.TensorProto.DOUBLE))
    if schema.texts:
        graph.input.append(helper.make_tensor_value_info(TEXTS, onnx.TensorProto.STRING, [None, len(schema.texts)]))
    if one_tensor:
        for node in graph.node:
            node.input[:] = [numbers if name == NUMBERS else name for name in node.input]
    else:
        for name, columns in ((numbers, schema.numbers), (TEXTS, schema.texts)):
            nodes += _columns(graph, name, [wanted[column] for column in columns])
    existing = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *existing])


def _takes_one_tensor(proto: onnx.ModelProto) -> bool:
    return [value.name for value in proto.graph.input] in ([NUMBERS], [TEXTS])


def _columns(graph: onnx.GraphProto, tensor: str, names: list[str]) -> list[onnx.NodeProto]:
    """Return the nodes that take columns out of a tensor, and add the constants that they need."""
    graph.initializer.extend(
        helper.make_tensor(f"copse/{tensor}/{index}", onnx.TensorProto.INT64, [1], [index])
        for index in range(len(names))
    )
    return [
        helper.make_node(
            "Gather", [tensor, f"copse/{tensor}/{index}"], [name], f"copse/{tensor}/{index}/gather", axis=1
        )
        for index, name in enumerate(names)
    ]


def _name_outputs(proto: onnx.ModelProto, names: list[str]) -> None:
    """Give the outputs the names of the contract, whatever a column with such a name has made of them."""
    del proto.graph.output[len(names) :]  # scores that are no probabilities
    outputs = [value.name for value in proto.graph.output]
    if len(outputs) != len(names):
        raise ExportRefused("the export gives no probabilities, which the model has")
    used = {name for node in proto.graph.node for name in [*node.input, *node.output]}
    reserved = {*names} if _takes_one_tensor(proto) else {*names, NUMBERS, TEXTS}
    aside = {name: f"copse/{name}/inner" for name in used & reserved - set(outputs)}
    renamed = aside | dict(zip(outputs, names, strict=True))
    for node in proto.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.initializer, *proto.graph.value_info]:
        value.name = renamed.get(value.name, value.name)


def _check_classes(classes: Any) -> None:
    """Refuse labels that ONNX cannot give back as they are."""
    if classes.ndim != 1 or classes.dtype.kind not in "iuUO":
        if classes.ndim != 1:
            raise ExportRefused("a model with several outputs cannot be exported; fit one for each output")
        raise ExportRefused("the labels must be whole numbers or text; make true and false 1 and 0")
    if len(classes) < 2:
        raise ExportRefused("the target has only one class; there is nothing to tell apart")
