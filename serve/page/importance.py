"""What a model's answers rest on: a bar for each column, the longest first."""

from dataclasses import dataclass

from model_repository import Manifest
from serve.page.figures import counted, metric, signed

MOST_BARS = 10  # at once; the others are shown on request


@dataclass(frozen=True)
class Bar:
    """A column: how much worse the metric becomes without it; lengths are in percent of the longest."""

    name: str
    text: str
    length: float
    low: float
    high: float


@dataclass(frozen=True)
class ImportanceBars:
    """The columns that matter most, the others, and how it was measured."""

    first: list[Bar]
    others: list[Bar]
    sentence: str


def by_importance(manifest: Manifest) -> list[str]:
    """Return the names of the columns, those that matter most first; nothing where that is not known."""
    found = manifest.importances
    return [each.column for each in sorted(found.columns, key=lambda each: -each.mean)] if found else []


def importance_bars(manifest: Manifest) -> ImportanceBars | None:
    """Return the bars, or None where importances were not measured."""
    found = manifest.importances
    if not found or not found.columns:
        return None
    ordered = sorted(found.columns, key=lambda each: -each.mean)
    longest = max(*(each.mean + each.deviation for each in ordered), 1e-12)

    def percent(value: float) -> float:
        return round(min(100.0, max(0.0, 100 * value / longest)), 1)

    bars = [
        Bar(
            each.column,
            f"{signed(each.mean)} \N{PLUS-MINUS SIGN} {each.deviation:.4f}",
            percent(each.mean),
            percent(each.mean - each.deviation),
            percent(each.mean + each.deviation),
        )
        for each in ordered
    ]
    sentence = (
        f"Each column's values were exchanged at random between {counted(found.rows, 'held-out row')}, "
        f"{counted(found.repetitions, 'time')}. A bar tells by how much the {metric(found.metric)} fell."
    )
    return ImportanceBars(bars[:MOST_BARS], bars[MOST_BARS:], sentence)
