"""The second reading: cells become numbers in arrays that are there already."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from train.errors import BadData
from train.schema import Field
from train.tables.cells import Numbers, moment, numbers, parsed, texts
from train.tables.sources import Source

LARGEST_COUNT = 2.0**63  # larger ones are no identifiers, and are rounded already


class Filler(Protocol):
    """One column on its way into an array."""

    @property
    def name(self) -> str:
        """Return the column's name."""

    def take(self, source: Source, array: pa.Array, start: int) -> None:
        """Put the cells of a batch that begins at a row where they belong; raise BadData for one that does not fit."""


@dataclass
class Values:
    """A column of numbers, or of texts as the positions of its categories, into an array [n].

    A text that is no category gets the position after the last. `changed` counts the whole numbers which float32 does
    not hold.
    """

    field: Field
    into: npt.NDArray[Any]
    changed: int = 0

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.field.name

    def take(self, source: Source, array: pa.Array, start: int) -> None:
        """Put a batch into the array."""
        if self.field.categories is None:
            values = self._finite(source, numbers(array, source.marks), start)
        else:
            found, positions = texts(array, source.marks)
            values = self._codes(found)[positions]
        self.into[start : start + len(values)] = values

    def _finite(self, source: Source, cells: Numbers, start: int) -> npt.NDArray[np.float64]:
        if cells.wrong.any():
            refuse(source, self.name, start + int(cells.wrong.argmax()), "a number was expected")
        with np.errstate(over="ignore"):
            rounded = cells.values.astype(np.float32)
        if np.isinf(rounded).any():
            beyond = start + int(np.isinf(rounded).argmax())
            refuse(source, self.name, beyond, "the number is infinite, or too large for float32 (3.4e38)")
        counts = (np.abs(cells.values) < LARGEST_COUNT) & (cells.values == np.rint(cells.values))
        self.changed += int((counts & (rounded != cells.values)).sum())
        return cells.values

    def _codes(self, found: Sequence[str]) -> npt.NDArray[np.float64]:
        known = {text: index for index, text in enumerate(self.field.categories or ())}
        return np.array([known.get(text, len(known)) for text in found], dtype=np.float64)


@dataclass
class Groups:
    """A column of any values: equal ones get the same number in an array [n]."""

    name: str
    into: npt.NDArray[np.int64]
    known: dict[str, int] = field(default_factory=dict)

    def take(self, source: Source, array: pa.Array, start: int) -> None:
        """Put a batch into the array."""
        found, positions = texts(array, source.marks)
        numbered = np.array([self.known.setdefault(text, len(self.known)) for text in found], dtype=np.int64)
        self.into[start : start + len(positions)] = numbered[positions]


@dataclass
class Times:
    """A column of numbers, dates or timestamps, as numbers that grow with time, into an array [n]."""

    name: str
    into: npt.NDArray[np.float64]
    dates: bool | None = None

    def take(self, source: Source, array: pa.Array, start: int) -> None:
        """Put a batch into the array."""
        cells = self._read(source, array)
        unusable = cells.wrong | np.isnan(cells.values)
        if unusable.any():
            expected = "a number, an ISO date or an ISO timestamp was expected, the same in every row"
            refuse(source, self.name, start + int(unusable.argmax()), expected)
        self.into[start : start + len(unusable)] = cells.values

    def _read(self, source: Source, array: pa.Array) -> Numbers:
        if source.kind(self.name) == "moments":
            zone = array.type.tz if pa.types.is_timestamp(array.type) else None
            return numbers(array.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()), source.marks)
        if self.dates is None:
            self.dates = bool(numbers(array, source.marks).wrong.any())
        return parsed(array, moment, source.marks) if self.dates else numbers(array, source.marks)


def fill(source: Source, fillers: Sequence[Filler], rows: int) -> None:
    """Read all rows a second time, into the arrays of the fillers.

    Raises:
        BadData: a cell does not fit, or the file has changed.

    """
    start = 0
    names = [filler.name for filler in fillers]
    for batch in source.batches(names):
        if start + len(batch) <= rows:
            for filler in fillers:
                filler.take(source, batch[filler.name], start)
        start += len(batch)
    if start != rows:
        raise BadData(f"{source.path}: the file changed while it was read; it had {rows:,} rows and has {start:,}")


def refuse(source: Source, name: str, row: int, reason: str) -> None:
    """Raise BadData that says in which column and where."""
    raise BadData(f"{source.path}: column {name}, {source.place(row)}: {reason}")
