"""The columns that a model takes, and rows of them as one float32 matrix.

A row of mixed columns travels through training as numbers: in a column of texts each number is the position of a text
among the column's categories, and the position after the last stands for a text that training did not see. A missing
number is NaN; a missing text is the empty text, a category like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.float32]
Value = float | str | None

NUMBERS, TEXTS = "input", "categories"  # the graph's inputs


@dataclass(frozen=True)
class Field:
    """One column: its name, and the sorted texts that training saw in it, or None where it holds numbers."""

    name: str
    categories: tuple[str, ...] | None = None

    @cached_property
    def texts(self) -> npt.NDArray[np.object_]:
        """Return the text for each code, last one that is no category."""
        unknown = "no such category"
        while unknown in (self.categories or ()):
            unknown += "?"
        return np.array([*(self.categories or ()), unknown], dtype=object)


class Schema:
    """The columns in their order; gives coded rows [n, columns] as scikit-learn, ONNX Runtime and people read them."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = list(fields)
        self.names = [field.name for field in self.fields]
        self.numbers = [index for index, field in enumerate(self.fields) if field.categories is None]
        self.texts = [index for index, field in enumerate(self.fields) if field.categories is not None]

    def __len__(self) -> int:
        return len(self.fields)

    @classmethod
    def of_numbers(cls, names: Sequence[str]) -> "Schema":
        """Return the schema of columns that all hold numbers."""
        return cls([Field(name) for name in names])

    def frame(self, rows: Rows) -> pd.DataFrame:
        """Return the rows as a data frame: columns of numbers, as float64, and columns of texts."""
        if not self.texts:
            return pd.DataFrame(rows.astype(np.float64), columns=pd.Index(self.names), copy=False)
        return pd.DataFrame(
            {
                field.name: rows[:, index].astype(np.float64) if field.categories is None else self._text(rows, index)
                for index, field in enumerate(self.fields)
            }
        )

    def inputs(self, rows: Rows) -> dict[str, npt.NDArray[Any]]:
        """Return the graph's inputs: float32 numbers [n, columns of numbers] and texts [n, columns of texts]."""
        found: dict[str, npt.NDArray[Any]] = {}
        if self.numbers:
            found[NUMBERS] = np.ascontiguousarray(rows[:, self.numbers] if self.texts else rows)
        if self.texts:
            found[TEXTS] = np.stack([self._text(rows, index) for index in self.texts], axis=1)
        return found

    def values(self, rows: Rows) -> list[list[Value]]:
        """Return the rows as they are sent in JSON: numbers, texts, and None for what is missing."""
        columns = [
            self._text(rows, index).tolist() if field.categories is not None else _numbers(rows[:, index])
            for index, field in enumerate(self.fields)
        ]
        return [[None if value == "" else value for value in row] for row in zip(*columns, strict=True)]

    def _text(self, rows: Rows, index: int) -> npt.NDArray[np.object_]:
        return self.fields[index].texts[rows[:, index].astype(np.intp)]


def _numbers(values: Rows) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
