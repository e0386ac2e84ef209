"""Parameters from the command line are read as what they are, and refused in one sentence."""

from typing import Any

import pytest
from sklearn.ensemble import RandomForestClassifier

from train.errors import BadParameter
from train.estimators.parameters import apply, parse, parse_choices


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n_estimators=10", 10),
        ("alpha=1e-3", 0.001),
        ("bootstrap=False", False),
        ("max_depth=none", None),
        ("class_weight=balanced", "balanced"),
        ("hidden_layer_sizes=[10, 5]", [10, 5]),
        ("name=a=b", "a=b"),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(text: str, value: Any) -> None:
    assert parse([text]) == {text.partition("=")[0]: value}


def test_values_to_choose_from_are_parted_by_commas() -> None:
    assert parse_choices(["max_depth=2,none", "criterion=gini"]) == {"max_depth": [2, None], "criterion": ["gini"]}


@pytest.mark.parametrize("texts", [["trees"], ["=5"], ["a=1", "a=2"]])
def test_what_is_no_pair_or_given_twice_is_refused(texts: list[str]) -> None:
    with pytest.raises(BadParameter):
        parse(texts)


def test_an_unknown_parameter_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadParameter, match=r"--param depth: RandomForestClassifier has no such .*max_depth"):
        apply(RandomForestClassifier(), {"depth": 3}, "--param")
