"""Rows of numbers and texts: read as they were sent, or refused with row, column and what was expected."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_repository import Category, Column
from serve import decode as decoding
from serve.decode import decode
from serve.errors import Malformed, RequestError, TooLarge, WrongValues
from serve.model import LoadedModel
from serve.numbers import check_rows
from serve.onnx_runtime import MixedRows
from serve.signature import MOST_SHOWN, Signature
from tests.mixed_models import NAMES, UNKNOWN, Row, columns, version

SIGNATURE = Signature(columns(), 1e6)
GOOD: Row = [0.5, "red", None, "round"]
SECRET = "4815162342"

rows = st.tuples(
    st.floats(-1e6, 1e6, width=32),
    st.none() | st.sampled_from(["", "blue", "green", "red"]) | st.text(),
    st.none() | st.floats(-1e6, 1e6, width=32) | st.integers(-9, 9),
    st.sampled_from(["round", "square"]),
).map(list)


def body(*given: Any) -> bytes:
    return json.dumps({"instances": list(given)}).encode()


def read(content: bytes, signature: Signature = SIGNATURE, max_rows: int = 100) -> MixedRows:
    rows, single = decode(content, signature, max_rows)
    check_rows(rows, signature, single=single)
    assert isinstance(rows, MixedRows)
    return rows


def refusal(content: bytes, signature: Signature = SIGNATURE, max_rows: int = 100) -> dict[str, Any]:
    with pytest.raises(RequestError) as caught:
        read(content, signature, max_rows)
    assert SECRET not in json.dumps(caught.value.body())
    return caught.value.body()


def changed(**values: Any) -> Row:
    return [values.get(name, value) for name, value in zip(NAMES, GOOD, strict=True)]


def at(row: int, column: str, expected: str) -> dict[str, Any]:
    return {"row": row, "column": column, "expected": expected}


def by_name(row: Row) -> dict[str, Any]:
    return dict(zip(NAMES, row, strict=True))


@given(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=5))
def test_both_forms_are_read_to_float32_numbers_and_texts(drawn: list[tuple[Row, bool]]) -> None:
    found = read(body(*(by_name(row) if named else row for row, named in drawn)))

    wanted = [[row[0], np.nan if row[2] is None else row[2]] for row, _ in drawn]
    known = ("", "blue", "green", "red")
    texts = [[(row[1] or "") if (row[1] or "") in known else UNKNOWN, row[3]] for row, _ in drawn]
    assert found.numbers.tobytes() == np.array(wanted, dtype=np.float32).tobytes()
    assert found.texts.tolist() == texts
    assert found.numbers.flags.c_contiguous
    assert found.texts.flags.c_contiguous


def test_one_row_is_told_from_a_list_of_one() -> None:
    assert decode(json.dumps({"features": GOOD}).encode(), SIGNATURE, 1).single
    assert not decode(body(GOOD), SIGNATURE, 1).single


def test_columns_of_texts_alone_have_no_numbers() -> None:
    found = read(body(["red", "round"], [None, "square"]), Signature(columns()[1::2], 1.0))

    assert found.numbers.shape == (2, 0)
    assert found.texts.tolist() == [["red", "round"], ["", "square"]]


MISSING = "a value is missing; training saw none missing here"
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"width": "0.5" + SECRET}, "a value is text", "width", "a number"),
    ({"width": ""}, "a value is text", "width", "a number"),
    ({"width": None}, MISSING, "width", "a number"),
    ({"width": True}, "a value is true or false", "width", "a number; true is 1 and false is 0"),
    ({"width": [1]}, "a value is a list", "width", "a number"),
    ({"height": -1_000_001}, "a number is too large: none of its size was proved", "height", "between -1000000 and"),
    ({"height": 1e39}, "a number is too large: none of its size was proved", "height", "between -1000000 and"),
    ({"height": 10**400}, "a number is too large: none of its size was proved", "height", "between -1000000 and"),
    ({"colour": 1}, "a value is a number", "colour", "a text"),
    ({"colour": False}, "a value is true or false", "colour", "a text"),
    ({"colour": {"red": 1}}, "a value is an object", "colour", "a text"),
    ({"shape": None}, MISSING, "shape", "a text"),
    ({"shape": ""}, MISSING, "shape", "a text"),
    ({"shape": SECRET}, "a text is no category that training saw", "shape", 'one of "square", "round"'),
    ({"shape": "Round"}, "a text is no category that training saw", "shape", 'one of "square", "round"'),
]


@pytest.mark.parametrize(("values", "sentence", "column", "expected"), REFUSED)
@pytest.mark.parametrize("named", [False, True])
def test_a_wrong_value_is_told_with_row_column_and_what_was_expected(
    values: dict[str, Any], sentence: str, column: str, expected: str, named: bool
) -> None:
    row: Any = by_name(changed(**values)) if named else changed(**values)
    told = refusal(body(GOOD, GOOD, row))

    assert (told["error"], told["row"], told["column"]) == (sentence, 2, column)
    assert expected in told["expected"]
    alone = refusal(json.dumps({"features": row}).encode())
    assert alone == {key: value for key, value in told.items() if key != "row"}


def test_the_largest_number_that_was_proved_is_answered_and_the_next_is_not() -> None:
    largest = 1e6 + 0.05  # between two float32 values, nearer to the larger
    signature = Signature(columns(), largest)
    beyond = float(np.nextafter(np.float32(1e6), np.float32(np.inf)))

    assert read(body(changed(width=-1e6)), signature).numbers[0, 0] == -1e6
    assert refusal(body(changed(width=beyond)), signature)["column"] == "width"


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (body(GOOD[:-1]), WrongValues, "a row has 3 values; expected 4"),
        (body([*GOOD, 1]), WrongValues, "a row has 5 values; expected 4"),
        (body("red"), WrongValues, "a row is text; expected a list of values, or an object of them by name"),
        (body({**by_name(GOOD), SECRET: 1}), WrongValues, "name 5 of 5 in a row is no feature of this model"),
        (body({"width": 1}), WrongValues, "a feature is missing; expected all 4 by name"),
        (body(GOOD)[:-1] + b',"instances":[]}', WrongValues, "a name is repeated; expected each once"),
        (body(GOOD)[:-1] + b',"inst\\u0061nces":[]}', WrongValues, "a name is repeated; expected each once"),
        (body(by_name(GOOD))[:-3] + b',"width":1}]}', WrongValues, "a feature is named twice; expected each once"),
        (body(changed(shape="\ud800")), WrongValues, "a text is not Unicode"),
        (body(GOOD)[:-1], Malformed, "the body is not JSON from character"),
    ],
)
def test_a_wrong_form_is_told(content: bytes, error: type[RequestError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        decode(content, SIGNATURE, 100)


def test_the_first_wrong_value_is_told_where_null_is_one_and_where_it_is_none() -> None:
    wrong = changed(width=True)

    assert refusal(body(changed(colour=None), wrong)) == {"error": "a value is true or false"} | at(
        1, "width", "a number; true is 1 and false is 0"
    )
    assert refusal(body(changed(shape=None), wrong)) == {"error": "a value is null"} | at(0, "shape", "a text")


@pytest.mark.parametrize("row", [GOOD, by_name(GOOD), changed(colour="a {text}: [1], 2")])
def test_a_good_body_is_not_read_a_second_time(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "check_repeated", None)

    assert len(read(body(row, row))) == 2


def test_texts_with_quotes_brackets_and_commas_are_texts() -> None:
    strange = 'a "quoted", [bracketed] {text}: \\" and \\'

    assert read(body(changed(colour=strange), by_name(changed(colour=strange)))).texts[:, 0].tolist() == [UNKNOWN] * 2


def test_commas_in_texts_do_not_count_and_those_between_values_do() -> None:
    long = ',\\",' * 1_000
    assert len(read(body(*[changed(colour=long)] * 3), max_rows=3)) == 3

    told = refusal(body(changed(colour=long), [0] * 100), max_rows=3)
    assert told == {"error": "too many values for the rows; at most 3 rows of 4 are answered at once"}
    with pytest.raises(TooLarge):
        decode(b'{"instances":[["' + b'","' * 1_000 + b'"]]}', SIGNATURE, 3)


def test_an_unknown_text_is_the_one_that_was_proved_whatever_it_is() -> None:
    known = [Category(UNKNOWN, 1), Category("red", 1)]
    signature = Signature([Column.of_texts("colour", known, missing=False, unknown=True)], 1.0)

    texts = read(body(["red\0"], ["RED"], ["é" * 10_000], [UNKNOWN], ["red"]), signature).texts

    assert texts[:, 0].tolist() == [*[f"{UNKNOWN}?"] * 3, UNKNOWN, "red"]


def test_many_categories_are_counted_and_not_listed() -> None:
    known = [Category(f"category {number}", number) for number in range(MOST_SHOWN + 1)]
    signature = Signature([Column.of_texts("code", known, missing=False, unknown=False)], 1.0)

    assert refusal(body(["else"]), signature)["expected"] == (
        f"one of the {MOST_SHOWN + 1} categories that training saw; see GET /"
    )
    (described,) = signature.described
    assert described["categories"][0] == f"category {MOST_SHOWN}"
    assert (len(described["categories"]), described["category_count"]) == (MOST_SHOWN, MOST_SHOWN + 1)


def test_a_large_body_is_told_where_it_is_wrong_without_reading_it_again() -> None:
    many = [changed(colour="blue" * 100)] * 4_000

    told = refusal(body(*many, changed(shape=True)), max_rows=10_000)

    assert told == {
        "error": "a value is neither number nor text",
        "row": 4_000,
        "column": "shape",
        "expected": "a text",
    }
    assert refusal(body(*many, [True]), max_rows=10_000)["expected"] == "a number"
    by_names = refusal(body(*many, by_name(changed(shape=True))), max_rows=10_000)
    assert by_names == {"error": "a value is neither number nor text", "row": 4_000, "expected": "a number or a text"}


@given(st.lists(rows, min_size=1, max_size=6))
def test_a_row_has_the_same_answer_alone_and_in_any_company(drawn: list[Row]) -> None:
    labels, together = MODEL.predict(read(body(*drawn), MODEL.signature))
    alone = [MODEL.predict(read(body(row), MODEL.signature)) for row in drawn]

    assert [label.tolist()[0] for label, _ in alone] == labels.tolist()
    assert np.vstack([probabilities for _, probabilities in alone]).tobytes() == together.tobytes()


MODEL = LoadedModel(version("classes"))
