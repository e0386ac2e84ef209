"""What the load generators print is read as it was meant, and answers are judged by what is in them."""

import json

import numpy as np
import pytest

from benchmarks import forms
from benchmarks.forms import Form
from benchmarks.load import Load, Shot, read_vegeta, read_wrk
from benchmarks.overload import judged
from benchmarks.stage import is_right, rotated
from tests.infer_bodies import Sent, infer_body

ROWS = np.array([[1.5, 2.0], [0.25, 7.0]])
PROBABILITIES = np.array([[0.25, 0.75], [1.0, 0.0]])
VALUES = [0.25, 0.75, 1.0, 0.0]
PREDICTIONS = [{"prediction": 1, "probabilities": [0.25, 0.75]}, {"prediction": 0, "probabilities": [1.0, 0.0]}]
TENSORS = [
    {"name": "label", "datatype": "INT64", "shape": [2], "data": [1, 0]},
    {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "data": VALUES},
]
BINARY = {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "parameters": {"binary_data_size": 16}}
ANSWERS = [
    (forms.PREDICT, json.dumps({"predictions": PREDICTIONS}).encode()),
    (forms.V2, json.dumps({"outputs": TENSORS}).encode()),
    (forms.V2_BINARY, json.dumps({"outputs": [BINARY]}).encode() + np.array(VALUES, "<f4").tobytes()),
    (forms.INSTANCES, json.dumps({"predictions": PROBABILITIES.tolist()}).encode()),
    (forms.BENTOML, json.dumps(PROBABILITIES.tolist()).encode()),
]


@pytest.mark.parametrize(("form", "content"), ANSWERS)
def test_an_answer_is_right_if_it_holds_the_probabilities(form: Form, content: bytes) -> None:
    assert is_right(form, content, PROBABILITIES)
    assert not is_right(form, content, PROBABILITIES[::-1])
    assert not is_right(form, content, PROBABILITIES[:1])
    assert not is_right(form, b'{"error": "busy"}', PROBABILITIES)


def test_one_row_is_asked_as_features_and_many_as_instances() -> None:
    assert json.loads(forms.PREDICT.ask(ROWS[:1]).body) == {"features": [1.5, 2.0]}
    assert json.loads(forms.PREDICT.ask(ROWS).body) == {"instances": [[1.5, 2.0], [0.25, 7.0]]}


def test_a_binary_question_ends_with_the_rows_where_a_server_need_not_copy_them() -> None:
    question = forms.V2_BINARY.ask(ROWS)
    length = int(question.headers["inference-header-content-length"])
    assert length % 4 == 0
    expected = infer_body([Sent("input", "FP32", [2, 2], ROWS.ravel().tolist())], "binary")
    assert expected.header_length
    assert question.body[length:] == expected.content[expected.header_length :]


def test_requests_that_failed_are_no_part_of_the_rate() -> None:
    printed = (
        'Running 2s test\n\n{"requests": 1000, "microseconds": 2000000, "p50": 1500, "p99": 9000, "failed": 100}\n'
    )
    assert read_wrk(printed) == Load(450.0, 1.5, 9.0, 100)


def test_a_request_at_a_rate_has_its_status_its_time_and_its_answer() -> None:
    table = '1000000000,200,2500000,3,2,,b2s=,,0,POST,http://x,\n2000000000,0,5000000,3,0,"timed out, late",,,1,POST,http://x,\n'
    assert list(read_vegeta(table)) == [Shot(1.0, 200, 2.5, b"ok"), Shot(2.0, 0, 5.0, b"")]


def test_every_request_in_overload_is_right_wrong_refused_or_failed() -> None:
    form, right = ANSWERS[0]
    wrong = right.replace(b"0.75", b"0.5")
    shots = [Shot(0, 200, time, right) for time in (1.0, 2.0, 3.0)]
    shots += [
        Shot(0, 200, 99, wrong),
        Shot(0, 503, 1, b""),
        Shot(0, 429, 1, b""),
        Shot(0, 500, 1, b""),
        Shot(0, 0, 1, b""),
    ]
    counts, p99 = judged(form, shots, PROBABILITIES)
    assert counts == {"right": 3, "wrong": 1, "refused": 2, "failed": 2}
    assert p99 == pytest.approx(2.98)


def test_each_round_begins_with_another_server() -> None:
    assert [rotated("abc", number) for number in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]
