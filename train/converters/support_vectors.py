"""Support vector machines in float64, as libsvm computes them: kernels, and votes of each class against each other."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.distances import squared_distances
from train.converters.graph import DOUBLE, Graph


@classifier(SVC, NuSVC)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Let each pair of classes vote; the first class with most votes wins.

    Raises:
        ValueError: the model gives probabilities, or its kernel is one of the user's own.

    """
    if hasattr(model, "predict_proba"):  # libsvm comes near them in steps, and their number jumps from row to row
        raise ValueError(
            f"{type(model).__name__} gives probabilities that jump by up to 0.005, so no export can be held to them;"
            " leave out probability=True, or take a CalibratedClassifierCV of it"
        )
    pairs, classes = _pairs(graph, model, inputs), len(model.classes_)
    if model.break_ties and model.decision_function_shape == "ovr" and classes > 2:
        votes = _one_against_rest(graph, pairs, classes)
    else:
        votes = _votes(graph, graph.add("Greater", pairs, graph.constant(0.0)), classes)
    return Answer(graph.winner(votes), votes)


@decision(SVC, NuSVC)
def decide(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the decision_function in the shape that the model was asked for."""
    pairs = _pairs(graph, model, inputs)
    if len(model.classes_) == 2:
        return graph.add("Neg", pairs)
    return _one_against_rest(graph, pairs, len(model.classes_)) if model.decision_function_shape == "ovr" else pairs


@regressor(SVR, NuSVR)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Weight the support vectors.

    Raises:
        ValueError: the kernel is one of the user's own.

    """
    return _weighted(graph, model, inputs, model._dual_coef_.T)


def _pairs(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Return for each pair of classes a number [n, pairs] that is positive for the first of both."""
    coefficients = model._dual_coef_
    weights = np.zeros((coefficients.shape[1], len(model._intercept_)))
    owners = np.repeat(np.arange(len(model.classes_)), model.n_support_)
    for column, (first, second) in enumerate(combinations(range(len(model.classes_)), 2)):
        for own, other in ((first, second - 1), (second, first)):
            chosen = owners == own
            weights[chosen, column] = coefficients[other, chosen]
    return _weighted(graph, model, inputs, weights)


def _weighted(graph: Graph, model: Any, inputs: Inputs, weights: npt.NDArray[np.float64]) -> str:
    sums = graph.add("MatMul", _kernel(graph, model, inputs), graph.constant(weights))
    return graph.add("Add", sums, graph.constant(model._intercept_))


def _kernel(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Return how like each support vector a row is, [n, support vectors]."""
    if model.kernel not in {"linear", "poly", "rbf", "sigmoid"}:
        raise ValueError("a kernel of one's own cannot be exported; linear, poly, rbf and sigmoid can")
    vectors = np.asarray(model.support_vectors_, dtype=np.float64)
    if model.kernel == "rbf":
        distances = squared_distances(graph, inputs.rows, vectors)
        return graph.add("Exp", graph.add("Mul", graph.constant(-float(model._gamma)), distances))  # noqa: SLF001
    products = graph.add("MatMul", graph.double(inputs.rows), graph.constant(vectors.T))
    if model.kernel == "linear":
        return products
    scaled = graph.add("Mul", graph.constant(float(model._gamma)), products)  # noqa: SLF001
    shifted = graph.add("Add", scaled, graph.constant(float(model.coef0)))
    if model.kernel == "poly":
        return graph.add("Pow", shifted, graph.constant(float(model.degree)))
    return graph.add("Tanh", shifted)


def _votes(graph: Graph, first: str, classes: int) -> str:
    """Return the number of votes for each class [n, classes], from whether a pair votes for its first [n, pairs]."""
    signs = _signs(classes)
    won = graph.add("MatMul", graph.cast(first, DOUBLE), graph.constant(signs))
    return graph.add("Add", won, graph.constant(np.sum(signs == -1, axis=0).astype(np.float64)))


def _one_against_rest(graph: Graph, pairs: str, classes: int) -> str:
    """Return the votes plus a part below a third, by which ties of votes are told apart."""
    lost = graph.add("Less", pairs, graph.constant(0.0))
    votes = _votes(graph, graph.add("Not", lost), classes)
    sums = graph.add("MatMul", pairs, graph.constant(_signs(classes)))
    bound = graph.add("Mul", graph.constant(3.0), graph.add("Add", graph.add("Abs", sums), graph.constant(1.0)))
    return graph.add("Add", votes, graph.add("Div", sums, bound))


def _signs(classes: int) -> npt.NDArray[np.float64]:
    """Return [pairs, classes]: 1 for the first class of a pair, -1 for the second."""
    pairs = list(combinations(range(classes), 2))
    signs = np.zeros((len(pairs), classes))
    for row, (first, second) in enumerate(pairs):
        signs[row, [first, second]] = 1, -1
    return signs
