"""The pace of answers, and what a refused request is told about it."""

import math

from hypothesis import given
from hypothesis import strategies as st

from serve.pace import CALM_SECONDS, LONGEST_RETRY, Pace

RATES = st.integers(10, 10_000)


def answering(rate: int, seconds: float = 1.0, rows: int = 1) -> Pace:
    """Return a pace at which so many requests a second were answered while others waited."""
    pace = Pace()
    for count in range(int(rate * seconds)):
        pace.answered(1, rows, 1 / rate, count / rate, standing=True)
    return pace


@given(rate=RATES, rows=st.integers(1, 100), before=st.integers(0, 10**6))
def test_a_refused_request_is_told_when_those_before_it_are_answered(rate: int, rows: int, before: int) -> None:
    told = answering(rate, rows=rows).refused(rows, before, 1.0)
    expected = (before + rows) / (rate * rows)

    assert min(LONGEST_RETRY, 0.99 * expected) <= told <= min(LONGEST_RETRY, math.ceil(1.01 * expected) + 1)


def test_four_times_as_much_as_can_be_answered_is_spread_over_about_as_many_seconds() -> None:
    pace = answering(100)
    told = [pace.refused(1, 0, 1.0 + count / 300) for count in range(900)]

    assert told[0] == 1
    assert told[-1] in (3, 4)
    assert sorted(told) == told


def test_what_was_refused_long_ago_does_not_come_back() -> None:
    pace = answering(100)
    for _ in range(1_000):
        pace.refused(1, 0, 1.0)

    assert pace.refused(1, 0, 1.0) == 11
    assert pace.refused(1, 0, 21.0) == 1


def test_before_anything_was_measured_a_second_is_told() -> None:
    assert Pace().refused(10_000, 10_000, 0.0) == 1


def test_overload_is_over_a_moment_after_the_last_refusal() -> None:
    pace = Pace()
    assert not pace.overloaded(0.0)

    pace.refused(1, 0, 5.0)

    assert pace.overloaded(5.0 + CALM_SECONDS / 2)
    assert not pace.overloaded(5.0 + CALM_SECONDS)


def test_a_rate_is_not_measured_while_nobody_waits() -> None:
    pace = Pace()
    for count in range(100):
        pace.answered(1, 1, 0.001, float(count), standing=False)

    assert pace.rows_per_second == 0.0
    assert math.isclose(pace.request_seconds, 0.001)
