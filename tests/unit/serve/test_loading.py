"""Before a model answers, its graph must fit its manifest, and its golden rows must be answered as by the original."""

from typing import Any

import msgspec
import onnx
import pytest
from onnx import helper, parser

from model_repository import Golden, PublishedVersion, Target
from serve.errors import ModelRefused
from serve.model import LoadedModel
from tests.graphs import Edit, edited
from tests.mixed_models import NAMES, ROWS, Kind, columns, expected, manifest, version

KINDS: list[Kind] = ["classes", "labels", "number"]


def golden(kind: Kind, **changed: Any) -> Golden:
    return msgspec.structs.replace(version(kind).manifest.golden, **changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_of_numbers_and_texts_answers_as_the_arithmetic_says(kind: Kind) -> None:
    model = LoadedModel(version(kind))

    labels, probabilities = model.predict(model.signature.inputs(ROWS))

    assert labels.tolist() == [expected(kind, row)[0] for row in ROWS]
    assert probabilities.tolist() == [expected(kind, row)[1] for row in ROWS]
    assert probabilities.shape == (len(ROWS), 2 if kind == "classes" else 0)


@pytest.mark.parametrize(
    ("kind", "changed", "reason"),
    [
        (
            "classes",
            {"columns": columns()[1:]},
            "float32 rows of the manifest's 1 columns of numbers and texts of its 2",
        ),
        ("classes", {"columns": columns()[:3]}, "2 columns of numbers and texts of its 1 columns of texts"),
        ("classes", {"columns": columns()[::2]}, "its input is not float32 rows of the manifest's 2 columns$"),
        ("classes", {"columns": columns()[1::2]}, "its input is not texts of its 2 columns of texts$"),
        ("classes", {"target": Target([], [])}, "it does not give a prediction"),
        ("labels", {"target": Target([0, 1], ["no", "yes"])}, "it does not give a label and probabilities"),
        ("number", {"target": Target([0, 1], ["no", "yes"], probabilities=False)}, "it does not give a label"),
    ],
)
def test_a_graph_that_does_not_fit_its_manifest_is_refused(kind: Kind, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelRefused, match=reason):
        LoadedModel(version(kind, **changed))


def another_name(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = proto.graph.node[0].input[0] = proto.graph.node[1].input[2] = "another name"


def so_many_rows(proto: onnx.ModelProto) -> None:
    for entry in proto.graph.input:
        entry.type.tensor_type.shape.dim[0].dim_value = len(ROWS)


def float64(proto: onnx.ModelProto) -> None:
    another_name(proto)
    proto.graph.input[0].name = "input"
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    cast = helper.make_node("Cast", ["input"], ["another name"], to=onnx.TensorProto.FLOAT)
    proto.graph.node.insert(0, cast)


@pytest.mark.parametrize("edit", [another_name, so_many_rows, float64])
def test_an_input_of_another_name_or_type_or_of_a_fixed_number_of_rows_is_refused(edit: Edit) -> None:
    content = edited(version("number").onnx, edit)

    with pytest.raises(ModelRefused, match="its input is not float32 rows"):
        LoadedModel(PublishedVersion("shapes", 1, manifest("number", content), content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_golden_row_with_another_answer_refuses_the_version(kind: Kind) -> None:
    labels = golden(kind).labels
    other = [labels[1] if kind != "number" else float(labels[0]) + 2**-20, *labels[1:]]
    assert other != labels

    with pytest.raises(ModelRefused, match="it answers 1 of its 5 golden rows otherwise"):
        LoadedModel(version(kind, golden=golden(kind, labels=other)))


@pytest.mark.parametrize(
    ("tolerance", "relative", "passes"), [(1.1, 0.0, True), (1.0, 0.0, False), (0.0, 0.2, True), (0.0, 0.19, False)]
)
def test_a_prediction_may_be_off_by_the_tolerance_and_a_part_of_what_is_expected(
    tolerance: float, relative: float, passes: bool
) -> None:
    larger = [float(label) * 1.25 for label in golden("number").labels]
    made = version("number", golden=golden("number", labels=larger, tolerance=tolerance, relative_tolerance=relative))

    if passes:
        assert LoadedModel(made).classes == []
    else:
        with pytest.raises(ModelRefused, match="golden rows otherwise"):
            LoadedModel(made)


def test_a_prediction_for_each_row_and_not_one_more_is_asked_for() -> None:
    def twice(proto: onnx.ModelProto) -> None:
        proto.graph.node[-1].output[0] = "once"
        proto.graph.node.append(helper.make_node("Concat", ["once", "once"], ["prediction"], axis=1))
        proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2

    content = edited(version("number").onnx, twice)

    with pytest.raises(ModelRefused, match="it answers 5 of its 5 golden rows otherwise"):
        LoadedModel(PublishedVersion("shapes", 1, manifest("number", content), content))


def test_a_graph_of_texts_alone_is_given_no_numbers() -> None:
    content = parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>
        texts (string[N,2] categories) => (float[N,1] prediction)
        <float[2,1] ones = {1.0, 1.0}> {
            effects = ai.onnx.ml.LabelEncoder<keys_strings = ["red", "round"], values_floats = [1.0, 2.0]>(categories)
            prediction = MatMul(effects, ones)
        }""").SerializeToString()
    golden = Golden([["red", "round"]], [3.0], [[]], 0.0)
    model = LoadedModel(
        PublishedVersion("texts", 1, manifest("number", content, columns=columns()[1::2], golden=golden), content)
    )

    assert model.predict(model.signature.inputs([["red", "round"], ["round", "round"]]))[0].tolist() == [3.0, 4.0]


def test_what_each_column_takes_is_told_with_the_most_frequent_categories_first() -> None:
    width, colour, height, shape = LoadedModel(version("classes")).signature.described

    assert [each["name"] for each in (width, colour, height, shape)] == NAMES
    assert width == {"name": "width", "type": "float32", "missing": False, "minimum": -2.0, "maximum": 1.5}
    assert height["missing"]
    assert colour == {
        "name": "colour",
        "type": "string",
        "missing": True,
        "categories": ["blue", "red", "green"],
        "category_count": 3,
        "unknown": True,
    }
    assert (shape["missing"], shape["unknown"]) == (False, False)
