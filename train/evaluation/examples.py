"""Real rows to try a model with: of every class, answered surely and less surely, and none that the server refuses."""

import numpy as np
import numpy.typing as npt

from model_repository import Column, Example
from train.data import Targets
from train.evaluation.quality import evenly
from train.onnx_runtime import Session
from train.original import Original
from train.proof.refusals import finite_answers
from train.schema import Rows

EXAMPLES = 6
MOST_TRIED = 1_000


def examples(
    session: Session, original: Original, columns: list[Column], rows: Rows, targets: Targets | None, *, largest: float
) -> list[Example]:
    """Return up to 6 rows with what they truly are, where that is known; `largest` is the magnitude proved."""
    tried = _some_of_each_class(original.classes, len(rows), targets)
    tried = tried[_are_taken(columns, largest, rows[tried])]
    if not len(tried):
        return []
    labels, probabilities = answers = session.run(original.schema.inputs(rows[tried]))
    answered = finite_answers(answers)
    tried, labels, probabilities = tried[answered], labels[answered], probabilities[answered]
    truth = labels if targets is None else targets[tried]
    chosen = tried[_spread(original.classes, truth, probabilities)]
    known = [None] * len(chosen) if targets is None else targets[chosen].tolist()
    return [Example(row, target) for row, target in zip(original.schema.values(rows[chosen]), known, strict=True)]


def _some_of_each_class(classes: Targets, count: int, targets: Targets | None) -> npt.NDArray[np.intp]:
    """Return the places of rows to choose from: evenly spread, and of each class where there are few."""
    if targets is None or not 0 < len(classes) <= EXAMPLES:
        return evenly(count, MOST_TRIED)
    places = [np.flatnonzero(targets == each) for each in classes]
    return np.concatenate([each[evenly(len(each), MOST_TRIED // EXAMPLES)] for each in places])


def _are_taken(columns: list[Column], largest: float, rows: Rows) -> npt.NDArray[np.bool_]:
    """Return [n] whether the server takes a row: nothing is missing where it may not be, unknown, or too large."""
    taken = np.ones(len(rows), dtype=bool)
    for column, values in zip(columns, rows.T, strict=True):
        if column.type == "string":
            taken &= values < len(column.categories)
        else:
            taken &= (np.abs(values) <= largest) | (np.isnan(values) & column.missing)
    return taken


def _spread(classes: Targets, truth: Targets, probabilities: Rows) -> list[int]:
    """Return the places of rows that differ: one class after another, from the surest answer to the least sure.

    How sure an answer is, is the probability of the row's true class. Numbers are spread from the largest to the least.
    """
    if not len(truth):
        return []
    if not len(classes):
        return _places(np.argsort(truth, kind="stable")[::-1][evenly(len(truth), EXAMPLES)])
    of_class = [np.flatnonzero(truth == each) for each in classes]
    there = [place for place, rows in enumerate(of_class) if len(rows)]
    there = [there[place] for place in evenly(len(there), EXAMPLES)]
    found = []
    for number in range(EXAMPLES):
        place = there[number % len(there)]
        rows = of_class[place]
        sure = probabilities[rows, place] if probabilities.shape[1] else np.linspace(1, 0, len(rows))
        wanted = sure.max() - (sure.max() - sure.min()) * number / (EXAMPLES - 1)
        found.append(rows[np.argmin(np.abs(sure - wanted))])
    return _places(np.array(found))


def _places(found: npt.NDArray[np.intp]) -> list[int]:
    """Return them once each, in their order."""
    return list(dict.fromkeys(found.tolist()))
