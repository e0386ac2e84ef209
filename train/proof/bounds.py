"""How near an export must be to its original: the same bits where that can be had, else within a bound."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from train.converters import FOREST_CLASSIFIERS, fitted_trees, leaves_of
from train.original import Answers, Original, final_step
from train.schema import Rows

NEAR = 1e-6


@dataclass(frozen=True)
class Bound:
    """The largest difference allowed: absolute, plus a part of the expected value. Both 0: the same float32 bits."""

    absolute: float
    relative: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether every bit must be the same."""
        return self.absolute == self.relative == 0

    def far(self, expected: Answers, answers: Answers, *, classifies: bool) -> npt.NDArray[np.bool_]:
        """Return [n] whether a row's probabilities, or its prediction, are beyond the bound."""
        wanted, given = (numbers(each, classifies=classifies) for each in (expected, answers))
        if self.exact:
            return np.asarray((bits(wanted) != bits(given)).any(axis=1))
        near = np.abs(wanted.astype(np.float64) - given) <= self.absolute + self.relative * np.abs(wanted)
        return np.asarray(~near.all(axis=1))

    def distance(self, wanted: Rows, given: Rows) -> npt.NDArray[np.float64]:
        """Return how far answers are from the expected ones; predictions in parts of the expected or largest target."""
        distance = np.abs(given.astype(np.float64) - wanted)
        if self.relative == 0:
            return distance
        return np.asarray(distance / np.maximum(np.abs(wanted), self.absolute / self.relative))


def bound_of(original: Original, targets: npt.NDArray[np.generic]) -> Bound:
    """Return the bound for a model; that of a regression grows with the size of the targets that it was fitted on."""
    estimator = final_step(original.model)
    if isinstance(estimator, FOREST_CLASSIFIERS):
        return Bound(0.0 if leaves_of(fitted_trees(estimator)).pure else NEAR)
    if original.classifies:
        return Bound(NEAR)
    largest = max(float(np.abs(targets.astype(np.float64)).max()), float(np.finfo(np.float32).tiny))
    return Bound(NEAR * largest, NEAR)


def numbers(answers: Answers, *, classifies: bool) -> Rows:
    """Return what of the answers is compared by size: probabilities [n, classes], or predictions [n, 1]."""
    return answers[1] if classifies else answers[0].astype(np.float32)[:, None]


def bits(values: Rows) -> npt.NDArray[np.uint32]:
    """Return the bits of float32 numbers."""
    return np.ascontiguousarray(values).view(np.uint32)
