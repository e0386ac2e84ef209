"""What a model's trees add up to: their nodes as the export compares them, what leaves give, and on which scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from model_repository import Scale
from train.converters import FOREST_CLASSIFIERS, FOREST_REGRESSORS, fitted_trees
from train.converters.forests import leaf_values
from train.converters.gradient_boosting import start_of
from train.converters.hist_gradient_boosting import predictors_and_trees, start_of_histograms
from train.converters.trees import Trees, trees_of
from train.original import final_step

BOOSTING = (GradientBoostingClassifier, GradientBoostingRegressor)
HISTOGRAMS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
EXPLAINED = (*FOREST_CLASSIFIERS, *FOREST_REGRESSORS, *BOOSTING, *HISTOGRAMS)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TreeSum:
    """Trees whose leaves' values are added up.

    `covers` [nodes] is how many training rows reached a node, by their weights; `values` [leaves, outputs] are in the
    order of the leaves among the nodes, `offset` [outputs] is added to their sum. The log-odds of a classifier are its
    decision_function times `factor`.
    """

    trees: Trees
    covers: Floats
    values: Floats
    offset: Floats
    scale: Scale
    double: bool
    factor: float = 1.0


def tree_sum(model: Any) -> TreeSum | None:
    """Return what the estimator that answers adds up, or None where it is no sum of trees."""
    estimator = final_step(model)
    if isinstance(estimator, FOREST_CLASSIFIERS + FOREST_REGRESSORS):
        return _forest(estimator)
    if type(estimator) in BOOSTING:
        return _boosting(estimator)
    return _histograms(estimator) if type(estimator) in HISTOGRAMS else None


def _forest(model: Any) -> TreeSum:
    """Return the mean of a forest's trees."""
    fitted = fitted_trees(model)
    values = leaf_values(fitted) / len(fitted)
    scale: Scale = "probability" if isinstance(model, FOREST_CLASSIFIERS) else "prediction"
    return TreeSum(trees_of(fitted), _covers(fitted), values, np.zeros(values.shape[1]), scale, double=False)


def _boosting(model: Any) -> TreeSum:
    fitted = fitted_trees(model)
    trees = trees_of(fitted)
    values = model.learning_rate * np.concatenate([tree.value[tree.children_left < 0, 0, 0] for tree in fitted])
    factor = 2.0 if model.loss == "exponential" else 1.0  # its sums are half of the log-odds
    values, offset = _scores(trees, factor * values, factor * start_of(model), classes=_classes(model))
    return TreeSum(trees, _covers(fitted), values, offset, _scale(model), double=False, factor=factor)


def _histograms(model: Any) -> TreeSum:
    predictors, trees = predictors_and_trees(model)
    values = np.concatenate([each.nodes["value"][each.nodes["is_leaf"] == 1] for each in predictors])
    covers = np.concatenate([each.nodes["count"] for each in predictors]).astype(np.float64)
    values, offset = _scores(trees, values, start_of_histograms(model), classes=_classes(model))
    return TreeSum(trees, covers, values, offset, _scale(model), double=True)


def _covers(fitted: list[Any]) -> Floats:
    return np.concatenate([tree.weighted_n_node_samples for tree in fitted])


def _classes(model: Any) -> int:
    return len(getattr(model, "classes_", ()))


def _scale(model: Any) -> Scale:
    if _classes(model):
        return "log-odds"
    return "log-prediction" if model.loss in {"poisson", "gamma"} else "prediction"


def _scores(trees: Trees, values: Floats, start: Floats, *, classes: int) -> tuple[Floats, Floats]:
    """Return values [leaves, outputs] and offsets of trees that speak for each of the scores in turn.

    Of two classes there is one score, the log-odds of the second; those of the first are the same with another sign.
    """
    if classes == 2:
        return np.outer(values, [-1.0, 1.0]), start[0] * np.array([-1.0, 1.0])
    speaks_for = trees.owners[trees.leaf] % len(start)
    return np.where(speaks_for[:, None] == np.arange(len(start)), values[:, None], 0.0), start
