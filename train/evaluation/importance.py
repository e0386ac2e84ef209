"""What the answers rest on: how much worse they become when one column's values are exchanged between rows.

L. Breiman, "Random Forests", Machine Learning 45, 2001. The export is asked, which has been proved to answer as the
model does.
"""

import numpy as np
import numpy.typing as npt

from model_repository import Importance, Importances
from train.data import Targets
from train.evaluation.quality import evenly
from train.onnx_runtime import ONNX_RUNTIME_ERRORS, Answers, Inputs, Session
from train.original import Original
from train.proof.refusals import finite_answers
from train.schema import NUMBERS, TEXTS, Rows, Schema

MOST_ROWS = 1_000
LEAST_ROWS = 50
REPETITIONS = 5
MOST_ASKED = 100_000  # rows that are asked in all: of a wide table there are fewer rows, then fewer repetitions


def importances(session: Session, original: Original, rows: Rows, targets: Targets, seed: int) -> Importances | None:
    """Return the importance of each column: by the probability of the true class, else by accuracy, or by R2.

    Most often the class stays the same when one of many columns is wrong; the probability tells more.

    None: there are no rows, their targets are all the same number, or a row with an exchanged value is not answered.
    """
    schema = original.schema
    count, repetitions = extent(len(schema))
    if not len(rows):
        return None
    chosen = evenly(len(rows), count)
    inputs = {name: values.copy() for name, values in schema.inputs(rows[chosen]).items()}
    metric = _Metric(original, targets[chosen])
    try:
        drops = _drops(session, schema, inputs, metric, np.random.default_rng(seed), repetitions=repetitions)
    except _Undefined:
        return None
    except ONNX_RUNTIME_ERRORS:
        return None
    columns = [
        Importance(name, float(each.mean()), float(each.std())) for name, each in zip(schema.names, drops, strict=True)
    ]
    return Importances(metric.name, len(chosen), repetitions, columns)


def extent(columns: int) -> tuple[int, int]:
    """Return on how many rows at most, and how often, each of so many columns is exchanged."""
    repetitions = min(REPETITIONS, max(1, MOST_ASKED // (columns * LEAST_ROWS)))
    return min(MOST_ROWS, max(LEAST_ROWS, MOST_ASKED // (columns * repetitions))), repetitions


class _Undefined(Exception):
    """A row has no finite answer, or the answers no metric."""


class _Metric:
    """How good answers are: 1 is best."""

    def __init__(self, original: Original, targets: Targets) -> None:
        self._targets, self._spread = targets, 0.0
        if original.has_probabilities:
            place = {each: number for number, each in enumerate(original.classes.tolist())}
            self._cells = np.arange(len(targets)), [place[each] for each in targets.tolist()]
            self.name, self._of = "probability_of_true_class", self._probability
        elif original.classifies:
            self.name, self._of = "accuracy", self._accuracy
        else:
            self._spread = float(np.square(targets - targets.mean()).sum())
            self.name, self._of = "r2", self._r2

    def of(self, answers: Answers) -> float:
        """Measure answers.

        Raises:
            _Undefined: one is no finite number.

        """
        if not finite_answers(answers).all():
            raise _Undefined
        return self._of(answers)

    def _probability(self, answers: Answers) -> float:
        return float(answers[1][self._cells].mean(dtype=np.float64))

    def _accuracy(self, answers: Answers) -> float:
        return float(np.mean(answers[0] == self._targets))

    def _r2(self, answers: Answers) -> float:
        if self._spread == 0:
            raise _Undefined
        return 1 - float(np.square(self._targets - answers[0].astype(np.float64)).sum()) / self._spread


def _drops(
    session: Session, schema: Schema, inputs: Inputs, metric: _Metric, random: np.random.Generator, *, repetitions: int
) -> list[npt.NDArray[np.float64]]:
    """Return for each column by how much the metric falls, each time; missing values are exchanged like others."""
    whole = metric.of(session.run(inputs))
    places = {index: (NUMBERS, place) for place, index in enumerate(schema.numbers)}
    places |= {index: (TEXTS, place) for place, index in enumerate(schema.texts)}
    drops = []
    for index in range(len(schema)):
        name, place = places[index]
        column, found = inputs[name][:, place], []
        before = column.copy()
        for _ in range(repetitions):
            column[:] = before[random.permutation(len(before))]
            found.append(whole - metric.of(session.run(inputs)))
        column[:] = before
        drops.append(np.array(found))
    return drops
