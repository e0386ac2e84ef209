"""From files to training data: two readings of each file, one float32 matrix."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from train.data import TrainingData
from train.errors import BadData
from train.report import say
from train.schema import Field, Rows, Schema
from train.tables.choices import Choices
from train.tables.columns import columns
from train.tables.csv_file import CsvFile
from train.tables.fill import Values, fill
from train.tables.hold_out import check_classes, held_out, splitter
from train.tables.parquet_files import ParquetFiles
from train.tables.shown import show
from train.tables.sources import Source, check_kinds
from train.tables.survey import survey
from train.tables.target import check_present, labels, target

TEXT_FILES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET = ".parquet"


def open_source(path: Path) -> Source:
    """Return a file or a folder as a source of rows.

    Raises:
        BadData: it is not there, or nothing that can be read.

    """
    if not path.exists():
        raise BadData(f"{path}: there is no such file or folder")
    if path.is_dir() or path.name.endswith(PARQUET):
        return ParquetFiles(path)
    if path.name.endswith(TEXT_FILES):
        return CsvFile(path)
    raise BadData(f"{path}: the name ends with none of {', '.join((*TEXT_FILES, PARQUET))}, and it is no folder")


def read_rows(path: Path, fields: Sequence[Field]) -> Rows:
    """Return the rows of a file as coded rows [n, fields], float32; other columns are ignored.

    Raises:
        BadData: the file cannot be read, lacks a column, or has a cell that is no number in a column of numbers.

    """
    source = open_source(path)
    names = [field.name for field in fields]
    _check_columns(source, names)
    rows = survey(source, names[:1]).rows
    matrix = np.empty((rows, len(fields)), dtype=np.float32)
    fill(source, _fillers(fields, matrix), rows)
    return matrix


def read_table(path: Path, choices: Choices) -> TrainingData:
    """Read a table to train on, and say what is in it.

    Raises:
        BadData: the data cannot be used as it is; says what, where, and what can be done.

    """
    begun = time.perf_counter()
    source = open_source(path)
    features = choices.features(path, source.names)
    check_kinds(source, [*features, choices.target])
    seen = survey(source, [*features, choices.target])
    found = columns(source, features, seen, choices)
    aim = target(source, seen.facts[choices.target], choices)
    test = None if choices.test_data is None else _test_data(choices.test_data, [*features, choices.target])
    filled = _fill(source, [*(column.field for column in found), aim.field], seen.rows, test, choices)
    known = labels(aim, filled.targets, seen.rows, choices.task, None if test is None else test.source)
    check_classes(source, known, filled.held_out, choices)
    schema = Schema([column.field for column in found])
    data = TrainingData(_name(path), schema, filled.rows, *known, choices.target, filled.held_out)
    say(_heading(source, seen.rows, time.perf_counter() - begun))
    show(path, data, found, filled.changed, choices)
    return data


class _Test(NamedTuple):
    source: Source
    rows: int


class _Filled(NamedTuple):
    rows: Rows
    targets: npt.NDArray[np.float64]
    held_out: npt.NDArray[np.bool_] | None
    changed: list[int]  # of each column, the whole numbers which float32 does not hold


def _test_data(path: Path, names: list[str]) -> _Test:
    test = open_source(path)
    _check_columns(test, names)
    seen = survey(test, names[-1:])
    check_present(test, names[-1], seen.facts[names[-1]])
    return _Test(test, seen.rows)


def _check_columns(source: Source, names: Sequence[str]) -> None:
    lacking = [name for name in names if name not in source.names]
    if lacking:
        more = (
            f" and {len(lacking) - 1:,} more that the model takes are"
            if len(lacking) > 1
            else " that the model takes is"
        )
        raise BadData(f"{source.path}: column {lacking[0]}{more} missing")
    check_kinds(source, names)


def _fill(source: Source, fields: list[Field], rows: int, test: _Test | None, choices: Choices) -> _Filled:
    """Read the files into one matrix: the rows to train on, and below them those of the test file."""
    total = rows + (test.rows if test else 0)
    matrix, targets = np.empty((total, len(fields) - 1), dtype=np.float32), np.empty(total)
    fillers = _fillers(fields, matrix[:rows], targets[:rows])
    by = splitter(source, choices, rows)
    fill(source, [*fillers, *((by,) if by else ())], rows)
    if test:
        tested = _fillers(fields, matrix[rows:], targets[rows:])
        fill(test.source, tested, test.rows)
        fillers = [*fillers, *tested]
    mask = held_out(source, by, total - rows, total, choices)
    changed = [sum(each.changed for each in fillers if each.name == field.name) for field in fields[:-1]]
    return _Filled(matrix, targets, mask, changed)


def _fillers(fields: Sequence[Field], matrix: Rows, *more: npt.NDArray[np.float64]) -> list[Values]:
    """Return what fills the columns of a matrix, and more arrays for the fields after them."""
    return [Values(field, into) for field, into in zip(fields, (*matrix.T, *more), strict=True)]


def _name(path: Path) -> str:
    ending = next((each for each in (*TEXT_FILES, PARQUET) if path.name.endswith(each)), "")
    return path.resolve().name.removesuffix(ending)


def _heading(source: Source, rows: int, seconds: float) -> str:
    remark = f", {source.remark}" if source.remark else ""
    return f"read     {source.path.name}: {rows:,} rows, {len(source.names):,} columns{remark} ({seconds:.1f} s)"
