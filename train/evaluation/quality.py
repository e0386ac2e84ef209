"""How good the answers to held-out rows are: the metrics, and what the manifest shows of them as pictures."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    auc,
    f1_score,
    mean_absolute_error,
    r2_score,
    roc_curve,
    root_mean_squared_error,
)

from model_repository import Calibration, Evaluation, Roc
from train.data import Targets
from train.original import Answers, Original
from train.schema import Rows

MOST_CLASSES = 30  # of a confusion matrix
MOST_CURVES = 10  # classes that get curves of their own
MOST_POINTS = 100  # of a curve
MOST_PREDICTIONS = 200
BINS = 10


class Quality(NamedTuple):
    """The metrics by name, and the answers beside the truth."""

    metrics: dict[str, float]
    evaluation: Evaluation


def quality(original: Original, rows: Rows, targets: Targets) -> Quality:
    """Measure a model on rows that it was not fitted on.

    Raises:
        ValueError: it refuses them.

    """
    answers = original.answers(rows)
    if not original.classifies:
        return Quality(_errors(targets, answers[0]), Evaluation(predictions=_pairs(targets, answers[0])))
    return Quality(_scores(original.classes, targets, answers[0]), _evaluation(original, targets, answers))


def evenly(count: int, most: int) -> npt.NDArray[np.intp]:
    """Return the places of at most so many of `count` things, evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)


def _errors(targets: Targets, predictions: npt.NDArray[np.generic]) -> dict[str, float]:
    """Return R2, and the mean absolute and root mean squared error in the unit of the target."""
    return {
        "r2": float(r2_score(targets, predictions)),
        "mean_absolute_error": float(mean_absolute_error(targets, predictions)),
        "root_mean_squared_error": float(root_mean_squared_error(targets, predictions)),
    }


def _scores(classes: Targets, targets: Targets, labels: npt.NDArray[np.generic]) -> dict[str, float]:
    """Return accuracy and F1: the second class's of two, else the mean over classes."""
    average = {"average": "binary", "pos_label": classes[1]} if len(classes) == 2 else {"average": "macro"}
    return {
        "accuracy": float(accuracy_score(targets, labels)),
        "f1": float(f1_score(targets, labels, zero_division=0.0, **average)),
    }


def _pairs(targets: Targets, predictions: npt.NDArray[np.generic]) -> list[list[float]]:
    places = evenly(len(targets), MOST_PREDICTIONS)
    pairs: list[list[float]] = np.column_stack([targets[places], predictions[places]]).astype(np.float64).tolist()
    return pairs


def _evaluation(original: Original, targets: Targets, answers: Answers) -> Evaluation:
    classes, (labels, probabilities) = original.classes, answers
    shown = range(1, 2) if len(classes) == 2 else range(len(classes))
    curves = [
        (place, targets == classes[place], probabilities[:, place].astype(np.float64))
        for place in (shown if original.has_probabilities and len(classes) <= MOST_CURVES else ())
    ]
    return Evaluation(
        confusion=_confusion(classes, targets, labels) if len(classes) <= MOST_CLASSES else [],
        roc=[_roc(place, truth, shares) for place, truth, shares in curves if truth.any() and not truth.all()],
        calibration=[_calibration(place, truth, shares) for place, truth, shares in curves],
    )


def _confusion(classes: Targets, targets: Targets, labels: npt.NDArray[np.generic]) -> list[list[int]]:
    cells = _places(classes, targets) * len(classes) + _places(classes, labels)
    counts: list[list[int]] = np.bincount(cells, minlength=len(classes) ** 2).reshape(len(classes), -1).tolist()
    return counts


def _places(classes: Targets, labels: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    """Return the place of each label among the classes."""
    places = np.zeros(len(labels), np.intp)
    for place, each in enumerate(classes):
        places[labels == each] = place
    return places


def _roc(place: int, truth: npt.NDArray[np.bool_], shares: npt.NDArray[np.float64]) -> Roc:
    """Return the curve; of its points those that part its length evenly, so that nothing of its shape is lost."""
    false, true, _ = roc_curve(truth, shares)
    kept = np.unique(np.searchsorted(false + true, np.linspace(0, 2, MOST_POINTS)).clip(max=len(false) - 1))
    return Roc(place, false[kept].tolist(), true[kept].tolist(), float(auc(false, true)))


def _calibration(place: int, truth: npt.NDArray[np.bool_], shares: npt.NDArray[np.float64]) -> Calibration:
    bins = (shares * BINS).astype(np.intp).clip(0, BINS - 1)
    rows = np.bincount(bins, minlength=BINS)
    held = rows > 0
    predicted, observed = (np.bincount(bins, each, BINS)[held] / rows[held] for each in (shares, truth))
    return Calibration(place, predicted.tolist(), observed.tolist(), rows[held].tolist())
