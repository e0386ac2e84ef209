"""The first reading: what the columns hold, before a type is chosen for any of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from train.tables.cells import BOOLEANS, numbers, texts
from train.tables.limits import MOST_CATEGORIES
from train.tables.sources import Source


@dataclass
class Cells:
    """How many cells of one kind there are, and the row of the first, counted from 0."""

    count: int = 0
    first: int = -1

    def see(self, mask: npt.NDArray[np.bool_], start: int) -> None:
        """Count the marked rows of a batch that begins at a row."""
        if mask.any():
            self.first = self.first if self.count else start + int(mask.argmax())
            self.count += int(mask.sum())


@dataclass
class Facts:
    """What a column holds. `texts` are its different texts; once there are `many`, only those of the beginning."""

    texts: set[str] = field(default_factory=set)
    many: bool = False
    missing: Cells = field(default_factory=Cells)
    no_numbers: Cells = field(default_factory=Cells)

    def see(self, array: pa.Array, marks: frozenset[str], start: int) -> None:
        """Take in a batch that begins at a row."""
        values, wrong = numbers(array, marks)
        self.missing.see(np.isnan(values) & ~wrong, start)
        self.no_numbers.see(wrong, start)
        if not self.many:
            self.texts.update(texts(array, marks).found)
            self.texts.discard("")
            self.many = len(self.texts) > MOST_CATEGORIES

    @property
    def booleans(self) -> bool:
        """Say whether all that is there is true or false."""
        return not self.many and bool(self.texts) and {text.lower() for text in self.texts} <= BOOLEANS.keys()


@dataclass(frozen=True)
class Survey:
    """How many rows there are, and what their columns hold."""

    rows: int
    facts: dict[str, Facts]


def survey(source: Source, names: Sequence[str]) -> Survey:
    """Read some columns of all rows once.

    Raises:
        BadData: the file is not what it says it is.

    """
    rows, facts = 0, {name: Facts() for name in names}
    for batch in source.batches(names):
        for name in names:
            facts[name].see(batch[name], source.marks, rows)
        rows += len(batch)
    return Survey(rows, facts)
