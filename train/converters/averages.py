"""Estimators that average or count what others say: bagging and voting."""

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from train.converters.answers import Answer, Inputs, classifier, regressor
from train.converters.graph import Graph
from train.converters.inside import chosen, classify, predict, some_columns
from train.converters.trees import Floats, trees_of, values_of_leaves

TREES = (DecisionTreeClassifier, ExtraTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor)


def added(graph: Graph, terms: list[str]) -> str:
    """Add up tensors of the same shape, from first to last."""
    return reduce(lambda total, term: graph.add("Add", total, term), terms)


@classifier(BaggingClassifier)
def classify_bagged(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Average probabilities, or count votes where there are none."""
    classes = len(model.classes_)
    if all(type(each) in TREES for each in model.estimators_):
        values = [
            tree.tree_.value[tree.tree_.children_left < 0, 0, :] @ np.eye(classes)[tree.classes_.astype(int)]
            for tree in model.estimators_
        ]
        total = _trees(graph, model, inputs, np.concatenate(values))
    else:
        total = added(graph, [_shares(graph, model, inputs, index) for index in range(len(model.estimators_))])
    probabilities = graph.add("Div", total, graph.constant(float(model.n_estimators)))
    return Answer(graph.winner(probabilities), probabilities)


@regressor(BaggingRegressor)
def predict_bagged(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Average predictions."""
    if all(type(each) in TREES for each in model.estimators_):
        values = [each.tree_.value[each.tree_.children_left < 0, 0, :] for each in model.estimators_]
        total = _trees(graph, model, inputs, np.concatenate(values))
    else:
        parts = [_given(graph, model, inputs, index) for index in range(len(model.estimators_))]
        total = added(graph, [predict(graph, *each) for each in zip(model.estimators_, parts, strict=True)])
    return graph.add("Div", total, graph.constant(float(model.n_estimators)))


def _trees(graph: Graph, model: Any, inputs: Inputs, values: Floats) -> str:
    """Add up the values [leaves, width] of bagged trees, each of which sees columns of its own."""
    trees = trees_of([each.tree_ for each in model.estimators_], model.estimators_features_)
    return graph.total(values_of_leaves(graph, inputs.rows, trees, values), trees.count)


def _given(graph: Graph, model: Any, inputs: Inputs, index: int) -> Inputs:
    return some_columns(graph, inputs, model.estimators_features_[index], model.n_features_in_)


def _shares(graph: Graph, model: Any, inputs: Inputs, index: int) -> str:
    """Write what one of the bagged adds to each class; it may know some of them only."""
    estimator = model.estimators_[index]
    places = np.eye(len(model.classes_))[estimator.classes_.astype(int)]
    answer = classify(graph, estimator, _given(graph, model, inputs, index))
    if not hasattr(estimator, "predict_proba"):
        return chosen(graph, answer, places)
    if len(places) == len(model.classes_):
        return answer.probabilities
    return graph.add("MatMul", answer.probabilities, graph.constant(places))


@classifier(VotingClassifier)
def classify_by_vote(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Average probabilities, or count votes; a count is no probability."""
    weights, answers = _weights(model), [classify(graph, each, inputs) for each in model.estimators_]
    if model.voting == "hard":
        one_each = np.eye(len(model.classes_))
        pairs = zip(answers, weights, strict=True)
        votes = added(graph, [chosen(graph, answer, one_each * weight) for answer, weight in pairs])
        return Answer(graph.winner(votes), votes)
    probabilities = _average(graph, [answer.probabilities for answer in answers], weights)
    return Answer(graph.winner(probabilities), probabilities)


@regressor(VotingRegressor)
def predict_by_average(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Average predictions."""
    return _average(graph, [predict(graph, each, inputs) for each in model.estimators_], _weights(model))


def _weights(model: Any) -> npt.NDArray[np.float64]:
    given = model._weights_not_none  # noqa: SLF001
    return np.ones(len(model.estimators_)) if given is None else np.asarray(given, dtype=np.float64)


def _average(graph: Graph, parts: list[str], weights: npt.NDArray[np.float64]) -> str:
    pairs = zip(parts, weights, strict=True)
    terms = [part if weight == 1 else graph.add("Mul", part, graph.constant(float(weight))) for part, weight in pairs]
    return graph.add("Div", added(graph, terms), graph.constant(float(weights.sum())))
