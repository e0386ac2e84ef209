"""One classifier for each class against all others; the highest score wins."""

from typing import Any

from sklearn.base import is_classifier
from sklearn.multiclass import OneVsRestClassifier

from train.converters.answers import Answer, Inputs, classifier
from train.converters.graph import INT64, Graph
from train.converters.inside import classify, predict, score
from train.converters.links import both_classes, shares_of


@classifier(OneVsRestClassifier)
def classify_each(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Compare the scores; probabilities are shares of their sum.

    Raises:
        ValueError: a row may have several labels.

    """
    if model.multilabel_:
        raise ValueError("rows with several labels cannot be answered; fit a classifier for each label")
    ask = [score if is_classifier(each) else predict for each in model.estimators_]
    scores = graph.concat(*[ask[index](graph, each, inputs) for index, each in enumerate(model.estimators_)])
    shares = scores
    if hasattr(model, "predict_proba"):
        answers = [classify(graph, each, inputs).probabilities for each in model.estimators_]
        values = graph.concat(*[graph.columns(answer, [1]) for answer in answers])
        values = both_classes(graph, values) if len(answers) == 1 else values
        shares = shares_of(graph, values, values)
    if len(model.estimators_) > 1:
        return Answer(graph.winner(scores), shares)
    limit = 0.0 if hasattr(model.estimators_[0], "decision_function") and is_classifier(model.estimators_[0]) else 0.5
    second = graph.cast(graph.add("Greater", scores, graph.constant(limit)), INT64)
    return Answer(graph.reshape(second, -1), shares)
