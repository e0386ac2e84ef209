"""Medians and ratios: a ratio is made within a round, before rounds are summed up."""

from benchmarks.figures import Spread, ratios, spread


def test_a_spread_is_the_median_with_the_least_and_the_most() -> None:
    assert spread([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_of_no_values_there_is_no_spread() -> None:
    assert spread([]) is None


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    slow_machine_in_round_1 = {0: 100.0, 1: 10.0, 2: 120.0}
    echo = {0: 50.0, 1: 5.0, 2: 40.0}
    assert ratios(slow_machine_in_round_1, echo) == Spread(2.0, 2.0, 3.0)


def test_rounds_that_only_one_of_both_has_are_left_out() -> None:
    assert ratios({0: 4.0, 1: 8.0}, {1: 2.0, 2: 1.0}) == Spread(4.0, 4.0, 4.0)
    assert ratios({0: 4.0}, {1: 2.0}) is None


def test_nothing_is_divided_by_a_rate_of_zero() -> None:
    assert ratios({0: 4.0, 1: 8.0}, {0: 0.0, 1: 2.0}) == Spread(4.0, 4.0, 4.0)
