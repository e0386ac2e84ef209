"""An answer for people: the class or number, probabilities as bars, and each column's contribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_repository import Target
from serve.page.figures import exact, number, percent, signed, summed

MOST_CLASSES = 8  # with a bar of their own
MOST_CONTRIBUTIONS = 10  # with a line of their own at once
_MEANS = {
    "probability": "the probability of {0}",
    "log-odds": "the score of {0}, in log-odds: the larger, the more probable",
    "prediction": "the prediction",
}


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
        return Verdict(number(answer["prediction"]), "", [], "", _why(answer, None, "", values))
    place = target.classes.index(answer["prediction"])
    shares = _shares(answer.get("probabilities", []), target.names)
    probability = percent(answer["probabilities"][place]) if shares else ""
    others = f"{len(shares) - MOST_CLASSES} other classes" if len(shares) > MOST_CLASSES else ""
    name = target.names[place]
    return Verdict(name, probability, shares[:MOST_CLASSES], others, _why(answer, place, name, values))


def _shares(probabilities: list[float], names: list[str]) -> list[Share]:
    ordered = sorted(zip(probabilities, names, strict=True), key=lambda each: -each[0]) if probabilities else []
    return [Share(name, percent(share), round(100 * share, 1)) for share, name in ordered]


def _why(answer: dict[str, Any], place: int | None, name: str, values: Sequence[tuple[str, str]]) -> Why | None:
    """Return what each column contributed to the answered class, or to the number."""
    if "contributions" not in answer:
        return None

    def of_class(value: Any) -> float:
        return float(value if place is None else value[place])

    base = of_class(answer["base"])
    amounts = {column: of_class(value) for column, value in answer["contributions"].items()}
    longest = max(map(abs, amounts.values()), default=0.0) or 1.0
    texts = dict(values)
    ordered = sorted(amounts.items(), key=lambda each: -abs(each[1]))
    lines = [_contribution(column, texts.get(column, ""), amount, longest) for column, amount in ordered]
    rest, together = sum(amount for _, amount in ordered[MOST_CONTRIBUTIONS:]), sum(amounts.values())
    return Why(
        _MEANS[answer["scale"]].format(name),
        summed(base),
        lines[:MOST_CONTRIBUTIONS],
        lines[MOST_CONTRIBUTIONS:],
        signed(rest),
        signed(together),
        summed(base + together),
    )


def _contribution(column: str, value: str, amount: float, longest: float) -> Contribution:
    length = 50 * abs(amount) / longest
    left = 50.0 if amount >= 0 else 50 - length
    return Contribution(column, value, signed(amount), round(left, 1), round(length, 1), amount >= 0)


def value_text(value: float | str | None) -> str:
    """Return a row's value beside its contribution."""
    if value is None:
        return "missing"
    return value if isinstance(value, str) else exact(value)
