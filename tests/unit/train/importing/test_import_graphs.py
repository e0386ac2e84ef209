"""Graphs of many forms, each brought into the one form that is served."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from skl2onnx.common.data_types import StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from tests.exports import default_export

Import = Callable[..., Any]
MIXED = pd.DataFrame(
    {
        "age in years": [21.5, 33.0, 47.25, 58.0] * 10,
        "children": [0, 2, 1, 3] * 10,
        "colour": ["red", "green", "blue", "red"] * 10,
        "bought": ["no", "yes", "yes", "no"] * 10,
    }
)
FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING


def pipeline(encoder: Any) -> Any:
    scaled = (StandardScaler(), ["age in years", "children"])
    model = make_pipeline(
        make_column_transformer((encoder, ["colour"]), scaled), RandomForestClassifier(9, random_state=0)
    )
    return model.fit(MIXED.drop(columns="bought"), MIXED["bought"])


def linear(inputs: list[tuple[str, int, int | None]], opset: int = 17, ir_version: int = 8) -> onnx.ModelProto:
    """Return a graph that gives the largest number in each row of its inputs (name, element type, width)."""
    nodes, names = [], []
    for name, _, _ in inputs:
        nodes.append(helper.make_node("Cast", [name], [f"{name} as float"], to=FLOAT))
        names.append(f"{name} as float")
    nodes += [
        helper.make_node("Concat", names, ["all"], axis=1),
        helper.make_node("ReduceMax", ["all"], ["largest"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in inputs],
        [helper.make_tensor_value_info("largest", FLOAT, [None])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def rows_of(frame: pd.DataFrame) -> list[list[Any]]:
    values: list[list[Any]] = frame.astype(object).to_numpy().tolist()
    return values


@pytest.mark.parametrize("target", [None, "bought"])
def test_a_default_export_of_skl2onnx_with_an_input_a_column_and_zipmap_is_served(
    target: str | None, imports: Import
) -> None:
    model = pipeline(OneHotEncoder(handle_unknown="ignore"))
    features = MIXED.drop(columns="bought")
    proto = default_export(model, features[:1])
    assert proto.graph.node[-1].op_type == "ZipMap" or proto.graph.node[-2].op_type == "ZipMap"

    imported = imports(proto, MIXED, target=target)

    labels, probabilities = imported.answers(rows_of(features))
    assert labels.tolist() == model.predict(features).tolist()
    assert np.abs(probabilities - model.predict_proba(features)).max() < 1e-6
    assert imported.manifest.target.classes == ["no", "yes"]
    assert [column.name for column in imported.manifest.columns] == list(features.columns)
    assert [category.text for category in imported.manifest.columns[2].categories] == ["blue", "green", "red"]
    assert [category.rows for category in imported.manifest.columns[2].categories] == [10, 10, 20]
    assert imported.manifest.columns[2].unknown
    assert imported.manifest.metrics == ({"accuracy": 1.0, "f1": 1.0} if target else {})
    assert imported.manifest.dataset.held_out == (40 if target else 0)


def test_columns_that_the_graph_does_not_take_are_named(imports: Import) -> None:
    proto = default_export(pipeline(OneHotEncoder(handle_unknown="ignore")), MIXED.drop(columns="bought")[:1])

    imported = imports(proto, MIXED.assign(row=range(40)))

    assert "the graph does not take bought, row" in imported.said
    assert len(imported.manifest.columns) == 3


def test_a_text_that_the_graph_knows_no_answer_to_is_not_allowed_to_be_unknown(imports: Import) -> None:
    texts = MIXED[["colour", "bought"]]
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(texts.to_numpy(), MIXED["bought"])
    proto = default_export(model, initial_types=[("texts", StringTensorType([None, 2]))], options={"zipmap": False})

    imported = imports(proto, texts)

    assert [column.unknown for column in imported.manifest.columns] == [False, False]
    assert imported.answers(rows_of(texts))[0].tolist() == MIXED["bought"].tolist()


def test_whole_numbers_are_answered_up_to_what_their_type_holds(imports: Import) -> None:
    proto = default_export(pipeline(OrdinalEncoder()), MIXED.drop(columns="bought")[:1])

    imported = imports(proto, MIXED)

    assert imported.manifest.parity.largest_magnitude == 1e18
    assert "numbers up to 1e+18" in imported.said


def test_scores_that_are_no_probabilities_are_not_served_as_such(
    imports: Import, frames: dict[str, pd.DataFrame]
) -> None:
    data = frames["wine"]
    rows = data.drop(columns="target").to_numpy()
    model = LinearSVC(random_state=0).fit(rows / 100, data["target"])

    imported = imports(default_export(model, rows[:1]), data, target="target")

    labels, probabilities = imported.answers(rows.tolist())
    assert labels.tolist() == model.predict(rows).tolist()
    assert probabilities.shape == (len(rows), 0)
    assert not imported.manifest.target.probabilities
    assert "only the class is served" in imported.said


def test_classes_that_only_zipmap_names_are_found(imports: Import) -> None:
    zipped = helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
    graph = helper.make_graph(
        [
            helper.make_node("Softmax", ["rows"], ["shares"]),
            helper.make_node("ArgMax", ["rows"], ["winner"], axis=1, keepdims=1),
            helper.make_node("ZipMap", ["shares"], ["by class"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]),
        ],
        "softmax",
        [helper.make_tensor_value_info("rows", FLOAT, [None, 2])],
        [
            helper.make_value_info("by class", helper.make_sequence_type_proto(zipped)),
            helper.make_tensor_value_info("winner", INT64, [None, 1]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]

    imported = imports(
        helper.make_model(graph, opset_imports=opsets, ir_version=8), MIXED[["children", "age in years"]]
    )

    labels, probabilities = imported.answers([[0, 0], [5, 0]])
    assert labels.tolist() == [0, 0]
    assert probabilities[0].tolist() == [0.5, 0.5]
    assert imported.manifest.target.classes == [0, 1]


def test_one_number_a_row_is_a_regression(imports: Import, frames: dict[str, pd.DataFrame]) -> None:
    data = frames["diabetes"]
    rows = data.drop(columns="target").to_numpy()
    model = LinearRegression().fit(rows, data["target"])

    imported = imports(default_export(model, rows[:1]), data, target="target")

    assert np.allclose(imported.answers(rows.tolist())[0], model.predict(rows), rtol=1e-5)
    assert imported.manifest.target.classes == []
    assert imported.manifest.target.name == "target"
    assert set(imported.manifest.metrics) == {"r2", "mean_absolute_error", "root_mean_squared_error"}
    assert imported.manifest.parity.largest_magnitude < 3e38  # a sum of products overflows there


@pytest.mark.parametrize(
    "inputs",
    [
        [("rows", FLOAT, 3)],
        [("rows", FLOAT, None)],
        [("rows", DOUBLE, 3)],
        [("rows", INT64, 3)],
        [("c", FLOAT, 1), ("a", FLOAT, 1), ("b", FLOAT, 1)],
        [("b", DOUBLE, 1), ("a", INT64, 1), ("c", FLOAT, 1)],
        [("label", DOUBLE, 1), ("input", INT64, 1), ("a", FLOAT, 1)],
    ],
)
@pytest.mark.parametrize("opset", [11, 17])
def test_any_form_of_numeric_inputs_becomes_one_of_float32(
    inputs: list[tuple[str, int, int | None]], opset: int, imports: Import
) -> None:
    names = ["a", "b", "c"] if len(inputs) == 1 else sorted(name for name, _, _ in inputs)
    sample = pd.DataFrame(np.random.default_rng(0).integers(-9, 9, (30, 3)), columns=names)

    imported = imports(linear(inputs, opset), sample)

    assert imported.answers(rows_of(sample))[0].tolist() == sample.max(axis=1).tolist()
    assert [column.name for column in imported.manifest.columns] == names


def test_a_tensor_of_numbers_and_one_of_texts_take_their_columns_in_order(imports: Import) -> None:
    sample = pd.DataFrame({"x": ["1", "one", "2"] * 10, "y": [4, 5, 6] * 10, "z": [7.5, 0, 1] * 10})
    proto = linear([("numbers", FLOAT, 2)])
    proto.graph.input.append(helper.make_tensor_value_info("texts", STRING, [None, 1]))
    proto.graph.node.insert(
        0,
        helper.make_node(
            "LabelEncoder",
            ["texts"],
            ["codes"],
            domain="ai.onnx.ml",
            keys_strings=["one"],
            values_floats=[100.0],
            default_float=0.0,
        ),
    )
    next(node for node in proto.graph.node if node.op_type == "Concat").input.append("codes")
    proto.opset_import.add(domain="ai.onnx.ml", version=3)

    imported = imports(proto, sample)

    assert imported.answers([["one", 1, 2], ["2", 4, 3]])[0].tolist() == [100, 4]


@pytest.mark.parametrize(("ir_version", "written"), [(4, 8), (8, 8), (9, 9), (13, 10)])
def test_the_format_is_one_that_is_served(ir_version: int, written: int, imports: Import) -> None:
    sample = pd.DataFrame({"a": range(20), "b": range(20)})

    imported = imports(linear([("rows", FLOAT, 2)], ir_version=ir_version), sample)

    assert imported.manifest.onnx.ir_version == written


def test_a_file_of_the_oldest_format_lists_its_constants_among_the_inputs(imports: Import) -> None:
    proto = linear([("rows", FLOAT, 2)], opset=9, ir_version=3)
    proto.graph.initializer.append(helper.make_tensor("more", FLOAT, [1], [1.0]))
    proto.graph.input.append(helper.make_tensor_value_info("more", FLOAT, [1]))
    proto.graph.node.append(helper.make_node("Add", ["largest", "more"], ["greater"]))
    proto.graph.output[0].name = "greater"

    imported = imports(proto, pd.DataFrame({"a": range(20), "b": range(20)}))

    assert imported.answers([[1, 2]])[0].tolist() == [3]


def test_trees_that_compare_by_less_than_need_no_operators_but_their_own(imports: Import) -> None:
    """As converters from XGBoost write them: `ai.onnx` is not even named."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["variable"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[1, 0, 0],
        nodes_modes=["BRANCH_LT", "LEAF", "LEAF"],
        nodes_values=[5.0, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[-1.0, 1.0],
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("X", FLOAT, [None, 2])],
        [helper.make_tensor_value_info("variable", FLOAT, [None, 1])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)

    imported = imports(proto, pd.DataFrame({"a": range(20), "b": range(20)}))

    assert imported.answers([[9, 4.999], [0, 5], [0, 6]])[0].tolist() == [-1, 1, 1]
