"""The guard over sizes and rows: small graphs of three columns, and what they would do at any number of rows."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from train.errors import ExportRefused
from train.guard import check_graph
from train.guard.rows import ROWS
from train.onnx_runtime import Session

Nodes = list[onnx.NodeProto]
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
CONSTANTS = {
    "first": [0],
    "zero": [0],
    "minus one": [-1],
    "axes": [1],
    "three": [7, 8, 9],
    "all rows": [ROWS],
    "twice the rows": [2, 1],
    "flat": [-1],
    "column": [-1, 1],
    "three rows": [3, -1],
    "many": [10**6],
}


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(","), [output], **attributes)


def ml(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(","), [output], domain="ai.onnx.ml", **attributes)


def prediction(nodes: Nodes) -> bytes:
    """Return a graph from `input` [n, 3] and `categories` [n, 2] to `prediction` [n, 1], made by the nodes."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [
            helper.make_tensor_value_info("input", FLOAT, [None, 3]),
            helper.make_tensor_value_info("categories", STRING, [None, 2]),
        ],
        [helper.make_tensor_value_info("prediction", FLOAT, [None, 1])],
        [helper.make_tensor(name, INT64, [len(values)], values) for name, values in CONSTANTS.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content


TOTAL = node("ReduceMax", "input", "prediction", axes=[1])
HARMLESS: dict[str, Nodes] = {
    "a sum of each row": [node("ReduceSum", "input,axes", "prediction")],
    "powers": [
        node("Abs", "input", "a"),
        node("Pow", "a,a", "b"),
        node("ReduceMax", "b", "prediction", axes=[1]),
    ],
    "a column": [node("Gather", "input,first", "prediction", axis=1)],
    "a slice of columns": [node("Slice", "input,first,axes,axes", "prediction")],
    "softmax of each row": [node("Softmax", "input", "a"), node("ReduceMax", "a", "prediction", axes=[1])],
    "running sums of each row": [node("CumSum", "input,one", "a"), node("ReduceMax", "a", "prediction", axes=[1])],
    "best of each row": [
        helper.make_node("TopK", ["input", "axes"], ["prediction", "places"], axis=1),
    ],
    "a table looked up by rows": [
        node("ArgMax", "input", "winner", axis=1),
        ml("ArrayFeatureExtractor", "three,winner", "found"),
        node("Cast", "found", "numbers", to=FLOAT),
        node("Reshape", "numbers,column", "prediction"),
    ],
    "a shape taken from the rows": [
        node("Shape", "input", "shape"),
        node("ConstantOfShape", "shape", "zeros"),
        node("Add", "zeros,input", "same"),
        node("ReduceMax", "same", "prediction", axes=[1]),
    ],
    "texts encoded": [
        ml("LabelEncoder", "categories", "codes", keys_strings=["a"], values_floats=[1.0], default_float=0.0),
        node("ReduceMax", "codes", "prediction", axes=[1]),
    ],
    "scaled": [ml("Scaler", "input", "a", scale=[1.0], offset=[0.0]), node("ReduceMax", "a", "prediction", axes=[1])],
    "rows on their side and back": [
        node("Transpose", "input", "a", perm=[1, 0]),
        node("Transpose", "a", "b", perm=[1, 0]),
        node("ReduceMax", "b", "prediction", axes=[1]),
    ],
    "whole numbers divided by a positive constant": [
        node("Cast", "input", "whole", to=INT64),
        node("Div", "whole,axes", "a"),
        node("Cast", "a", "b", to=FLOAT),
        node("ReduceMax", "b", "prediction", axes=[1]),
    ],
}
MIXING: dict[str, Nodes] = {
    "Concat": [node("Concat", "input,input", "a", axis=0), TOTAL],
    "ReduceMax": [node("ReduceMax", "input", "a", axes=[0]), TOTAL],
    "ReduceMean": [node("ReduceMean", "input", "a"), TOTAL],
    "Gather": [node("Gather", "input,first", "a", axis=0), TOTAL],
    "Softmax": [node("Softmax", "input", "a", axis=0), TOTAL],
    "CumSum": [node("CumSum", "input,zero scalar", "a"), TOTAL],
    "TopK": [helper.make_node("TopK", ["input", "axes"], ["a", "places"], axis=0), TOTAL],
    "ArgMax": [node("ArgMax", "input", "a", axis=0), TOTAL],
    "Slice": [node("Slice", "input,minus one,minus many,zero,minus one", "a"), TOTAL],
    "Split": [helper.make_node("Split", ["input", "all rows"], ["a"], axis=0), TOTAL],
    "Reshape": [node("Reshape", "input,three rows", "a"), TOTAL],
    "Tile": [node("Tile", "input,twice the rows", "a"), TOTAL],
    "MatMul": [node("Transpose", "input", "a"), node("MatMul", "a,input", "b"), TOTAL],
    "Normalizer": [node("Transpose", "input", "a"), ml("Normalizer", "a", "b", norm="L2"), TOTAL],
    "GatherElements": [
        node("Cast", "input", "whole", to=INT64),
        node("GatherElements", "input,whole", "a", axis=0),
        TOTAL,
    ],
    "ArrayFeatureExtractor": [
        node("Transpose", "input", "a"),
        node("ArgMax", "input", "winner", axis=1),
        ml("ArrayFeatureExtractor", "a,winner", "b"),
        TOTAL,
    ],
}
UNBOUNDED: dict[str, tuple[Nodes, str]] = {
    "each row against each": (
        [
            node("ReduceMax", "input", "a", axes=[1]),
            node("Transpose", "a", "b"),
            node("Mul", "a,b", "c"),
            TOTAL,
        ],
        "rows of more than",
    ),
    "a very long constant": ([node("ConstantOfShape", "many", "a"), TOTAL], "rows of more than"),
    "a length that a value decides": (
        [
            node("Cast", "input", "whole", to=INT64),
            node("ReduceMax", "whole", "most", keepdims=0),
            node("Reshape", "most,flat", "length"),
            node("ConstantOfShape", "length", "a"),
            TOTAL,
        ],
        "ReduceMax joins rows|cannot be told how large",
    ),
    "rows repeated as often as a value says": (
        [
            node("Cast", "input", "whole", to=INT64),
            node("Slice", "whole,first,axes,axes", "length"),
            node("Expand", "input,length", "a"),
            TOTAL,
        ],
        "cannot be told how large|not valid ONNX",
    ),
    "a vector as wide as the file says": (
        [ml("FeatureVectorizer", "input", "a", inputdimensions=[10**7]), TOTAL],
        "rows of more than",
    ),
    "whole numbers divided by -1": (
        [node("Cast", "input", "whole", to=INT64), node("Div", "whole,minus one", "a"), TOTAL],
        "divides whole numbers",
    ),
    "whole numbers divided by whole numbers": (
        [node("Cast", "input", "whole", to=INT64), node("Div", "whole,whole", "a"), TOTAL],
        "divides whole numbers",
    ),
}


def with_scalars(nodes: Nodes) -> Nodes:
    """Put the scalar constants before the nodes that name them."""
    scalars = {"one": 1, "zero scalar": 0}
    tensors = {"minus many": helper.make_tensor("minus many", INT64, [1], [-(2**31)])}
    tensors |= {name: helper.make_tensor(name, INT64, [], [value]) for name, value in scalars.items()}
    return [helper.make_node("Constant", [], [name], value=tensor) for name, tensor in tensors.items()] + nodes


@pytest.mark.parametrize("name", HARMLESS)
def test_a_graph_that_answers_each_row_alone_passes_and_runs(name: str) -> None:
    content = prediction(with_scalars(HARMLESS[name]))
    inputs = {
        "input": np.array([[1, 2, 3], [9, 8, 7], [4, 6, 5]], dtype=np.float32),
        "categories": np.array([["a", "b"]] * 3, dtype=object),
    }

    check_graph(content)

    batch, _ = Session(content).run(inputs)
    alone = [
        Session(content).run({key: value[index : index + 1] for key, value in inputs.items()})[0] for index in range(3)
    ]
    assert batch.tolist() == np.concatenate(alone).tolist()


@pytest.mark.parametrize("kind", MIXING)
def test_an_operator_that_joins_rows_is_refused_by_name(kind: str) -> None:
    with pytest.raises(ExportRefused, match=f"the operator {kind} joins rows"):
        check_graph(prediction(with_scalars(MIXING[kind])))


@pytest.mark.parametrize("name", UNBOUNDED)
def test_a_graph_that_could_take_all_memory_or_end_the_process_is_refused(name: str) -> None:
    nodes, reason = UNBOUNDED[name]

    with pytest.raises(ExportRefused, match=reason):
        check_graph(prediction(with_scalars(nodes)))


def test_sizes_that_the_file_claims_are_not_believed() -> None:
    proto = onnx.load_model_from_string(prediction(with_scalars(UNBOUNDED["each row against each"][0])))
    proto.graph.value_info.append(helper.make_tensor_value_info("c", FLOAT, [None, 1]))

    with pytest.raises(ExportRefused, match="rows of more than"):
        check_graph(proto.SerializeToString())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals are the system's")
def test_what_the_guard_says_of_a_division_is_so() -> None:
    """The least whole number divided by -1 ends the process: one missing value would end the server."""
    program = (
        "import sys, numpy, onnxruntime;"
        "onnxruntime.InferenceSession(sys.stdin.buffer.read()).run(None, {"
        "'input': numpy.full((1, 3), numpy.nan, 'f4'), 'categories': numpy.array([['a', 'b']], object)})"
    )
    nodes = [
        node("Cast", "input", "whole", to=INT64),
        node("Div", "whole,minus one", "a"),
        node("Cast", "a", "b", to=FLOAT),
        node("ReduceMax", "b", "prediction", axes=[1]),
    ]

    ended = subprocess.run(
        [sys.executable, "-c", program],
        input=prediction(nodes),
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
        check=False,
    )

    assert ended.returncode != 0
