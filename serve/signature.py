"""What rows a model takes: names, numbers or texts, what may be missing, and which texts are known."""

import struct
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from model_repository import LARGEST_FLOAT32, Column
from serve.onnx_runtime import Inputs, MixedRows

Value = float | str | None
MOST_SHOWN = 100  # categories of a column that are told; the manifest has all
_CLEARLY_BEYOND = 1.001  # what is so much larger is so after rounding to float32, too


class Vocabulary:
    """The texts of one column: those that are known, and what the graph is given in place of any other."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.categories = [each.text for each in sorted(column.categories, key=lambda each: -each.rows) if each.text]
        self.known = frozenset(self.categories) | ({""} if column.missing else set())
        self.other = _stand_in({each.text for each in column.categories})

    def describe(self) -> dict[str, Any]:
        """Return what the column takes."""
        return {
            "name": self.column.name,
            "type": self.column.type,
            "missing": self.column.missing,
            "categories": self.categories[:MOST_SHOWN],
            "category_count": len(self.categories),
            "unknown": self.column.unknown,
        }


class Signature:
    """The columns of a model in their order. A row is a list of a value each: a number, a text, or None (missing)."""

    def __init__(self, columns: Sequence[Column], largest_magnitude: float) -> None:
        """Take numbers up to a magnitude in the columns of numbers."""
        self.columns = list(columns)
        self.names = [column.name for column in self.columns]
        self.by_name = dict(zip(self.names, self.columns, strict=True))
        self.numbers = [index for index, column in enumerate(self.columns) if column.type == "float32"]
        self.texts = {index: Vocabulary(column) for index, column in enumerate(self.columns) if column.type == "string"}
        self.commas = len(self.names) + sum(name.count(",") for name in self.names)  # in a row by name, at most
        self.any_missing = any(column.missing for column in self.columns)
        self.always_there = np.array([not self.columns[index].missing for index in self.numbers], dtype=bool)
        self.largest = _floor_to_float32(min(largest_magnitude, LARGEST_FLOAT32))
        self._packing = struct.Struct(f"{len(self.names)}f")  # what is too large becomes infinite

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """Return what each column takes, for people: of the categories those that training saw most often."""
        return [
            _number(column) if column.type == "float32" else self.texts[index].describe()
            for index, column in enumerate(self.columns)
        ]

    @property
    def values(self) -> str:
        """Return what a row consists of, for people."""
        return "values" if self.texts else "numbers"

    def inputs(self, rows: Sequence[Sequence[Value]]) -> Inputs:
        """Return rows, at least 1, as arrays; a missing number is NaN, a missing text the empty text."""
        if self.texts:
            columns = list(zip(*rows, strict=True))
            texts = {index: [value or "" for value in columns[index]] for index in self.texts}
            return self.mixed([texts.get(index, values) for index, values in enumerate(columns)])
        if len(rows) == 1 and not self.any_missing:  # as fast again as np.array
            packed = self._packing.pack(*rows[0])
            return np.frombuffer(packed, np.float32).reshape(1, -1)
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            return np.array(rows, dtype=np.float32)

    def mixed(self, columns: Sequence[Sequence[Value]]) -> MixedRows:
        """Return the values of each column, no text among them missing, as arrays."""
        with np.errstate(over="ignore"):
            numbers = np.array([columns[index] for index in self.numbers], dtype=np.float32)
        texts = np.array([columns[index] for index in self.texts], dtype=np.object_)
        numbers = numbers.reshape(len(self.numbers), texts.shape[1])
        return MixedRows(np.ascontiguousarray(numbers.T), np.ascontiguousarray(texts.T))

    def clearly_too_large(self, value: float) -> bool:
        """Return whether a number is beyond the largest magnitude even after rounding to float32."""
        return abs(value) > float(self.largest) * _CLEARLY_BEYOND

    def too_large(self) -> tuple[str, str]:
        """Return the sentence about a number that is too large, and what is expected instead."""
        if self.largest == np.float32(LARGEST_FLOAT32):
            return "a number is too large for float32", "a number between -3.4e38 and 3.4e38"
        bound = f"{self.largest:.9g}"
        return "a number is too large: none of its size was proved", f"a number between -{bound} and {bound}"


def _number(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "missing": column.missing,
        "minimum": column.minimum,
        "maximum": column.maximum,
    }


def _stand_in(known: set[str]) -> str:
    """Return the text that stood for all that are no category when the model was proved."""
    text = "no such category"
    while text in known:
        text += "?"
    return text


def _floor_to_float32(value: float) -> np.float32:
    rounded = np.float32(value)
    return np.nextafter(rounded, np.float32(0)) if float(rounded) > value else rounded
