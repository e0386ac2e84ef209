"""Medians over the rounds, and ratios that are made within a round before they are summed up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

Rounds = Mapping[int, float]  # the value of each round


@dataclass(frozen=True)
class Spread:
    """A median, with the least and the most of the rounds."""

    median: float
    least: float
    most: float


def spread(values: Iterable[float]) -> Spread | None:
    """Sum up the values of all rounds; None if there are none."""
    found = list(values)
    return Spread(median(found), min(found), max(found)) if found else None


def ratios(values: Rounds, to: Rounds) -> Spread | None:
    """Sum up the ratios of two things that were measured in the same rounds; None if there is no such round."""
    return spread(values[number] / to[number] for number in sorted(values.keys() & to.keys()) if to[number])
