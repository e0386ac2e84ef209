"""Gradient boosting, exactly: float64 sums in scikit-learn's order, from its starting values."""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.graph import Graph
from train.converters.links import both_classes, sigmoid, sign, softmax
from train.converters.trees import Floats, Trees, fitted_trees, trees_of, values_of_leaves


def boosted(graph: Graph, rows: str, trees: Trees, values: Floats, start: Floats, *, double: bool = False) -> str:
    """Add up the leaves' values [leaves] of trees that speak for each of the scores in turn, from `start` [scores].

    Returns the scores, float64 [n, scores].
    """
    scores = len(start)
    owners = trees.owners[trees.leaf]
    first = owners < scores
    values = np.where(first, start[owners % scores] + values, values)
    terms = values_of_leaves(graph, rows, trees, values, double=double)
    rounds = trees.count // scores
    return graph.total(graph.reshape(terms, 0, rounds, scores), rounds)


@decision(GradientBoostingClassifier)
def scores_of(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the sums [n, 1] or [n, classes].

    Raises:
        ValueError: the first estimate depends on the row.

    """
    if not isinstance(model.init_, str) and type(model.init_) not in {DummyClassifier, DummyRegressor}:
        raise ValueError("gradient boosting that begins with another estimator (init) cannot be exported; leave it out")
    trees = fitted_trees(model)
    values = np.concatenate([tree.value[tree.children_left < 0, 0, 0] for tree in trees])
    return boosted(graph, inputs.rows, trees_of(trees), model.learning_rate * values, start_of(model))


def start_of(model: Any) -> Floats:
    """Return the scores [scores] from which the trees start."""
    start: Floats = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))[0]  # noqa: SLF001
    return start


@classifier(GradientBoostingClassifier)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Turn the sums into probabilities; they decide the label."""
    scores = scores_of(graph, model, inputs)
    if len(model.classes_) > 2:
        return Answer(graph.winner(scores), softmax(graph, scores))
    winner = sign(graph, scores, "GreaterOrEqual")
    if model.loss == "exponential":
        scores = graph.add("Mul", scores, graph.constant(2.0))
    return Answer(winner, both_classes(graph, sigmoid(graph, scores)))


@regressor(GradientBoostingRegressor)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the sums."""
    return scores_of(graph, model, inputs)
