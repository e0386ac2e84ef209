"""AdaBoost: weighted votes of classifiers, and the weighted median of regressors."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor

from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.averages import TREES, added
from train.converters.graph import FLOAT, INT64, Graph
from train.converters.inside import chosen, classify, predict
from train.converters.links import sign, softmax
from train.converters.trees import Floats, trees_of, values_of_leaves


def _votes(model: Any, index: int) -> Floats:
    """Return what each class [its classes, all classes] of one of the classifiers adds to the scores."""
    weight, classes = float(model.estimator_weights_[index]), int(model.n_classes_)
    same: npt.NDArray[np.bool_] = model.estimators_[index].classes_[:, None] == model.classes_
    return np.where(same, weight, -1 / (classes - 1) * weight)


@decision(AdaBoostClassifier)
def scores_of(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the scores [n, 1] or [n, classes]."""
    estimators = model.estimators_
    if all(type(each) in TREES for each in estimators):
        trees = [each.tree_ for each in estimators]
        winners = [tree.value[tree.children_left < 0, 0, :].argmax(axis=1) for tree in trees]
        values = np.concatenate([_votes(model, index)[winner] for index, winner in enumerate(winners)])
        total = graph.total(values_of_leaves(graph, inputs.rows, trees_of(trees), values), len(trees))
    else:
        answers = [classify(graph, each, inputs) for each in estimators]
        total = added(graph, [chosen(graph, answer, _votes(model, index)) for index, answer in enumerate(answers)])
    scores = graph.add("Div", total, graph.constant(float(model.estimator_weights_.sum())))
    if model.n_classes_ > 2:
        return scores
    return graph.add("Sub", graph.columns(scores, [1]), graph.columns(scores, [0]))


@classifier(AdaBoostClassifier)
def classify_boosted(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Turn the scores into probabilities; they decide the label."""
    scores = scores_of(graph, model, inputs)
    if model.n_classes_ > 2:
        shares = graph.add("Div", scores, graph.constant(float(model.n_classes_ - 1)))
        return Answer(graph.winner(scores), softmax(graph, shares))
    both = graph.concat(graph.add("Neg", scores), scores)
    return Answer(sign(graph, scores), softmax(graph, graph.add("Div", both, graph.constant(2.0))))


@regressor(AdaBoostRegressor)
def predict_median(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Take the first prediction, from small to large, at which half of all weights is reached."""
    estimators = model.estimators_
    count = len(estimators)
    if all(type(each) in TREES for each in estimators):
        trees = [each.tree_ for each in estimators]
        values = np.concatenate([tree.value[tree.children_left < 0, 0, 0] for tree in trees])
        predictions = values_of_leaves(graph, inputs.rows, trees_of(trees), values)
    else:
        predictions = graph.concat(*[predict(graph, each, inputs) for each in estimators])
    ordered, order = graph.smallest_first(predictions, count)
    weights = graph.add("Gather", graph.constant(model.estimator_weights_[:count].astype(np.float64)), order)
    reached = graph.add("CumSum", weights, graph.constant(np.int64(1)))
    half = graph.add("Mul", graph.columns(reached, [count - 1]), graph.constant(0.5))
    above = graph.cast(graph.add("GreaterOrEqual", reached, half), FLOAT)
    first = graph.add("ArgMax", above, axis=1, keepdims=1)
    return graph.add("GatherElements", ordered, graph.cast(first, INT64), axis=1)
