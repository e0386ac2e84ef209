"""Answers for people: probabilities, and contributions that add up."""

import math

import pytest

from model_repository import Target
from serve.page.templates import render
from serve.page.verdict import Why, verdict

TWO = Target([0, 1], ["no", "yes"])
THREE = Target(["a", "b", "c"], ["a", "b", "c"])
NUMBER = Target([], [], "price")
VALUES = [("width", "1"), ("height", "missing")]


def amount(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))


def sum_of(why: Why | None) -> float:
    assert why
    added = sum(amount(each.text) for each in [*why.first, *why.others])
    assert math.isclose(amount(why.together), added, abs_tol=0.0002)
    assert math.isclose(amount(why.base) + amount(why.together), amount(why.total), abs_tol=0.0002)
    return amount(why.total)


def test_a_class_is_told_with_its_probability_and_the_largest_contribution_first() -> None:
    contributions = {"width": [-0.05, 0.05], "height": [0.15, -0.15]}
    answer = {"prediction": 1, "probabilities": [0.2, 0.8], "scale": "probability", "base": [0.1, 0.9]}
    found = verdict(answer | {"contributions": contributions}, TWO, VALUES)

    assert (found.text, found.probability[:4]) == ("yes", "80.0")
    assert [each.name for each in found.shares] == ["yes", "no"]
    assert found.why
    assert [(each.name, each.value, each.adds) for each in found.why.first] == [
        ("height", "missing", False),
        ("width", "1", True),
    ]
    assert [(each.left, each.length) for each in found.why.first] == [(0.0, 50.0), (50.0, 16.7)]
    assert sum_of(found.why) == pytest.approx(0.8)


def test_scores_of_several_classes_are_told_from_their_mean_so_that_the_answered_one_is_above_it() -> None:
    contributions = {"width": [-1.0, -2.0, -3.0], "height": [0.0, -1.0, -1.0]}
    answer = {"prediction": "a", "probabilities": [0.8, 0.1, 0.1], "scale": "log-odds", "base": [-2.0, -2.0, -2.0]}
    found = verdict(answer | {"contributions": contributions}, THREE, VALUES)

    assert sum_of(found.why) == pytest.approx(-3 - (-3 - 5 - 6) / 3, abs=0.001)
    assert found.why
    assert found.why.means.startswith("That is 80.0")


@pytest.mark.parametrize(("scale", "what"), [("probability", "the probability of"), ("log-odds", "the score of")])
def test_the_sum_names_the_whole_class_even_with_a_comma(scale: str, what: str) -> None:
    commas = Target([0, 1, 2], ["no", "yes, later", "yes, now"])
    answer = {"prediction": 2, "probabilities": [0.1, 0.1, 0.8], "scale": scale, "base": [0.1, 0.1, 0.8]}
    found = verdict(answer | {"contributions": {"width": [0.0, 0.0, 0.0]}}, commas, VALUES[:1])

    assert f"<dt>{what} yes, now</dt>" in render("why.html", verdict=found, explained=True)


def test_two_classes_have_one_score_as_it_is() -> None:
    answer = {"prediction": 1, "probabilities": [0.27, 0.73], "scale": "log-odds", "base": [0.5, -0.5]}
    found = verdict(answer | {"contributions": {"width": [-1.5, 1.5], "height": [0.0, 0.0]}}, TWO, VALUES)

    assert sum_of(found.why) == 1.0


@pytest.mark.parametrize(("scale", "means"), [("prediction", ""), ("log-prediction", "That is 3.5.")])
def test_a_number_is_told_with_its_contributions(scale: str, means: str) -> None:
    answer = {"prediction": 3.5, "scale": scale, "base": 3.0, "contributions": {"width": 1.0, "height": -0.5}}
    found = verdict(answer, NUMBER, VALUES)

    assert (found.text, found.shares, sum_of(found.why)) == ("3.5", [], 3.5)
    assert found.why
    assert found.why.means == means


def test_an_answer_that_is_not_explained_and_has_no_probabilities_is_a_class_alone() -> None:
    found = verdict({"prediction": 0}, TWO, VALUES)

    assert (found.text, found.probability, found.shares, found.why) == ("no", "", [], None)


def test_of_many_classes_and_columns_the_most_important_are_shown_at_once() -> None:
    many = Target(list(range(20)), [f"class {each}" for each in range(20)])
    names = [f"column {each}" for each in range(25)]
    contributions = {name: [0.001 * place] * 20 for place, name in enumerate(names)}
    answer = {"prediction": 3, "probabilities": [0.05] * 20, "scale": "probability", "base": [-0.25] * 20}
    found = verdict(answer | {"contributions": contributions}, many, [(name, "1") for name in names])

    assert (len(found.shares), found.others) == (8, "12 other classes")
    assert found.why
    assert (len(found.why.first), len(found.why.others)) == (10, 15)
    assert sum_of(found.why) == pytest.approx(0.05)
