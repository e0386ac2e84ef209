"""The fitted scikit-learn model as the reference: coded rows in, answers out, as float32."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from train.converters import FOREST_CLASSIFIERS, FOREST_REGRESSORS
from train.errors import BadEstimator, ExportRefused
from train.schema import Rows, Schema

# Labels [n] with probabilities [n, classes]; of a regression its predictions [n], float32, and probabilities [n, 0].
Answers = tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]
BLOCK_ROWS = 50_000
SEVERAL_OUTPUTS = "a model with several outputs cannot be exported; fit one for each output"


class Original:
    """A fitted classifier or regressor with the columns that it takes."""

    def __init__(self, model: Any, schema: Schema) -> None:
        """Take a model; of a search that is fitted the best that it found.

        Raises:
            BadEstimator: it is a search that has kept no model.
            ExportRefused: it has several outputs.

        """
        self.model = model = found_by_search(model)
        self.schema = schema
        self.classifies = bool(is_classifier(model))
        self.classes: npt.NDArray[Any] = _classes(model) if self.classifies else np.empty(0)
        self.has_probabilities = self.classifies and hasattr(model, "predict_proba")

    def answers(self, rows: Rows) -> Answers:
        """Return what the model answers to rows.

        Raises:
            ValueError: it refuses them, as most models refuse missing values.

        """
        if not len(rows):
            return self._none()
        blocks = [self._answers(rows[start : start + BLOCK_ROWS]) for start in range(0, len(rows), BLOCK_ROWS)]
        return np.concatenate([labels for labels, _ in blocks]), np.concatenate([shares for _, shares in blocks])

    def accepts(self, rows: Rows) -> bool:
        """Return whether the model answers rows, with finite numbers, rather than refusing them."""
        try:
            labels, probabilities = self.answers(rows)
        except ValueError:
            return False
        return bool(np.isfinite(probabilities).all() and (self.classifies or np.isfinite(labels.astype(float)).all()))

    def margins(self, rows: Rows, usual: Rows) -> npt.NDArray[np.float64]:
        """Return for each row how far its label is from being another, 0 to 1, by what the label is decided on.

        A decision function has no scale of its own; its largest value on `usual` rows is taken for 1.
        """
        margins = [_best_two(self.answers(rows)[1].astype(np.float64))] if self.has_probabilities else []
        if hasattr(self.model, "decision_function"):
            decisions, scale = (self.model.decision_function(self.table(each)) for each in (rows, usual))
            margins.append(_best_two(decisions) / (float(np.abs(scale).max()) or 1.0))
        return np.min(margins, axis=0) if margins else np.ones(len(rows))

    def table(self, rows: Rows) -> Any:
        """Return rows in the form in which the model was fitted: a data frame, or a float32 matrix."""
        return model_table(self.model, self.schema, rows, framed=hasattr(self.model, "feature_names_in_"))

    def _answers(self, rows: Rows) -> Answers:
        table = self.table(rows)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # extreme values overflow in many models
            labels = self.model.predict(table)
            if labels.ndim > 1 and labels.shape[1] != 1:
                raise ExportRefused(SEVERAL_OUTPUTS)
            if self.has_probabilities:
                return labels, self.model.predict_proba(table).astype(np.float32)
            return labels if self.classifies else labels.astype(np.float32).reshape(-1), np.empty((len(rows), 0), "f4")

    def _none(self) -> Answers:
        width = len(self.classes) if self.has_probabilities else 0
        return (self.classes[:0] if self.classifies else np.empty(0, np.float32)), np.empty((0, width), np.float32)


def found_by_search(model: Any) -> Any:
    """Return the model that a fitted search found best, also where it is the last step of a Pipeline; else the model.

    Raises:
        BadEstimator: the search has kept none.

    """
    if isinstance(model, Pipeline):
        *before, (name, last) = model.steps
        found = found_by_search(last)
        return model if found is last else Pipeline([*before, (name, found)])
    if not isinstance(model, BaseSearchCV):
        return model
    if not hasattr(model, "best_estimator_"):
        raise BadEstimator(f"{type(model).__name__} has kept no fitted model; leave refit as it is")
    return found_by_search(model.best_estimator_)


def model_table(model: Any, schema: Schema, rows: Rows, *, framed: bool) -> Any:
    """Return rows as a data frame where the model wants names or there are texts, else as a matrix of float64.

    The numbers are those of float32. In float64 scikit-learn's own sums are as good as exact, so that an export can be.
    """
    if framed or schema.texts:
        return schema.frame(rows)
    return rows if reads_float32(model) else rows.astype(np.float64)


def final_step(model: object) -> object:
    """Return the estimator that answers: the last step of a Pipeline, or the model itself."""
    while isinstance(model, Pipeline):
        model = model[-1]
    return model


def reads_float32(model: Any) -> bool:
    """Return whether a model makes its rows float32 itself: a forest without steps before it."""
    return isinstance(model, FOREST_CLASSIFIERS + FOREST_REGRESSORS)


def _classes(model: Any) -> npt.NDArray[Any]:
    if isinstance(model.classes_, list):
        raise ExportRefused(SEVERAL_OUTPUTS)
    return np.asarray(model.classes_)


def _best_two(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the distance between each row's two largest values; a single value is compared with 0."""
    if values.ndim == 1:
        return np.abs(values)
    best = np.sort(values, axis=1)
    distance: npt.NDArray[np.float64] = best[:, -1] - best[:, -2]
    return distance
