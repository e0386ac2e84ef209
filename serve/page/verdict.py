"""An answer for people: the class or number, probabilities as bars, and each column's contribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_repository import Target
from serve.page.figures import brief, decimals, number, percent, signed, summed

MOST_CLASSES = 8  # with a bar of their own
MOST_CONTRIBUTIONS = 10  # with a line of their own at once
_MEANS = {
    "probability": "the probability of {0}",
    "log-odds": "the score of {0}, in log-odds: the larger, the more probable",
    "prediction": "the prediction",
    "log-prediction": "the logarithm of the prediction",
}
_AGAINST_ALL = "the score of {0}, in log-odds against the mean of all classes"


@dataclass(frozen=True)
class Share:
    """A class and its probability, also as a length in percent."""

    name: str
    text: str
    length: float


@dataclass(frozen=True)
class Contribution:
    """A column, its value, and what it adds; `left` and `length` of its bar are in percent of the whole width."""

    name: str
    value: str
    text: str
    left: float
    length: float
    adds: bool


@dataclass(frozen=True)
class Why:
    """Base, contributions and their sum: base + all contributions = total."""

    of: str
    base: str
    first: list[Contribution]
    others: list[Contribution]
    others_text: str
    together: str
    total: str
    means: str


@dataclass(frozen=True)
class Verdict:
    """What the model answers to one row."""

    text: str
    probability: str
    shares: list[Share]
    others: str
    why: Why | None


def verdict(answer: dict[str, Any], target: Target, values: Sequence[tuple[str, str]]) -> Verdict:
    """Return an answer, as JSON tells it to programs, for people; `values` are each column's name and text."""
    if not target.classes:
        text = number(answer["prediction"])
        return Verdict(text, "", [], "", _why(answer, 0, "", text, values))
    place = target.classes.index(answer["prediction"])
    shares = _shares(answer.get("probabilities", []), target.names)
    probability = percent(answer["probabilities"][place]) if shares else ""
    others = f"{len(shares) - MOST_CLASSES} other classes" if len(shares) > MOST_CLASSES else ""
    name = target.names[place]
    return Verdict(name, probability, shares[:MOST_CLASSES], others, _why(answer, place, name, probability, values))


def _shares(probabilities: list[float], names: list[str]) -> list[Share]:
    ordered = sorted(zip(probabilities, names, strict=True), key=lambda each: -each[0]) if probabilities else []
    return [Share(name, percent(share), round(100 * share, 1)) for share, name in ordered]


def _why(answer: dict[str, Any], place: int, name: str, result: str, values: Sequence[tuple[str, str]]) -> Why | None:
    """Return what each column contributed to the answered class, or to the number; `result` is what comes of it."""
    if "contributions" not in answer:
        return None
    scale, several = answer["scale"], np.size(answer["base"]) > 2
    base, *amounts = _amounts([answer["base"], *answer["contributions"].values()], place, scale)
    longest, together = max(map(abs, amounts), default=0.0) or 1.0, sum(amounts)
    texts = [text for _, text in values]
    ordered = sorted(zip(answer["contributions"], texts, amounts, strict=True), key=lambda each: -abs(each[2]))
    places = decimals(max(longest, abs(base), abs(base + together)))
    lines = [_contribution(column, text, amount, longest, places) for column, text, amount in ordered]
    rest = sum(amount for _, _, amount in ordered[MOST_CONTRIBUTIONS:])
    return Why(
        (_AGAINST_ALL if scale == "log-odds" and several else _MEANS[scale]).format(name),
        summed(base, places),
        lines[:MOST_CONTRIBUTIONS],
        lines[MOST_CONTRIBUTIONS:],
        signed(rest, places),
        signed(together, places),
        summed(base + together, places),
        f"That is {result}." if scale.startswith("log-") and result else "",
    )


def _amounts(given: list[Any], place: int, scale: str) -> list[float]:
    """Return the numbers of one class. Only the distances between several scores matter: each is told from their mean.

    A single score says little: it may be below zero for the most probable class.
    """
    numbers = np.array(given, dtype=np.float64).reshape(len(given), -1)
    if scale == "log-odds" and numbers.shape[1] > 2:
        numbers = numbers - numbers.mean(axis=1, keepdims=True)
    found: list[float] = numbers[:, place].tolist()
    return found


def _contribution(column: str, value: str, amount: float, longest: float, places: int) -> Contribution:
    length = 50 * abs(amount) / longest
    left = 50.0 if amount >= 0 else 50 - length
    return Contribution(column, value, signed(amount, places), round(left, 1), round(length, 1), amount >= 0)


def value_text(value: float | str | None) -> str:
    """Return a row's value beside its contribution."""
    if value is None:
        return "missing"
    return value if isinstance(value, str) else brief(value)
