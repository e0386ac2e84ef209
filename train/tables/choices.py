"""What the user told of a table, and whether its columns bear it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from train.errors import BadData
from train.tables.cells import number
from train.tables.limits import MOST_COLUMNS

Task = Literal["classification", "regression"]
SHOWN_NAMES = 20


@dataclass(frozen=True)
class Choices:
    """The target's column, and all that may be left to Copse: types, columns to leave out, and which rows to hold out.

    At most one of `test_data` (a file of rows to score on), `group` (a column whose groups stay together) and `time` (a
    column whose newest rows are held out) is given.
    """

    target: str
    task: Task | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    test_data: Path | None = None
    group: str | None = None
    time: str | None = None
    held_out: float = 0.2
    seed: int = 42

    def features(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return the columns to train on, in the order of the file.

        Raises:
            BadData: an option names no column, or two of them name the same; or there are no or too many columns left.

        """
        if sum(option is not None for option in (self.test_data, self.group, self.time)) > 1:
            raise BadData("only one of --test-data, --group and --time can say which rows are held out")
        self._check_roles(path, names)
        aside = {self.target, *self.drop, self.group, self.time}
        left = [name for name in names if name not in aside]
        if not left:
            raise BadData(f"{path}: no column is left to train on beside {self.target}")
        if len(left) > MOST_COLUMNS:
            raise BadData(f"{path}: {len(left):,} columns to train on; at most {MOST_COLUMNS:,} can be (--drop some)")
        return left

    def _check_roles(self, path: Path, names: Sequence[str]) -> None:
        roles: dict[str, str] = {}
        for option, columns in self._options().items():
            for column in columns:
                if column not in names:
                    raise BadData(f"{path}: {option} names {column}, which is no column; {available(names)}")
                if roles.setdefault(column, option) != option:
                    raise BadData(f"{path}: column {column} is named by {roles[column]} and by {option}; keep one")

    def _options(self) -> dict[str, tuple[str, ...]]:
        return {
            "--target": (self.target,),
            "--drop": self.drop,
            "--group": () if self.group is None else (self.group,),
            "--time": () if self.time is None else (self.time,),
            "--numeric": self.numeric,
            "--categorical": self.categorical,
        }


def available(names: Sequence[str]) -> str:
    """Return which columns there are, unless they look like values of a file that has no header."""
    if any(number(name) is not None for name in names):
        return "is its first line a header?"
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return f"there are {', '.join(names[:SHOWN_NAMES])}{more}"
