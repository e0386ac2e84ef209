"""How large every tensor in a graph gets, worked out from the number of rows alone.

What the file itself says of sizes is not believed. An operator whose output depends on values, such as the length of a
range, passes only where these values are constants, or follow from the shape of the rows.
"""

import math
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from train.errors import ExportRefused
from train.guard.rows import ROWS, Tensor

WIDEST_ROW = 100_000
_LARGEST_FOLDED = 1_000  # values of a constant that may decide a shape
_FOLDED = {"Add", "Cast", "Concat", "Constant", "Gather", "Mul", "Slice", "Squeeze", "Sub", "Unsqueeze"}
_FLOAT, _INT64, _STRING = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.STRING

Known = dict[str, Tensor]
Constants = dict[str, onnx.TensorProto]


def tensors(model: onnx.ModelProto) -> tuple[Known, Constants]:
    """Return all tensors of a valid graph that is given ROWS rows, and those of them that are small constants.

    Raises:
        ExportRefused: a tensor's size is not known, or it has more than WIDEST_ROW values for each row.

    """
    graph = model.graph
    known = {each.name: Tensor(each.data_type, tuple(each.dims)) for each in graph.initializer}
    constants = {each.name: each for each in graph.initializer if math.prod(each.dims) <= _LARGEST_FOLDED}
    for value in graph.input:
        tensor = value.type.tensor_type
        known[value.name] = Tensor(tensor.elem_type, (ROWS, *(size.dim_value for size in tensor.shape.dim[1:])))
    for node in graph.node:
        required = node.input if node.domain else node.input[:1]
        if not all(name in known for name in required):
            raise ExportRefused(f"the graph is not valid ONNX: {node.op_type} lacks an input")
        found = _outputs(model, node, known, constants)
        for name in filter(None, node.output):
            if name not in found:
                raise ExportRefused(f"it cannot be told how large the output of {node.op_type} gets")
            _check_size(found[name])
        known.update(found)
        _fold(node, known, constants)
    return known, constants


def _check_size(tensor: Tensor) -> None:
    values = math.prod(tensor.shape)
    if values > WIDEST_ROW * (ROWS if values % ROWS == 0 else 1):
        raise ExportRefused(f"the graph makes rows of more than {WIDEST_ROW:,} values")


def _outputs(model: onnx.ModelProto, node: onnx.NodeProto, known: Known, constants: Constants) -> Known:
    if node.domain == "ai.onnx.ml":
        return dict(zip(node.output, _machine_learning(node, known), strict=False))
    version = next(entry.version for entry in model.opset_import if entry.domain == node.domain)
    types = {
        name: onnx.helper.make_tensor_type_proto(known[name].kind, known[name].shape) for name in node.input if name
    }
    data = {name: constants[name] for name in node.input if name in constants}
    try:
        schema = onnx.defs.get_schema(node.op_type, version, node.domain)
        found = onnx.shape_inference.infer_node_outputs(
            schema, node, types, data, None, list(model.opset_import), model.ir_version
        )
    except (onnx.defs.SchemaError, onnx.shape_inference.InferenceError, RuntimeError) as error:
        raise ExportRefused(f"the graph is not valid ONNX: {str(error).splitlines()[0]}") from None
    sizes = {name: each.tensor_type for name, each in found.items()}
    return {
        name: Tensor(each.elem_type, tuple(size.dim_value for size in each.shape.dim))
        for name, each in sizes.items()
        if each.HasField("shape") and all(size.HasField("dim_value") for size in each.shape.dim)
    }


def _fold(node: onnx.NodeProto, known: Known, constants: Constants) -> None:
    """Work out the constants that shapes may depend on: the shapes of others, and what is taken out of these."""
    name = node.output[0]
    if not name or math.prod(known[name].shape) > _LARGEST_FOLDED:
        return
    if node.op_type == "Shape":
        start, end = _attribute(node, "start", 0), _attribute(node, "end", None)
        value = np.array(known[node.input[0]].shape[start:end], dtype=np.int64)
    elif node.op_type in _FOLDED and all(each in constants for each in node.input if each):
        value = _evaluated(node, {each: numpy_helper.to_array(constants[each]) for each in node.input if each})
    else:
        return
    constants[name] = numpy_helper.from_array(value, name)


def _evaluated(node: onnx.NodeProto, inputs: dict[str, Any]) -> npt.NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of casts that overflow
            return np.asarray(next(iter(ReferenceEvaluator(node).run(None, inputs))))
    except Exception as error:  # the evaluator and numpy raise whatever they like
        raise ExportRefused(f"the graph is not valid ONNX: {node.op_type} cannot be worked out") from error


def _machine_learning(node: onnx.NodeProto, known: Known) -> list[Tensor]:
    """Return the outputs of an operator of ai.onnx.ml; for most of these ONNX itself does not say their size."""
    kind, shape = known[node.input[0]]
    if node.op_type.endswith("Classifier"):
        return _classifier(node, shape[:1])
    match node.op_type:
        case "CategoryMapper":
            kind = _INT64 if kind == _STRING else _STRING
        case "LabelEncoder":
            kind = _encoded(node, kind)
        case "ArrayFeatureExtractor":
            shape = (*(shape[:-1] or (1,)), math.prod(known[node.input[1]].shape))
        case "Scaler" | "Normalizer":
            kind = _FLOAT
        case "OneHotEncoder":
            categories = _attribute(node, "cats_int64s", []) or _attribute(node, "cats_strings", [])
            kind, shape = _FLOAT, (*shape, len(categories))
        case "FeatureVectorizer":
            kind, shape = _FLOAT, (*shape[:1], sum(_attribute(node, "inputdimensions", [])))
        case "TreeEnsembleRegressor" | "LinearRegressor" | "SVMRegressor":
            targets = _attribute(node, "n_targets", 0) or _attribute(node, "targets", 1)
            kind, shape = _FLOAT, (*shape[:1], targets)
    return [Tensor(kind, shape)]  # Imputer and Binarizer give what they take


def _classifier(node: onnx.NodeProto, rows: tuple[int, ...]) -> list[Tensor]:
    numbers = _attribute(node, "classlabels_int64s", []) or _attribute(node, "classlabels_ints", [])
    texts = _attribute(node, "classlabels_strings", [])
    classes = len(numbers) or len(texts)
    if node.op_type == "SVMClassifier" and not _attribute(node, "prob_a", []) and classes > 2:
        classes = classes * (classes - 1) // 2  # it gives the decision between each two classes
    return [Tensor(_STRING if texts else _INT64, rows), Tensor(_FLOAT, (*rows, max(classes, 2)))]


def _encoded(node: onnx.NodeProto, kind: int) -> int:
    """Return the element type of what a LabelEncoder gives."""
    kinds = {"values_strings": _STRING, "values_int64s": _INT64, "values_floats": _FLOAT}
    for attribute in node.attribute:
        if attribute.name in kinds:
            return kinds[attribute.name]
        if attribute.name == "values_tensor":
            return int(attribute.t.data_type)
    return _INT64 if kind == _STRING else _STRING


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return onnx.helper.get_attribute_value(attribute)
    return default
