"""What people are shown of a table: its columns, its target, and which rows are held out."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_repository.table import Cell, table
from train.data import TrainingData
from train.report import say
from train.schema import Rows
from train.tables.choices import Choices
from train.tables.columns import Column
from train.tables.limits import LARGEST_EXACT, RARE_ROWS
from train.tables.sources import counted

MOST_COLUMNS_SHOWN = 40
MOST_CLASSES_SHOWN = 20
INDENT = " " * 9
MIXER = np.uint64(0x9E3779B97F4A7C15)  # odd, with bits in no order


def show(path: Path, data: TrainingData, columns: Sequence[Column], changed: Sequence[int], choices: Choices) -> None:
    """Say what was read from a path; `changed` counts for each column the whole numbers that float32 does not hold."""
    _columns(columns, data.rows, changed)
    tested = 0 if choices.test_data is None or data.held_out is None else int(data.held_out.sum())
    _target(data, tested)
    _held_out(data, choices)
    if choices.test_data is not None:
        _test_data(data, tested, same=path.resolve() == choices.test_data.resolve())


def _columns(columns: Sequence[Column], rows: Rows, changed: Sequence[int]) -> None:
    """Say of each column its name, type, share of missing values, range or texts, and notes.

    Of more than 40 columns, say how many there are of each type, and show those with notes.
    """
    lines = [_line(column, rows[:, index], changed[index]) for index, column in enumerate(columns)]
    if len(lines) > MOST_COLUMNS_SHOWN:
        kinds = Counter("numbers" if column.field.categories is None else "texts" for column in columns)
        say(INDENT + ", ".join(f"{counted(count, 'column')} of {kind}" for kind, count in sorted(kinds.items())))
        lines = [line for line in lines if line[-1]]
    if lines:
        _show(["column", "holds", "missing", "range or texts", "notes"], lines, MOST_COLUMNS_SHOWN)


def _target(data: TrainingData, tested: int) -> None:
    """Say what is predicted, and how many rows of the data file are of each class, or the range of the numbers."""
    targets = data.targets[: len(data.targets) - tested]
    if not data.classes:
        low, high, mean = (f"{value:.6g}" for value in (targets.min(), targets.max(), targets.mean()))
        say(f"target   {data.target}: regression, {low} to {high}, mean {mean}")
        return
    beside = f" ({counted(tested, 'row')} of the test data not counted)" if tested else ""
    say(f"target   {data.target}: classification, {counted(len(data.classes), 'class')}{beside}")
    _, counts = np.unique(targets, return_counts=True)
    shares = [_share(count / len(targets)) for count in counts]
    named = zip(data.class_names, counts.tolist(), shares, strict=True)
    _show(["class", "rows", "share"], [list(each) for each in named], MOST_CLASSES_SHOWN)


def _held_out(data: TrainingData, choices: Choices) -> None:
    """Say which rows are held out, where that is not left to chance."""
    if data.held_out is None:
        return
    reason = f"those of {choices.test_data}"
    if choices.group is not None:
        reason = f"all rows of some groups of {choices.group}"
    elif choices.time is not None:
        reason = f"the newest by {choices.time}"
    say(f"held out {counted(int(data.held_out.sum()), 'row')}, {_share(float(data.held_out.mean()))}: {reason}")


def _test_data(data: TrainingData, tested: int, *, same: bool) -> None:
    """Say if a score on the last rows, those of the test data, says nothing: they are among those to train on."""
    if same:
        say(f"{INDENT}the test data is the training data: the score says nothing")
        return
    marks = np.unique(data.targets, return_inverse=True)[1].astype(np.uint64)
    for column in data.rows.T:  # one number for each row: a million take 8 MB
        marks = marks * MIXER + column.view(np.uint32)
    if np.isin(marks[-tested:], marks[:-tested]).all():
        say(f"{INDENT}all rows of the test data are rows of the training data: the score says nothing of others")


def _line(column: Column, values: Rows, changed: int) -> list[Cell]:
    name, texts = column.field.name, column.field.categories
    if texts is not None:
        codes = values.astype(np.intp)
        counts = np.bincount(codes, minlength=len(texts) + 1)
        missing = counts[0] / len(codes) if texts[0] == "" else 0.0
        seen = len(texts) - (texts[0] == "")
        rare = int((counts[len(texts) - seen : len(texts)] < RARE_ROWS).sum())
        notes = [*column.notes, *([f"{rare:,} in fewer than {RARE_ROWS} rows"] if rare else [])]
        return [name, "texts", _share(missing), counted(seen, "text"), "; ".join(_constant(seen == 1) + notes)]
    present = values[~np.isnan(values)]
    low, high = float(present.min()), float(present.max())
    notes = [
        *column.notes,
        *([f"{counted(changed, 'whole number')} beyond {LARGEST_EXACT:,} rounded"] if changed else []),
    ]
    span = f"{low:.6g} to {high:.6g}"
    return [name, "numbers", _share(1 - len(present) / len(values)), span, "; ".join(_constant(low == high) + notes)]


def _constant(same: bool) -> list[str]:
    return ["one value only"] if same else []


def _share(share: float) -> str | None:
    """Return a share for people, or None for nothing."""
    return None if share == 0 else f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def _show(head: list[str], lines: Sequence[Sequence[Cell]], most: int) -> None:
    for line in table(head, lines[:most]).splitlines():
        say(INDENT + line)
    if len(lines) > most:
        say(f"{INDENT}and {len(lines) - most:,} more")
