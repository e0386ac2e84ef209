"""Which rows are held out: those of a test file, whole groups, the newest; and whether every class can be learnt."""

import math

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupShuffleSplit

from train.errors import BadData
from train.tables.choices import Choices
from train.tables.fill import Filler, Groups, Times
from train.tables.sources import Source, counted
from train.tables.target import Labels

Mask = npt.NDArray[np.bool_]


def splitter(source: Source, choices: Choices, rows: int) -> Groups | Times | None:
    """Return the filler of the column that decides which rows are held out, if one does.

    Raises:
        BadData: the column is of a type that cannot.

    """
    name = choices.group if choices.time is None else choices.time
    if name is not None and source.kind(name) == "other":
        raise BadData(f"{source.path}: column {name} is of type {source.type_name(name)}, which cannot split the rows")
    if choices.group is not None:
        return Groups(choices.group, np.empty(rows, dtype=np.int64))
    return None if choices.time is None else Times(choices.time, np.empty(rows, dtype=np.float64))


def held_out(source: Source, by: Filler | None, test_rows: int, rows: int, choices: Choices) -> Mask | None:
    """Return which rows [n] are held out, or None where chance shall decide; the last `test_rows` are the test file's.

    Raises:
        BadData: all rows are of one group, or of one time.

    """
    if test_rows:
        return np.arange(rows) >= rows - test_rows
    if isinstance(by, Groups):
        return _some_groups(source, by, choices)
    return _newest(source, by, choices) if isinstance(by, Times) else None


def check_classes(source: Source, found: Labels, mask: Mask | None, choices: Choices) -> None:
    """Raise BadData if a class cannot be both learnt and scored, or there are fewer rows than classes to score on."""
    if not found.classes:
        return
    where = f"{source.path}: the target {choices.target}"
    if mask is not None:
        unseen = set(np.unique(found.targets[mask]).tolist()) - set(np.unique(found.targets[~mask]).tolist())
        if unseen:
            raise BadData(
                f"{where} has {counted(len(unseen), 'class')} only among the held-out rows; each must be trained on"
            )
        return
    _, first, counts = np.unique(found.targets, return_index=True, return_counts=True)
    if alone := sorted(first[counts == 1].tolist()):
        place = f"{'' if len(alone) == 1 else 'the first '}in {source.place(alone[0])}"
        raise BadData(
            f"{where} has {counted(len(alone), 'class')} with a single row, {place}, which cannot be both trained and "
            f"scored on; remove {'it' if len(alone) == 1 else 'them'}, or add rows"
        )
    held = math.ceil(choices.held_out * len(found.targets))
    if min(held, len(found.targets) - held) < len(counts):
        raise BadData(
            f"{where} has {counted(len(counts), 'class')} and {counted(held, 'held-out row')}; "
            "choose another --held-out share"
        )


def _some_groups(source: Source, groups: Groups, choices: Choices) -> Mask:
    if len(np.unique(groups.into)) == 1:
        raise BadData(f"{source.path}: column {groups.name} holds one group; at least two are needed to hold one out")
    chooser = GroupShuffleSplit(n_splits=1, test_size=choices.held_out, random_state=choices.seed)
    _, held = next(chooser.split(groups.into, groups=groups.into))
    mask = np.zeros(len(groups.into), dtype=bool)
    mask[held] = True
    return mask


def _newest(source: Source, times: Times, choices: Choices) -> Mask:
    """Hold out a share of the rows, and those as old as the oldest of them."""
    held = math.ceil(choices.held_out * len(times.into))
    mask: Mask = times.into >= np.sort(times.into)[-held]
    if mask.all():
        raise BadData(f"{source.path}: column {times.name} holds too few different times to hold the newest rows out")
    return mask
