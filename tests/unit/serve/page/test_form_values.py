"""What a form is sent with becomes a row; what is wrong or unusual is said at its column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.errors import WrongValues
from serve.model import LoadedModel
from serve.page.fields import fields
from serve.page.figures import brief, decimals, exact, percent, signed
from serve.page.reading import Reading, filled, read
from serve.signature import Signature, Value
from tests.mixed_models import ROWS, columns, version

SIGNATURE = Signature(columns(), 1e30)
FIELDS = fields(SIGNATURE)
GOOD = {"c0": "0.5", "c1": "1", "c2": "", "c3": "0"}


def read_form(**changed: str) -> Reading:
    return read(GOOD | changed, FIELDS, SIGNATURE)


def test_numbers_choices_and_missing_values_become_a_row() -> None:
    reading = read_form()

    assert (reading.errors, reading.warnings) == ({}, {})
    assert reading.row[0] == 0.5
    assert reading.row[1] in {"blue", "green", "red"}
    assert reading.row[2] is None
    assert reading.row[3] in {"round", "square"}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_is_filled_in_is_read_as_it_was(row: list[Value]) -> None:
    assert read(filled(row, FIELDS), FIELDS, SIGNATURE).row == row


@pytest.mark.parametrize("text", ["wide", "1,5", "nan", "inf", "1e999", "1_0", "\u0661", "9" * 61, "0x1"])
def test_what_is_no_number_is_refused_and_never_repeated_in_the_sentence(text: str) -> None:
    reading = read_form(c0=text)

    assert reading.errors == {"c0": "Expected a number such as 12.5."}
    assert reading.texts["c0"] == text


@pytest.mark.parametrize("text", [" 1.5 ", "+1.5", "15e-1", "1.50"])
def test_a_number_may_be_written_in_any_usual_way(text: str) -> None:
    assert read_form(c0=text).row[0] == 1.5
    assert read_form(c0="\N{MINUS SIGN}1.5").row[0] == -1.5


def test_a_number_beyond_float32_is_unusual_and_nothing_else_is_said_of_it() -> None:
    reading = read_form(c0="1e300")

    assert (reading.errors, list(reading.warnings)) == ({}, ["c0"])


@pytest.mark.parametrize("key", ["c0", "c3"])
def test_an_empty_field_is_refused_where_nothing_may_be_missing(key: str) -> None:
    assert read_form(**{key: ""}).errors == {key: "A value is needed: training saw none missing here."}


def test_a_form_without_any_field_is_missing_all() -> None:
    assert set(read({}, FIELDS, SIGNATURE).errors) == {"c0", "c3"}


def test_a_choice_that_is_none_of_the_list_is_refused() -> None:
    assert read_form(c3="7").errors == {"c3": "Expected one of the texts in the list."}
    assert read_form(c3="other").errors == {"c3": "Expected one of the texts in the list."}


def test_any_other_text_is_warned_of_where_it_is_answered() -> None:
    reading = read_form(c1="other")

    assert reading.errors == {}
    assert reading.warnings["c1"].startswith("Training saw no such text here")


@pytest.mark.parametrize(("text", "outside"), [("-2", False), ("1.5", False), ("1.5000001", True), ("-2.1", True)])
def test_a_number_outside_of_what_training_saw_is_warned_of_with_the_range(text: str, outside: bool) -> None:
    expected = {"c0": "Outside of what training saw: -2 to 1.5."} if outside else {}

    assert read_form(c0=text).warnings == expected


def test_a_refusal_of_the_model_stands_at_its_column_or_above_all() -> None:
    reading = Reading()
    reading.refuse(WrongValues("a number is too large", column="height", expected="a smaller one"), FIELDS)
    reading.refuse(WrongValues("the model has no finite answer to this row"), FIELDS)

    assert reading.errors == {"c2": "A number is too large; expected a smaller one."}
    assert reading.general == "The model has no finite answer to this row."


def test_a_histogram_is_an_outline_of_bars_and_texts_have_theirs() -> None:
    assert FIELDS[0].histogram == "M0 1V0h1V1z"
    assert FIELDS[3].histogram == "M0 1V0h1V.33h1V1z"


def test_columns_of_the_default_kind_have_ten_bars(default_model: LoadedModel) -> None:
    assert {each.bars for each in fields(default_model.signature)} == {10}


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_in_a_field_is_the_one_of_the_row(value: float) -> None:
    assert float(exact(value)) == pytest.approx(value, rel=1e-7)
    assert brief(value)


@pytest.mark.parametrize(
    ("share", "text"), [(1, "100.0"), (0, "0.0"), (0.99999, "over 99.9"), (0.00001, "under 0.1"), (0.25, "25.0")]
)
def test_what_is_not_certain_never_looks_so(share: float, text: str) -> None:
    assert percent(share) == f"{text}\N{NARROW NO-BREAK SPACE}%"


def test_the_stand_in_for_other_texts_is_the_one_that_was_proved() -> None:
    assert version("classes").manifest.golden.rows[0][1] == read_form(c1="other").row[1]


@pytest.mark.parametrize(
    ("largest", "texts"),
    [
        (0.9, ["+0.9000", "+0.0123"]),
        (59.65, ["+59.650", "+0.012"]),
        (166.0, ["+166.00", "+0.01"]),
        (1e7, ["+10,000,000", "+0"]),
    ],
)
def test_the_numbers_of_a_list_have_as_many_decimals_as_the_largest_leaves_room_for(
    largest: float, texts: list[str]
) -> None:
    assert [signed(value, decimals(largest)) for value in (largest, 0.0123)] == texts
