"""Files of rows, as one thing: names of columns, batches of Arrow arrays, and where a row is."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
from tqdm import tqdm

from train.errors import BadData
from train.tables.cells import number

# cells: texts that may be numbers (CSV); moments: dates and timestamps; other: what no column can be made of
Kind = Literal["cells", "numbers", "texts", "moments", "other"]


class Source(Protocol):
    """Rows in files, which can be read several times."""

    path: Path
    names: list[str]
    marks: frozenset[str]  # the cells that are missing values, in lower case
    remark: str  # what is worth saying of the files, or nothing

    def kind(self, name: str) -> Kind:
        """Return what a column holds."""

    def type_name(self, name: str) -> str:
        """Return the type of a column as the file calls it."""

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read all rows of some columns, a few thousand at a time.

        Raises:
            BadData: what is in the file is not what it says it is.

        """

    def place(self, row: int) -> str:
        """Return where a person finds a row, counted from 0."""


@contextmanager
def progress(path: Path, total: int, unit: str) -> Iterator[Any]:
    """Show on a terminal how far the reading has come; nothing elsewhere."""
    with tqdm(desc=f"read     {path.name}", total=total, unit=unit, unit_scale=True, disable=None, leave=False) as bar:
        yield bar


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raise BadData unless every column has a name of its own."""
    if "" in names:
        raise BadData(
            f"{path}: column {list(names).index('') + 1} of {len(names):,} has no name in the header; "
            "name it, or write the file without its index"
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice and not any(number(name) is not None for name in twice):
        raise BadData(f"{path}: {names.count(twice[0])} columns are named {twice[0]}; each needs a name of its own")
    if twice:
        raise BadData(f"{path}: columns have the same name, and it is a number; is its first line a header?")


def check_kinds(source: Source, names: Sequence[str]) -> None:
    """Raise BadData if a column is of a type that no model takes."""
    for name in names:
        if source.kind(name) in ("moments", "other"):
            split = ", or --time to split by it" if source.kind(name) == "moments" else ""
            raise BadData(
                f"{source.path}: column {name} is of type {source.type_name(name)}; numbers, texts and booleans can be "
                f"trained on ({option('--drop', name)}{split})"
            )


def counted(number: int, thing: str) -> str:
    """Return a number of things in words; the plural of a class is classes."""
    ending = "" if number == 1 else "es" if thing.endswith("s") else "s"
    return f"{number:,} {thing}{ending}"


def option(name: str, column: str) -> str:
    """Return an option that names a column as a shell takes it."""
    return f"{name} {shlex.quote(column)}"
