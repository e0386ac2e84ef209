"""Stacking: the answers of some estimators are the rows of another."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import StackingClassifier, StackingRegressor

from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.graph import Graph
from train.converters.inside import chosen, classify, decide, made_rows, predict


def _stacked(graph: Graph, model: Any, inputs: Inputs) -> Inputs:
    """Return the rows that the last estimator is given, float64."""
    methods = [method for method in model.stack_method_ if method is not None]
    parts = [_part(graph, model, inputs, *each) for each in zip(model.estimators_, methods, strict=True)]
    if model.passthrough:
        parts.append(graph.double(inputs.rows))
    return made_rows(graph, graph.concat(*parts), width=model.final_estimator_.n_features_in_)


def _part(graph: Graph, model: Any, inputs: Inputs, estimator: Any, method: str) -> str:
    if method == "decision_function":
        return decide(graph, estimator, inputs)
    if not is_classifier(estimator):
        return predict(graph, estimator, inputs)
    answer = classify(graph, estimator, inputs)
    if method == "predict":
        return chosen(graph, answer, np.asarray(estimator.classes_)[:, None])
    return graph.columns(answer.probabilities, [1]) if len(model.classes_) == 2 else answer.probabilities


@classifier(StackingClassifier)
def classify_stacked(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Give what the last estimator answers."""
    return classify(graph, model.final_estimator_, _stacked(graph, model, inputs))


@decision(StackingClassifier)
def decide_stacked(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the scores of the last estimator."""
    return decide(graph, model.final_estimator_, _stacked(graph, model, inputs))


@regressor(StackingRegressor)
def predict_stacked(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give what the last estimator predicts."""
    return predict(graph, model.final_estimator_, _stacked(graph, model, inputs))
