"""A model's metadata tells what infer takes and gives; outputs are those that are wanted, and finite."""

from importlib.metadata import version as installed
from typing import Any

import numpy as np
import pytest

from model_repository import PublishedVersion
from serve.errors import WrongValues
from serve.inference.metadata import model_metadata, server_metadata
from serve.inference.outputs import check_wanted, tensors_of
from serve.model import LoadedModel
from tests.mixed_models import ROWS, expected, version

KINDS = ["classes", "labels", "number"]


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_as_the_metadata_tells(kind: Any) -> None:
    model = LoadedModel(version(kind))
    tensors = tensors_of(model.predict(model.signature.inputs(ROWS)), model, [])

    described = model_metadata(model)["outputs"]
    assert [each["name"] for each in described] == [tensor.name for tensor in tensors]
    for told, tensor in zip(described, tensors, strict=True):
        assert told["datatype"] == tensor.datatype
        assert [-1, *tensor.shape[1:]] == told["shape"]
        assert tensor.data.shape == tensor.shape == (len(ROWS), *told["shape"][1:])


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_have_the_answers(kind: Any) -> None:
    model = LoadedModel(version(kind))
    first, *others = tensors_of(model.predict(model.signature.inputs(ROWS)), model, [])

    assert first.data.reshape(-1).tolist() == [expected(kind, row)[0] for row in ROWS]
    assert [each.data.tolist() for each in others] == ([[expected(kind, row)[1] for row in ROWS]] if others else [])
    assert bool(others) == (kind == "classes")


def test_a_model_of_numbers_alone_is_told_with_one_input(published: PublishedVersion) -> None:
    told = model_metadata(LoadedModel(published))

    assert told == {
        "name": "breast-cancer",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 30]}],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ],
    }


def test_a_model_with_texts_is_told_with_an_input_a_column() -> None:
    inputs = model_metadata(LoadedModel(version("classes")))["inputs"]

    assert [(each["name"], each["datatype"]) for each in inputs] == [
        ("width", "FP32"),
        ("colour", "BYTES"),
        ("height", "FP32"),
        ("shape", "BYTES"),
    ]
    assert all(each["shape"] == [-1, 1] for each in inputs)


def test_the_server_tells_its_version_and_extensions() -> None:
    assert server_metadata() == {
        "name": "copse",
        "version": installed("copse"),
        "extensions": ["binary_tensor_data", "model_repository"],
    }


def test_outputs_are_given_in_the_order_in_which_they_are_wanted() -> None:
    model = LoadedModel(version("classes"))
    answers = model.predict(model.signature.inputs(ROWS))

    assert [each.name for each in tensors_of(answers, model, ["probabilities", "label"])] == ["probabilities", "label"]
    assert [each.name for each in tensors_of(answers, model, ["probabilities"])] == ["probabilities"]


@pytest.mark.parametrize(
    ("kind", "wanted", "sentence", "expects"),
    [
        ("classes", ["label", "4815162342"], "output 2 of 2 has a name that is no output", "label or probabilities"),
        ("labels", ["probabilities"], "output 1 of 1 has a name that is no output", "label"),
        ("number", ["label"], "output 1 of 1 has a name that is no output", "prediction"),
        ("classes", ["label", "label"], "output 2 of 2 is asked for twice", None),
    ],
)
def test_an_output_that_there_is_not_is_refused(kind: Any, wanted: list[str], sentence: str, expects: Any) -> None:
    with pytest.raises(WrongValues, match=sentence) as caught:
        check_wanted(wanted, LoadedModel(version(kind)))
    assert caught.value.where.get("expected") == expects
    assert "4815162342" not in str(caught.value.body())


def test_an_answer_that_is_not_finite_is_refused_with_its_row() -> None:
    model = LoadedModel(version("number"))
    answers = np.array([1.0, np.inf], np.float32), np.empty((2, 0), np.float32)

    with pytest.raises(WrongValues, match="no finite answer") as caught:
        tensors_of(answers, model, [])
    assert caught.value.where == {"row": 1}
