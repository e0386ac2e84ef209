"""docs/data.md tells the marks, the limits and the endings that the code has."""

import re
from pathlib import Path

import pytest

from train.tables import limits
from train.tables.csv_file import BLOCK_BYTES
from train.tables.read import PARQUET, TEXT_FILES
from train.tables.text_files import SEPARATORS

PAGE = (Path(__file__).parents[4] / "docs/data.md").read_text()


def test_the_marks_of_a_missing_value_are_those_of_the_code() -> None:
    told = re.search(r"in any case: empty, (.*?)\. In Parquet", PAGE, re.DOTALL)

    assert told
    assert {mark.lower() for mark in re.findall(r"`([^`]+)`", told[1])} == limits.MISSING_MARKS - {""}


@pytest.mark.parametrize(
    "line",
    [
        f"| rows, at least | {limits.LEAST_ROWS} |",
        f"| columns to train on | {limits.MOST_COLUMNS:,} |",
        f"| different texts in a column, and classes | {limits.MOST_CATEGORIES:,} |",
        f"have their own | {limits.FEW_TEXTS}, unless `--categorical`",
        f"| bytes in a row of a CSV file | {BLOCK_BYTES:,} |",
        f"| at most {limits.MOST_CLASSES_OF_NUMBERS} different whole numbers | classification |",
        f"in fewer than {limits.RARE_ROWS} rows",
    ],
)
def test_a_limit_is_that_of_the_code(line: str) -> None:
    assert line in PAGE


def test_endings_and_separators_are_those_of_the_code() -> None:
    told = set(re.findall(r"`(\.[a-z]+)`", PAGE))

    assert told == {*TEXT_FILES, PARQUET} - {f"{ending}.gz" for ending in TEXT_FILES} | {".gz"}
    assert f"separated by {', '.join([*SEPARATORS.values()][:-1])} or {[*SEPARATORS.values()][-1]}" in PAGE


def test_the_exact_whole_numbers_of_float32_are_those_of_the_code() -> None:
    assert limits.LARGEST_EXACT == 2**24
    assert "A whole number beyond 2^24" in PAGE
