"""The population stability index, and how much of it is chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.drift.stability import (
    ALWAYS_TRAINING,
    MOST_REPEATED,
    Shares,
    by_chance,
    effectively_distinct,
    filled_up,
    stability,
    training_shares,
)
from serve.drift.window import WINDOW

COUNTS = st.lists(st.integers(1, 1000), min_size=2, max_size=12)

untimed = settings(deadline=None, max_examples=60)


def shares(counts: list[int]) -> Shares:
    return np.array([counts], dtype=np.float64) / sum(counts)


@untimed
@given(COUNTS)
def test_the_same_shares_have_no_index(counts: list[int]) -> None:
    assert stability(shares(counts), shares(counts)).tolist() == [0.0]


@untimed
@given(COUNTS, st.data())
def test_it_is_never_negative_and_the_same_both_ways(counts: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.integers(1, 1000), min_size=len(counts), max_size=len(counts)))
    index, back = stability(shares(counts), shares(others)), stability(shares(others), shares(counts))

    assert index[0] >= 0
    assert math.isclose(index[0], back[0], abs_tol=1e-12)
    assert (index[0] > 1e-12) is (shares(counts) != shares(others)).any() or index[0] < 1e-6


def test_it_is_the_sum_that_the_docs_tell() -> None:
    live, training = np.array([[0.2, 0.8, 0.0]]), np.array([[0.5, 0.5, 0.0]])

    assert stability(live, training)[0] == pytest.approx(-0.3 * math.log(0.4) + 0.3 * math.log(1.6))


@untimed
@given(COUNTS, st.integers(0, WINDOW))
def test_a_window_that_is_not_full_is_filled_up_with_training_and_no_share_is_0(counts: list[int], rows: int) -> None:
    training = training_shares(np.array([[*counts, 0]], dtype=np.float64))
    live = filled_up(np.array([[rows] + [0] * len(counts)], dtype=np.float64), training, rows)

    assert live.sum() == pytest.approx(1)
    assert (live > 0).all()
    rest = (WINDOW - rows + ALWAYS_TRAINING) / (WINDOW + ALWAYS_TRAINING)
    assert live[0, 1:] == pytest.approx(training[0, 1:] * rest)


def test_a_bin_that_cannot_be_has_no_share() -> None:
    assert training_shares(np.array([[math.nan, 3.0, 5.0]])).tolist() == [[0.0, 0.4, 0.6]]


@pytest.mark.parametrize(("bins", "rows", "training_rows"), [(8, WINDOW, 455), (4, WINDOW, 5000), (12, 200, 455)])
def test_rows_drawn_from_the_training_itself_exceed_chance_once_in_twenty(
    bins: int, rows: int, training_rows: int
) -> None:
    drawn, repeats = np.random.default_rng(1), 4000
    even = np.full(bins, 1 / bins)
    training = training_shares(drawn.multinomial(training_rows, even, repeats).astype(np.float64))
    live = filled_up(drawn.multinomial(rows, even, repeats).astype(np.float64), training, rows)
    allowed = by_chance(np.full(repeats, bins), rows, rows, np.full(repeats, training_rows))

    assert 0.02 < (stability(live, training) > allowed).mean() < 0.09


@untimed
@given(st.integers(1, MOST_REPEATED), st.integers(1, 40))
def test_rows_that_are_repeated_vary_as_much_as_those_that_are_different(times: int, different: int) -> None:
    assert effectively_distinct([*range(different)] * times) == pytest.approx(different)


def test_the_same_row_again_and_again_is_no_excuse_without_end() -> None:
    assert effectively_distinct([0] * WINDOW) == WINDOW / MOST_REPEATED
