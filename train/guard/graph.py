"""The guard over a graph: what is not vouched for here is never published.

ONNX Runtime loads cyclic trees and never returns, crashes on very deep ones, and runs operators that allocate without
bound. So a graph passes only when every operator is a known harmless one, all its data is inside the file, its trees
are trees, the size of every tensor is known from the number of rows alone, and no row is seen to change the answer to
another.
"""

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from model_repository import LARGEST_MODEL
from train.errors import ExportRefused
from train.guard.rows import ROWS, Tensor, check_rows
from train.guard.shapes import WIDEST_ROW, tensors
from train.guard.trees import DEEPEST_TREE, check_trees
from train.onnx_runtime import FEATURES, LABEL, PREDICTION, PROBABILITIES
from train.schema import NUMBERS, TEXTS

__all__ = ["DEEPEST_TREE", "MOST_OPERATORS", "WIDEST_ROW", "check_graph"]

MOST_OPERATORS = 1_000
LARGEST_IR_VERSION = 10
OUTPUTS = ([LABEL, PROBABILITIES], [LABEL], [PREDICTION])
INPUTS = {NUMBERS: onnx.TensorProto.FLOAT, TEXTS: onnx.TensorProto.STRING}

_STANDARD = """
    Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Constant ConstantOfShape Cos CumSum Div Elu Equal Erf Exp Expand
    Flatten Floor Gather GatherElements Gemm Greater GreaterOrEqual Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log
    LogSoftmax MatMul Max Mean Min Mul Neg Not OneHot Or Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Round Selu Shape Sigmoid Sign Sin
    Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Unsqueeze Where Xor
"""
_MACHINE_LEARNING = """
    ArrayFeatureExtractor Binarizer CategoryMapper FeatureVectorizer Imputer LabelEncoder LinearClassifier
    LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsembleClassifier
    TreeEnsembleRegressor
"""
ALLOWED = {("", name) for name in _STANDARD.split()} | {("ai.onnx.ml", name) for name in _MACHINE_LEARNING.split()}
_OUTPUT_KINDS = {
    LABEL: {onnx.TensorProto.INT64, onnx.TensorProto.STRING},
    FEATURES: {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE},
}
_WHOLE_NUMBERS = {onnx.TensorProto.DataType.Value(f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)}


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
    if not has_readable_names(model):
        raise ExportRefused("the bytes are a damaged ONNX model: a name in it is no text")
    _check_model(model)
    for node in model.graph.node:
        _check_node(node)
    for tensor in model.graph.initializer:
        _check_tensor(tensor)
    _check_inputs(model)
    _check_standard(model)
    _check_values(model)
    return model


def has_readable_names(model: onnx.ModelProto) -> bool:
    """Return whether all names are texts; protobuf gives bytes for what is not in UTF-8."""
    graph = model.graph
    names = [model.producer_name, model.producer_version, *(entry.domain for entry in model.opset_import)]
    names += [value.name for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    return all(isinstance(name, str) for name in names)


def _check_model(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ExportRefused("the graph defines functions of its own")
    if model.training_info:
        raise ExportRefused("the file holds another graph, for training")
    if len(model.graph.node) > MOST_OPERATORS:
        raise ExportRefused(
            f"the graph has {len(model.graph.node):,} operators; {MOST_OPERATORS:,} are the most served"
        )
    given = [value.name for value in model.graph.output]
    if given[: len(given) - (given[-1:] == [FEATURES])] not in OUTPUTS:
        expected = ", or ".join(" and ".join(names) for names in OUTPUTS)
        raise ExportRefused(f"the graph must give {expected}, and nothing else")
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
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            raise ExportRefused(f"the operator {node.op_type} holds a subgraph, which could loop without end")
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise ExportRefused("the graph holds sparse tensors")
        for tensor in [attribute.t, *attribute.tensors]:
            _check_tensor(tensor)
    if (node.domain, node.op_type) not in ALLOWED:
        raise ExportRefused(f"the operator {node.domain or 'ai.onnx'}.{node.op_type} is not vouched for")


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ExportRefused("the graph keeps data in another file; all of it must be in the one that is published")


def _check_standard(model: onnx.ModelProto) -> None:
    graph = model.graph
    untyped = [value for value in (*graph.output, *graph.value_info) if not value.type.tensor_type.elem_type]
    if untyped:  # they would end the process that infers shapes
        raise ExportRefused(f"the graph does not say of which type {untyped[0].name} is")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise ExportRefused(f"the graph is not valid ONNX: {str(error).splitlines()[0]}") from None


def _check_inputs(model: onnx.ModelProto) -> None:
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if INPUTS.get(value.name) != tensor.elem_type:
            raise ExportRefused("the graph must take `input`, float32 rows, or `categories`, rows of texts, or both")
        shape = [size.dim_value for size in tensor.shape.dim]
        if len(shape) != 2 or shape[0] or not shape[1]:
            raise ExportRefused("the graph's inputs must be any number of rows of a known number of columns")
    if not model.graph.input:
        raise ExportRefused("the graph takes no rows")


def _check_values(model: onnx.ModelProto) -> None:
    """Check what can only be said when the size of every tensor is known."""
    known, constants = tensors(model)
    for node in model.graph.node:
        inputs = [known.get(name) for name in node.input]
        check_rows(node, inputs, [known[name] for name in node.output if name], constants)
        if node.op_type.startswith("TreeEnsemble"):
            check_trees(node, known[node.input[0]].shape)
        if node.op_type == "Div":
            _check_division(known[node.input[0]], constants.get(node.input[1]))
    for value in model.graph.output:
        _check_output(value.name, known[value.name])


def _check_division(dividend: Tensor, divisor: onnx.TensorProto | None) -> None:
    """Check a division of whole numbers: the least of them by -1 ends the process in ONNX Runtime."""
    if dividend.kind in _WHOLE_NUMBERS and (divisor is None or (numpy_helper.to_array(divisor) <= 0).any()):
        raise ExportRefused("the graph divides whole numbers by what may be zero or negative")


def _check_output(name: str, tensor: Tensor) -> None:
    kinds = _OUTPUT_KINDS.get(name, {onnx.TensorProto.FLOAT})
    wide = {LABEL: (), PREDICTION: (1,)}.get(name, tensor.shape[1:2])
    if tensor.kind not in kinds or tensor.shape != (ROWS, *wide):
        raise ExportRefused(f"the output {name} has another type or shape than it must have")
