"""The form's fields: one a column, each with what training saw in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model_repository import Column
from serve.page.figures import MINUS, brief, counted, exact
from serve.signature import MOST_SHOWN, Signature, Value, Vocabulary

MOST_CHOICES = 30  # texts that are chosen from a list; of more, one is typed
MOST_BARS = 20
OTHER = "other"
NEEDED = "A value is needed: training saw none missing here."
NO_NUMBER = "Expected a number such as 12.5."


class Unreadable(Exception):
    """A value that cannot be read; its text is the sentence for people."""


@dataclass(frozen=True)
class Field:
    """A column in the form. `histogram` is a path in a box as wide as its bars are many, and 1 high."""

    key: str
    name: str
    kind: Literal["number", "choice", "text"]
    missing: bool
    low: str
    high: str
    hint: str
    histogram: str
    bars: int
    choices: list[tuple[str, str]]
    column: Column

    def shown(self, value: Value) -> str:
        """Return what stands in the field for a value of a row."""
        if value is None:
            return ""
        if isinstance(value, str) and self.kind == "choice":
            return next((code for code, text in self.choices if text == value), OTHER)
        return value if isinstance(value, str) else exact(value)

    def read(self, text: str, other: str) -> Value:
        """Return the value that stands in the field; `other` stands for all texts that are no category.

        Raises:
            Unreadable: it is no number, no category, or missing where it may not be.

        """
        if self.kind == "number":
            text = text.strip()
        if not text:
            if self.missing:
                return None
            raise Unreadable(NEEDED)
        if self.kind == "number":
            return _number(text)
        if self.kind == "text":
            return text
        if text == OTHER and self.column.unknown:
            return other
        for code, category in self.choices:
            if text == code:
                return category
        raise Unreadable("Expected one of the texts in the list.")

    def warning(self, value: Value, known: frozenset[str]) -> str:
        """Return what is unusual about a value, or nothing."""
        if isinstance(value, str):
            return "" if value in known else "Training saw no such text here; the answer is that to any unknown text."
        low, high = self.column.minimum, self.column.maximum
        if value is None or low is None or high is None:
            return ""
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            usual = np.float32(low) <= np.float32(value) <= np.float32(high)
        if usual:
            return ""
        return f"Outside of what training saw: {self.low} to {self.high}."

    def place(self, value: Value) -> float | None:
        """Return where a number lies on the histogram, in percent, or None."""
        edges = self.column.histogram.edges
        if not isinstance(value, int | float) or len(edges) < 2 or edges[0] == edges[-1]:
            return None
        return round(min(100.0, max(0.0, 100 * (value - edges[0]) / (edges[-1] - edges[0]))), 1)


def fields(signature: Signature) -> list[Field]:
    """Return a field for each column, in their order."""
    return [_field(index, column, signature.texts.get(index)) for index, column in enumerate(signature.columns)]


def _field(index: int, column: Column, vocabulary: Vocabulary | None) -> Field:
    key = f"c{index}"
    if vocabulary is None:
        low, high = ("" if each is None else exact(each) for each in (column.minimum, column.maximum))
        hint = _range(column.minimum, column.maximum)
        counts = column.histogram.counts
        return Field(
            key, column.name, "number", column.missing, low, high, hint, _bars(counts), len(counts), [], column
        )
    texts = vocabulary.categories
    counts = sorted((each.rows for each in column.categories if each.text), reverse=True)[:MOST_BARS]
    few = len(texts) <= MOST_CHOICES
    choices = [(str(place) if few else text, text) for place, text in enumerate(texts[:MOST_SHOWN])]
    hint = counted(len(texts), "text") + ("; others are answered, too" if column.unknown else "")
    kind: Literal["choice", "text"] = "choice" if few else "text"
    return Field(key, column.name, kind, column.missing, "", "", hint, _bars(counts), len(counts), choices, column)


def _range(minimum: float | None, maximum: float | None) -> str:
    if minimum is None or maximum is None:
        return "training saw no value here"
    return f"{brief(minimum)} to {brief(maximum)}"


def _bars(counts: Sequence[int]) -> str:
    """Return the outline of bars, each 1 wide, the highest 1 high, in a box that is as high."""
    most = max(counts, default=0)
    if not most:
        return ""
    steps = "".join(f"V{1 - count / most:.2g}h1" for count in counts)
    return f"M0 1{steps}V1z".replace("V0.", "V.")


def _number(text: str) -> float:
    text = text.replace(MINUS, "-")
    if len(text) > 60 or not text.isascii() or "_" in text:
        raise Unreadable(NO_NUMBER)
    try:
        value = float(text)
    except ValueError:
        raise Unreadable(NO_NUMBER) from None
    if not np.isfinite(value):
        raise Unreadable(NO_NUMBER)
    return value
