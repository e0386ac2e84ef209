"""Bins: those of the training's histogram, merged, and what is counted into each."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import Category, Column, Evaluation, Histogram, Manifest, Target
from serve.drift.bins import (
    FIRST,
    MISSING,
    MOST_BINS,
    MOST_TEXTS,
    OUTSIDE,
    column_bins,
    count_numbers,
    merge,
    prediction_bins,
    side_by_side,
)
from tests.factories import manifest
from tests.mixed_models import version
from train.describe import columns
from train.schema import Field, Schema

FLOATS = st.floats(-1e6, 1e6, width=32)

untimed = settings(deadline=None, max_examples=60)


def of_columns(described: list[Column], rows: int, held_out: int = 0, **changed: object) -> Manifest:
    data = msgspec.structs.replace(manifest().dataset, rows=rows, held_out=held_out)
    return msgspec.structs.replace(manifest(), columns=described, dataset=data, **changed)


@untimed
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40))
def test_merged_bins_hold_what_there_was_and_each_but_the_last_an_even_part(counts: list[int]) -> None:
    merged, ends = merge(counts)

    assert sum(merged) == sum(counts)
    assert len(merged) == len(ends) <= MOST_BINS
    assert ends[-1] == len(counts)
    assert all(count * MOST_BINS >= sum(counts) for count in merged[:-1])


@untimed
@given(st.lists(FLOATS | st.just(math.nan), min_size=1, max_size=60), st.lists(FLOATS, max_size=30))
def test_training_rows_are_counted_as_the_manifest_says_and_others_by_the_range(
    seen: list[float], others: list[float]
) -> None:
    training = np.array([seen], dtype=np.float32).T
    described = columns(Schema((Field("width"),)), training, [0], [])
    bins = column_bins(of_columns(described, len(seen)))[0]
    boundaries = side_by_side([bins.boundaries])
    missing = int(np.isnan(training).sum())
    values = np.array([others], dtype=np.float32).T
    below = int((values < np.nanmin(training)).sum()) if missing < len(seen) else 0
    above = int((values > np.nanmax(training)).sum()) if missing < len(seen) else len(others)

    counted = count_numbers(training, boundaries)[0].tolist()
    assert counted == [count or 0 for count in bins.training]
    assert counted[MISSING] == missing
    counts = count_numbers(values, boundaries)[0].tolist()
    assert sum(counts) == len(others)
    assert (counts[OUTSIDE], counts[bins.last + 1]) == (below, above)


def test_columns_are_counted_as_they_are_one_by_one() -> None:
    values = np.array([[0.5, 9.0, math.nan], [1.5, -1.0, 2.0], [2.5, 2.0, 2.0]], dtype=np.float32)
    together = count_numbers(values, side_by_side([[0.0, 1.0, 2.0], [0.0], [2.0, 3.0]]))

    assert together.tolist() == [[0, 0, 1, 1, 1], [0, 1, 2, 0, 0], [1, 0, 2, 0, 0]]


def test_a_constant_column_has_one_bin_and_what_differs_is_out_of_range() -> None:
    described = columns(Schema((Field("width"),)), np.full((9, 1), 0.3, dtype=np.float32), [], [])
    bins = column_bins(of_columns(described, 9))[0]
    values = np.array([[0.3], [0.3], [0.29], [0.31], [0.31]], dtype=np.float32)

    assert bins.training == [None, 0, 9, 0]
    assert count_numbers(values, side_by_side([bins.boundaries])).tolist() == [[0, 1, 2, 2]]


def test_the_largest_number_there_is_is_in_the_range_of_a_column_that_has_it() -> None:
    largest = np.finfo(np.float32).max
    described = columns(Schema((Field("width"),)), np.array([[0.0], [largest]], dtype=np.float32), [], [])
    bins = column_bins(of_columns(described, 2))[0]

    counts = count_numbers(np.array([[largest], [-1.0]], np.float32), side_by_side([bins.boundaries]))[0].tolist()
    assert (counts[OUTSIDE], counts[bins.last], counts[-1]) == (1, 1, 0)


@pytest.mark.parametrize(("rows", "held_out", "missing"), [(12, 2, 3), (7, 0, 0), (10, 10, 3)])
def test_missing_numbers_are_the_rows_of_the_training_that_are_in_no_bin(
    rows: int, held_out: int, missing: int
) -> None:
    column = Column("width", 0.0, 1.0, 0.5, Histogram([0.0, 1.0], [7]), missing=True)

    assert column_bins(of_columns([column], rows, held_out))[0].training[MISSING] == missing


def test_frequent_texts_have_a_bin_each_and_the_others_one() -> None:
    categories = [Category("", 4), *(Category(f"text {rows}", rows) for rows in range(1, MOST_TEXTS + 4))]
    column = Column.of_texts("colour", categories, missing=True, unknown=True)
    bins = column_bins(of_columns([column], 100))[0]

    assert bins.training == [4, 0, *range(MOST_TEXTS + 3, 3, -1), 1 + 2 + 3]
    assert bins.code(["", "no such text", "text 13", "text 4", "text 3", "text 1"]) == [
        MISSING,
        OUTSIDE,
        FIRST,
        FIRST + MOST_TEXTS - 1,
        FIRST + MOST_TEXTS,
        FIRST + MOST_TEXTS,
    ]


def test_texts_that_are_not_answered_have_no_bin() -> None:
    shape = column_bins(version("classes").manifest)[3]

    assert shape.training == [None, None, 3, 2]
    assert shape.code(["square", "round"]) == [FIRST, FIRST + 1]


def test_predicted_classes_are_those_of_the_held_out_rows() -> None:
    known = Evaluation(confusion=[[5, 1], [2, 4]])
    bins = prediction_bins(of_columns(manifest().columns, 7, evaluation=known))

    assert bins
    assert bins.training == [None, None, 7, 5]
    assert bins.code([1, 0]) == [FIRST + 1, FIRST]


def test_predicted_numbers_are_in_eighths_of_those_for_the_held_out_rows() -> None:
    known = Evaluation(predictions=[[0.0, float(number)] for number in range(80)])
    bins = prediction_bins(of_columns(manifest().columns, 7, target=Target([], []), evaluation=known))

    assert bins
    assert bins.training == [None, *[10] * MOST_BINS]
    assert np.bincount(bins.code([float(number) for number in range(80)])).tolist() == [0, *[10] * MOST_BINS]


@pytest.mark.parametrize("target", [Target([0, 1], ["no", "yes"]), Target([], [])])
def test_without_answers_to_held_out_rows_predictions_have_no_bins(target: Target) -> None:
    assert prediction_bins(of_columns(manifest().columns, 7, target=target)) is None
