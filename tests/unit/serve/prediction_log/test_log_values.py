"""What is written of the values: the same bits, nothing of what is excluded, and hashes that can be joined."""

import hmac
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.model import LoadedModel
from serve.prediction_log.json_lines import LineFile
from serve.prediction_log.parquet import ParquetFolder
from serve.prediction_log.samples import Policy
from tests.mixed_models import NAMES, ROWS, Row, version
from tests.prediction_logs import BYTES, EVERYTHING, KEY, MIXED, answers_to, lines, logging_to, offer

NUMBER = LoadedModel(version("number"))
FORMATS = ["jsonl", "parquet"]

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
shapes = st.sampled_from(["round", "square"])
colours = st.sampled_from([None, "blue", "green", "red"])
rows = st.lists(st.tuples(floats, colours, st.none() | floats, shapes).map(list), min_size=1, max_size=40)


def written(folder: Path, form: str, asked: list[Row], policy: Policy = EVERYTHING) -> pd.DataFrame:
    """Return what is written of a request, with the columns as Parquet has them."""
    path = folder / f"log.{form}"
    with logging_to(LineFile(path, BYTES) if form == "jsonl" else ParquetFolder(path, BYTES), policy) as log:
        offer(log, asked)
    assert log.rows == len(asked)
    if form == "parquet":
        table = pd.read_parquet(path / "shapes" / "1")
    else:
        found = lines(path)
        own = ("request_id", "model", "version", "row", "prediction")
        table = pd.DataFrame([line["features"] | {f"copse_{name}": line[name] for name in own} for line in found])
        for label in ("no", "yes"):
            table[f"copse_probability_{label}"] = [line["probabilities"][label] for line in found]
    everything = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    for each in sorted(folder.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    table.attrs["bytes"] = everything
    return table


def bits(values: Any) -> bytes:
    return np.array(values, np.float32).tobytes()


@few
@given(asked=rows)
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_what_was_asked_bit_by_bit(tmp_path: Path, form: str, asked: list[Row]) -> None:
    table = written(tmp_path, form, asked)

    assert list(table.columns[:4]) == NAMES
    assert bits(table["width"]) == bits([row[0] for row in asked])
    assert [None if pd.isna(text) else text for text in table["colour"]] == [row[1] for row in asked]
    heights = [row[2] for row in asked]
    assert [pd.isna(height) for height in table["height"]] == [height is None for height in heights]
    assert bits([height for height in table["height"] if not pd.isna(height)]) == bits(
        [height for height in heights if height is not None]
    )
    assert list(table["shape"]) == [row[3] for row in asked]
    assert list(table["copse_row"]) == list(range(len(asked)))
    assert set(table["copse_request_id"]) == {"asked"}
    assert set(table["copse_model"]) == {"shapes"}
    assert set(table["copse_version"]) == {1}


@few
@given(shares=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_what_was_answered_bit_by_bit(tmp_path: Path, form: str, shares: list[float]) -> None:
    path, asked = tmp_path / f"log.{form}", [ROWS[0]] * len(shares)
    with logging_to(LineFile(path, BYTES) if form == "jsonl" else ParquetFolder(path, BYTES)) as log:
        for row, share in zip(asked, shares, strict=True):
            offer(log, [row], share=share)
    if form == "jsonl":
        found = [line["probabilities"]["yes"] for line in lines(path)]
        path.unlink()
    else:
        found = list(pd.read_parquet(path / "shapes" / "1")["copse_probability_yes"])
        for each in path.rglob("*.parquet"):
            each.unlink()

    assert bits(found) == bits(shares)


@few
@given(answers=st.lists(floats, min_size=1, max_size=40))
def test_a_regression_is_written_bit_by_bit_and_has_no_probabilities(tmp_path: Path, answers: list[float]) -> None:
    lines_path, folder = tmp_path / "log.jsonl", tmp_path / "log.parquet"
    given_answers = np.array(answers, np.float32), np.zeros((len(answers), 0), np.float32)
    asked = NUMBER.signature.inputs([ROWS[0]] * len(answers))
    for sink in (LineFile(lines_path, BYTES), ParquetFolder(folder, BYTES)):
        with logging_to(sink) as log:
            log.offer(NUMBER, asked, given_answers, "asked")
    found, table = lines(lines_path), pd.read_parquet(folder / "shapes" / "1")
    lines_path.unlink()
    for each in folder.rglob("*.parquet"):
        each.unlink()

    assert bits([line["prediction"] for line in found]) == bits(table["copse_prediction"]) == bits(answers)
    assert all("probabilities" not in line for line in found)
    assert not [name for name in table if str(name).startswith("copse_probability")]


def test_a_number_is_written_as_short_as_in_an_answer(tmp_path: Path) -> None:
    with logging_to(LineFile(tmp_path / "log.jsonl", BYTES)) as log:
        offer(log, [[0.1, None, None, "round"]], share=0.3)

    text = (tmp_path / "log.jsonl").read_text()
    assert '"features":{"width":0.1,"colour":null,"height":null,"shape":"round"}' in text
    assert '"prediction":"no","probabilities":{"no":0.7,"yes":0.3}}' in text
    assert text.startswith('{"kind":"prediction","time":"2')


secrets = st.integers(10_000_000, 16_000_000)  # exact in float32, and too long to be in anything else by chance


@few
@given(numbers=st.lists(secrets, min_size=1, max_size=10), hide=st.sampled_from(["exclude", "hash"]))
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_a_column_that_is_kept_out_is_in_any_byte(
    tmp_path: Path, form: str, numbers: list[int], hide: str
) -> None:
    names = frozenset({"width", "colour"})
    policy = Policy(names) if hide == "exclude" else Policy(frozenset(), names, KEY)
    table = written(tmp_path, form, [[float(number), "green", 0.5, "round"] for number in numbers], policy)

    told = table.to_csv().encode() + table.attrs["bytes"]
    for secret in [b"green", *(str(number).encode() for number in numbers)]:
        assert secret not in told
    for number in numbers:
        assert np.float32(number).tobytes() not in table.attrs["bytes"]
    assert list(table["shape"]) == ["round"] * len(numbers)
    assert names.isdisjoint(table.columns) if hide == "exclude" else names <= {*table.columns}


@few
@given(asked=rows)
@pytest.mark.parametrize("form", FORMATS)
def test_equal_values_have_equal_hashes_which_can_be_made_anew_with_the_key(
    tmp_path: Path, form: str, asked: list[Row]
) -> None:
    table = written(tmp_path, form, asked, Policy(frozenset(), frozenset({"colour", "width", "height"}), KEY))

    for name, position in (("width", 0), ("colour", 1), ("height", 2)):
        found = [None if pd.isna(value) else value for value in table[name]]
        assert found == [anew(row[position]) for row in asked]


def anew(value: float | str | None) -> str | None:
    """Return the hash as docs/prediction-log.md tells how to make it."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(float(str(np.float32(value))) + 0.0)
    return hmac.new(KEY, text.encode(), "sha256").hexdigest()[:32]


def test_a_key_changes_every_hash() -> None:
    one, other = Policy(key=KEY), Policy(key=KEY + b"!")

    assert one.hash("red") == one.hash("red")
    assert len({one.hash("red"), one.hash("green"), other.hash("red"), other.hash("green")}) == 4


@pytest.mark.parametrize("form", FORMATS)
def test_with_every_column_left_out_the_answers_are_there(tmp_path: Path, form: str) -> None:
    table = written(tmp_path, form, ROWS, Policy(frozenset(NAMES)))

    assert set(NAMES).isdisjoint(table.columns)
    assert list(table["copse_prediction"]) == ["no"] * len(ROWS)


def test_an_unknown_text_is_written_as_what_the_model_was_given(tmp_path: Path) -> None:
    rows_given = MIXED.signature.mixed([[1.0], [MIXED.signature.texts[1].other], [2.0], ["round"]])
    with logging_to(LineFile(tmp_path / "log.jsonl", BYTES)) as log:
        log.offer(MIXED, rows_given, answers_to(1), "asked")

    assert lines(tmp_path / "log.jsonl")[0]["features"]["colour"] == "no such category"
