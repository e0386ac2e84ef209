"""What the core promises: the same bits alone or in company, and text that reads back as the same float32."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import PublishedVersion
from serve.decode import decode
from serve.encode import encode_many, encode_one
from serve.model import LoadedModel
from train.builtin import built_in

ROWS = built_in("breast-cancer").rows


@pytest.fixture(scope="module")
def model(published: PublishedVersion) -> LoadedModel:
    return LoadedModel(published)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, len(ROWS) - 1), min_size=1, max_size=40))
def test_a_row_has_the_same_answer_alone_and_in_any_company(model: LoadedModel, chosen: list[int]) -> None:
    labels, together = model.predict(ROWS[chosen])
    alone = [model.predict(ROWS[index : index + 1]) for index in chosen]

    assert [label.tolist()[0] for label, _ in alone] == labels.tolist()
    assert np.vstack([probabilities for _, probabilities in alone]).tobytes() == together.tobytes()


@given(st.lists(st.floats(width=32, min_value=0, max_value=1), min_size=2, max_size=2))
def test_a_probability_reads_back_as_the_same_float32_and_is_printed_short(
    model: LoadedModel, values: list[float]
) -> None:
    probabilities = np.array([values], dtype=np.float32)
    text = encode_one((np.array([0]), probabilities), model)

    read = json.loads(text)["probabilities"]
    assert np.array(read, dtype=np.float32).tobytes() == probabilities.tobytes()
    assert [np.float32(value) for value in read] == [np.float32(str(value)) for value in probabilities[0]]


def test_one_row_and_a_list_of_one_have_the_same_numbers(model: LoadedModel) -> None:
    answers = model.predict(ROWS[:1])
    one, many = json.loads(encode_one(answers, model)), json.loads(encode_many(answers, model))

    assert many["predictions"] == [{"prediction": one["prediction"], "probabilities": one["probabilities"]}]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=30, max_size=30))
def test_both_forms_of_a_row_are_decoded_to_its_float32_values(model: LoadedModel, values: list[float]) -> None:
    listed = decode(json.dumps({"features": values}).encode(), model.signature, 10)
    named = dict(zip(model.signature.names, values, strict=True))
    by_name = decode(json.dumps({"instances": [named]}).encode(), model.signature, 10)

    assert isinstance(listed.rows, np.ndarray)
    assert isinstance(by_name.rows, np.ndarray)
    assert listed.rows.tobytes() == by_name.rows.tobytes() == np.array([values], dtype=np.float32).tobytes()
    assert (listed.single, by_name.single) == (True, False)
