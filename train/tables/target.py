"""The target: classes or numbers, and whether a model can be trained on it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from train.data import Targets
from train.errors import BadData
from train.schema import Field
from train.tables.choices import Choices, Task
from train.tables.columns import categories, is_text, strangers
from train.tables.limits import MOST_CATEGORIES, MOST_CLASSES_OF_NUMBERS
from train.tables.sources import Source, counted
from train.tables.survey import Facts

WHOLE_NUMBERS_OF_FLOAT64 = 2**53


class Labels(NamedTuple):
    """Targets [n]: int64 or texts with their sorted classes, or float64 without (regression)."""

    targets: Targets
    classes: list[int | str]
    class_names: list[str]


@dataclass(frozen=True)
class Target:
    """The target column: of texts, which are its classes, or of numbers, which may all be true or false."""

    field: Field
    booleans: bool
    where: str  # how a message begins


def target(source: Source, facts: Facts, choices: Choices) -> Target:
    """Return what the target column holds.

    Raises:
        BadData: rows lack it, or it is not what was told, or there are too many classes.

    """
    name, where = choices.target, f"{source.path}: the target {choices.target}"
    check_present(source, name, facts)
    if facts.booleans and choices.task == "regression":
        raise BadData(f"{where} is true or false; regression needs numbers")
    if not is_text(source, name, facts):
        return Target(Field(name), facts.booleans, where)
    because = f" because of {strangers(source, facts)}" if facts.no_numbers.count else ""
    if choices.task == "regression":
        raise BadData(f"{where} is one of texts{because}; regression needs numbers")
    if facts.many:
        raise BadData(f"{where} is one of texts{because}; there are {_too_many()}")
    return Target(Field(name, categories(facts)), booleans=False, where=where)


def check_present(source: Source, name: str, facts: Facts) -> None:
    """Raise BadData if rows lack the target."""
    if missing := facts.missing.count:
        rows = "1 row lacks" if missing == 1 else f"{missing:,} rows lack"
        where = source.place(facts.missing.first)
        raise BadData(f"{source.path}: {rows} the target {name}, the first in {where}; remove rows without it")


def labels(
    target: Target, values: npt.NDArray[np.float64], rows: int, task: Task | None, test: Source | None = None
) -> Labels:
    """Return what the values [n] of the target mean; the first `rows` of them are to train on, others to score on.

    Raises:
        BadData: they cannot be classes, or there is one only, or rows to score on have others.

    """
    trained, texts = values[:rows], target.field.categories
    distinct = np.unique(trained)
    if len(distinct) == 1:
        raise BadData(f"{target.where} is the same in all rows; there is nothing to learn")
    if texts is None and not target.booleans and (task or _guess(distinct)) == "regression":
        return Labels(values, [], [])
    unknown = ~np.isin(values[rows:], distinct)
    if test is not None and unknown.any():
        count, place = int(unknown.sum()), test.place(int(unknown.argmax()))
        first, which = ("", "it") if count == 1 else ("the first ", "them")
        raise BadData(
            f"{target.where} has a class in {counted(count, 'row')} of {test.path} that no row to train on has, "
            f"{first}in {place}; remove {which} there, or add such rows here"
        )
    if texts is not None:
        return Labels(np.array(texts)[values.astype(np.intp)], [*texts], [*texts])
    _check_whole(target.where, distinct)
    classes: list[int | str] = [int(each) for each in distinct]
    names = ["false", "true"] if target.booleans else [str(each) for each in classes]
    return Labels(values.astype(np.int64), classes, names)


def _guess(distinct: npt.NDArray[np.float64]) -> Task:
    whole = bool((distinct == np.rint(distinct)).all())
    return "classification" if whole and len(distinct) <= MOST_CLASSES_OF_NUMBERS else "regression"


def _check_whole(where: str, distinct: npt.NDArray[np.float64]) -> None:
    if (distinct != np.rint(distinct)).any() or (np.abs(distinct) > WHOLE_NUMBERS_OF_FLOAT64).any():
        raise BadData(f"{where} has numbers that are not whole, or beyond 2^53; classes are texts or whole numbers")
    if len(distinct) > MOST_CATEGORIES:
        raise BadData(f"{where} has {_too_many()}; leave --task classification away for regression")


def _too_many() -> str:
    return f"more than {MOST_CATEGORIES:,} classes"
