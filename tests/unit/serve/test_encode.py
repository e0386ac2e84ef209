"""What is written for an answer: the prediction, probabilities where there are some, and never what is not finite."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve import encode as encoding
from serve.encode import encode_many, encode_one
from serve.errors import WrongValues
from serve.model import LoadedModel
from serve.onnx_runtime import Answers
from tests.mixed_models import ROWS, Kind, expected, version

MODELS: dict[Kind, LoadedModel] = {kind: LoadedModel(version(kind)) for kind in ("classes", "labels", "number")}
NAMES = {"target_names": ["refused", "accepted"]}


def predictions(*values: float) -> Answers:
    return np.array(values, dtype=np.float32), np.empty((len(values), 0), np.float32)


@pytest.mark.parametrize("kind", MODELS)
def test_the_answers_have_the_members_that_their_kind_of_model_gives(kind: Kind) -> None:
    model = MODELS[kind]
    answers = model.predict(model.signature.inputs(ROWS))
    rows = []
    for row in ROWS:
        label, shares = expected(kind, row)
        rows.append({"prediction": label} | ({"probabilities": shares} if shares else {}))
    names = {} if kind == "number" else NAMES

    assert json.loads(encode_many(answers, model)) == {"predictions": rows} | names
    one = encode_one((answers[0][:1], answers[1][:1]), model)
    assert json.loads(one) == rows[0] | names


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", MODELS)
def test_many_answers_are_written_some_at_a_time_as_each_is_written_alone(
    kind: Kind, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ROWS_AT_ONCE", 2)
    model = MODELS[kind]
    answers = model.predict(model.signature.inputs((ROWS * 5)[:count]))
    alone = [json.loads(encode_one((answers[0][[each]], answers[1][[each]]), model)) for each in range(count)]
    rows = [{name: value for name, value in row.items() if name != "target_names"} for row in alone]

    assert json.loads(encode_many(answers, model))["predictions"] == rows


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_prediction_reads_back_as_the_same_float32_and_is_printed_short(value: float) -> None:
    answers = predictions(value)

    one = json.loads(encode_one(answers, MODELS["number"]))["prediction"]
    (many,) = json.loads(encode_many(answers, MODELS["number"]))["predictions"]
    assert np.float32(one).tobytes() == answers[0].tobytes()
    assert np.float64(one) == np.float64(str(np.float32(value)))
    assert many == {"prediction": one}


def test_a_prediction_is_written_as_people_write_it() -> None:
    assert encode_one(predictions(3.14), MODELS["number"]) == b'{"prediction":3.14}'


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_refused_with_its_row(value: float) -> None:
    shares = np.array([[0.5, 0.5], [0.5, value]], np.float32)
    cases: list[tuple[Answers, Kind]] = [
        (predictions(1.0, value), "number"),
        ((np.array(["no", "yes"], dtype=object), shares), "classes"),
    ]
    for answers, kind in cases:
        with pytest.raises(WrongValues) as caught:
            encode_many(answers, MODELS[kind])
        assert caught.value.body() == {"error": "the model has no finite answer to this row", "row": 1}
        with pytest.raises(WrongValues) as caught:
            encode_one((answers[0][1:], answers[1][1:]), MODELS[kind])
        assert caught.value.body() == {"error": "the model has no finite answer to this row"}


def test_a_class_may_be_called_null() -> None:
    answers: Answers = (np.array(["null"], dtype=object), np.array([[0.25, 0.75]], np.float32))

    assert json.loads(encode_one(answers, MODELS["classes"]))["prediction"] == "null"
    assert json.loads(encode_many(answers, MODELS["classes"]))["predictions"][0]["prediction"] == "null"
