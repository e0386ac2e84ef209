"""Linear models: one matrix product in float64, and what makes answers of it."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import DTypeLike
from sklearn import linear_model
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.svm import LinearSVC, LinearSVR

from train.converters import inside
from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.graph import DOUBLE, Graph
from train.converters.links import both_classes, logistic, shares_of, sign, softmax
from train.converters.precision import onnx_type

Weights = npt.NDArray[np.floating[Any]]

LOGISTIC = (linear_model.LogisticRegression, linear_model.LogisticRegressionCV, LinearDiscriminantAnalysis)
LABELS_ONLY = (
    LinearSVC,
    linear_model.PassiveAggressiveClassifier,
    linear_model.Perceptron,
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
)
REGRESSORS = (
    LinearSVR,
    linear_model.ARDRegression,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.HuberRegressor,
    linear_model.Lars,
    linear_model.LarsCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.LassoLars,
    linear_model.LassoLarsCV,
    linear_model.LassoLarsIC,
    linear_model.LinearRegression,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.OrthogonalMatchingPursuitCV,
    linear_model.PassiveAggressiveRegressor,
    linear_model.QuantileRegressor,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.SGDRegressor,
    linear_model.TheilSenRegressor,
)
GENERALIZED = (linear_model.GammaRegressor, linear_model.PoissonRegressor, linear_model.TweedieRegressor)


def linear(graph: Graph, rows: str, dtype: DTypeLike, weights: Weights, intercept: Weights | float) -> str:
    """Return rows @ weights.T + intercept, float64 [n, outputs], from weights [outputs, columns].

    It is rounded to the precision that numpy takes for rows of `dtype`, float32 where all are float32.
    """
    matrix = np.atleast_2d(weights)
    narrow, wide = onnx_type(dtype, weights), onnx_type(dtype, weights, intercept)
    inner = DOUBLE if len(matrix) == 1 else narrow  # of a single output numpy adds up in an order of the processor's
    products = graph.add("MatMul", graph.cast(rows, inner), graph.cast(graph.constant(matrix.T), inner))
    shift = graph.cast(graph.constant(np.asarray(intercept).reshape(-1)), wide)
    return graph.double(graph.add("Add", graph.cast(graph.cast(products, narrow), wide), shift))


@decision(*LOGISTIC, *LABELS_ONLY, linear_model.SGDClassifier)
def scores_of(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the scores [n, 1] or [n, classes]."""
    return linear(graph, inputs.rows, inputs.dtype, model.coef_, model.intercept_)


@classifier(*LOGISTIC)
def classify_by_share(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Turn the scores into probabilities; they decide the label."""
    scores = scores_of(graph, model, inputs)
    if len(model.classes_) > 2:
        return Answer(graph.winner(scores), softmax(graph, scores))
    return logistic(graph, scores, sign(graph, scores))


@classifier(*LABELS_ONLY)
def classify_by_score(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Let the scores decide; they are no probabilities."""
    return label_only(graph, scores_of(graph, model, inputs), len(model.classes_))


@classifier(linear_model.SGDClassifier)
def classify_sgd(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Give each class its own probability, then what it has of their sum; some losses give no probabilities."""
    scores, classes = scores_of(graph, model, inputs), len(model.classes_)
    answer = label_only(graph, scores, classes)
    if model.loss not in {"log_loss", "modified_huber"}:
        return answer
    kind = onnx_type(inputs.dtype, model.coef_, model.intercept_)
    own = _expit(graph, scores, kind) if model.loss == "log_loss" else _clipped(graph, scores)
    if classes == 2:
        return answer._replace(probabilities=both_classes(graph, own))
    return answer._replace(probabilities=shares_of(graph, own, graph.constant(1 / classes)))


@regressor(*REGRESSORS)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the one score [n, 1].

    Raises:
        ValueError: the model has several outputs.

    """
    if np.atleast_2d(model.coef_).shape[0] != 1:
        raise ValueError("a model with several outputs cannot be exported; fit one for each output")
    return linear(graph, inputs.rows, inputs.dtype, model.coef_, model.intercept_)


@regressor(*GENERALIZED)
def predict_through_link(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the score, or its exponential where the targets are positive."""
    scores = predict(graph, model, inputs)
    identity = type(model) is linear_model.TweedieRegressor and (
        model.link == "identity" or (model.link == "auto" and model.power <= 0)
    )
    return scores if identity else graph.add("Exp", scores)


@regressor(linear_model.RANSACRegressor)
def predict_from_inliers(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give what the estimator that was fitted on the inliers gives."""
    return inside.predict(graph, model.estimator_, inputs)


def label_only(graph: Graph, scores: str, classes: int) -> Answer:
    """Return the answer of a classifier without probabilities; the scores stand in their place."""
    if classes > 2:
        return Answer(graph.winner(scores), scores)
    return Answer(sign(graph, scores), graph.concat(graph.add("Neg", scores), scores))


def _expit(graph: Graph, scores: str, kind: int) -> str:
    """Return 1 / (1 + exp(-scores)); exactly 0 where the power overflows, which is sooner in float32."""
    powers = graph.add("Exp", graph.add("Neg", graph.cast(scores, kind)))
    one = graph.constant(1.0)
    return graph.add("Div", one, graph.add("Add", one, graph.double(powers)))


def _clipped(graph: Graph, scores: str) -> str:
    low, high, one, half = (graph.constant(value) for value in (-1.0, 1.0, 1.0, 0.5))
    return graph.add("Mul", graph.add("Add", graph.add("Clip", scores, low, high), one), half)
