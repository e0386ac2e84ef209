"""Classes that are distributions: naive Bayes, and the normal distributions of discriminant analysis.

The distance from a class's mean is taken before it is squared: the square of a sum, multiplied out, loses what is left
of two large numbers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

from train.converters.answers import Answer, Inputs, classifier, decision
from train.converters.graph import DOUBLE, Graph
from train.converters.linear import linear
from train.converters.links import row_sums, softmax
from train.converters.precision import numpy_sum, onnx_type


@classifier(GaussianNB)
def classify_gaussian(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Add up how unlikely each column is in each class, and take off the logarithm of all classes' sum."""
    width, classes = model.n_features_in_, len(model.classes_)
    kind = onnx_type(inputs.dtype, model.theta_, model.var_)
    row = graph.reshape(graph.cast(inputs.rows, kind), -1, width, 1)
    away = graph.add("Sub", row, graph.constant(model.theta_.T))
    squares = graph.add("Div", graph.add("Mul", away, away), graph.constant(model.var_.T))
    base = np.stack([-0.5 * np.sum(np.log(2.0 * np.pi * each)) for each in model.var_])
    likelihoods = _less_half(graph, base, numpy_sum(graph, squares, width, classes))
    prior = np.log(model.class_prior_)
    kind = onnx_type(inputs.dtype, model.theta_, model.var_, prior)
    likelihoods = graph.add("Add", graph.constant(prior), graph.cast(likelihoods, kind))
    return Answer(graph.winner(likelihoods), _exponentials(graph, likelihoods, kind))


@classifier(QuadraticDiscriminantAnalysis)
def classify_quadratic(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Compare the distances from the classes' means, each in the directions of its class."""
    return _likeliest(graph, _posterior(graph, model, inputs))


@decision(QuadraticDiscriminantAnalysis)
def decide_quadratic(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the classes' log posteriors, or of two classes the difference of theirs."""
    posterior = _posterior(graph, model, inputs)
    if len(model.classes_) > 2:
        return posterior
    return graph.add("Sub", graph.columns(posterior, [1]), graph.columns(posterior, [0]))


@classifier(MultinomialNB, ComplementNB)
def classify_counts(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Weight the counts by each class's log probabilities."""
    prior = model.class_log_prior_ if isinstance(model, MultinomialNB) else np.zeros(len(model.classes_))
    return _likeliest(graph, linear(graph, inputs.rows, inputs.dtype, model.feature_log_prob_, prior))


@classifier(BernoulliNB)
def classify_bernoulli(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Add up the log probabilities of what each column is, and is not."""
    rows = inputs.rows
    if model.binarize is not None:
        above = graph.add("Greater", rows, graph.constant(np.array(model.binarize, inputs.dtype)))
        rows = graph.cast(above, DOUBLE)
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    base = model.class_log_prior_ + absent.sum(axis=1)
    return _likeliest(graph, linear(graph, rows, inputs.dtype, model.feature_log_prob_ - absent, base))


def _posterior(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Return each class's log posterior [n, classes], but for a summand that all have."""
    distances = []
    for mean, rotation, scaling in zip(model.means_, model.rotations_, model.scalings_, strict=True):
        away = graph.add("Sub", graph.cast(inputs.rows, onnx_type(inputs.dtype, mean)), graph.constant(mean))
        directions = rotation * scaling**-0.5
        kind = onnx_type(inputs.dtype, mean, directions)
        turned = graph.add("MatMul", graph.cast(away, kind), graph.constant(directions))
        squares = graph.reshape(graph.add("Mul", turned, turned), -1, len(scaling), 1)
        distances.append(numpy_sum(graph, squares, len(scaling), 1))
    volumes = np.asarray([np.sum(np.log(scaling)) for scaling in model.scalings_])
    sums = graph.add("Add", graph.concat(*distances), graph.constant(volumes))
    return _less_half(graph, np.log(model.priors_), graph.double(sums))


def _less_half(graph: Graph, base: npt.NDArray[np.floating[Any]], distances: str) -> str:
    half = graph.add("Mul", distances, graph.constant(np.asarray(0.5, base.dtype)))
    return graph.add("Sub", graph.constant(base), half)


def _exponentials(graph: Graph, likelihoods: str, kind: int) -> str:
    """Return probabilities from log likelihoods [n, classes] of a precision, and round where scikit-learn does."""
    largest = graph.add("ReduceMax", likelihoods, axes=[1], keepdims=1)
    shares = graph.add("Exp", graph.double(graph.add("Sub", likelihoods, largest)))
    whole = graph.add("Add", graph.cast(graph.add("Log", row_sums(graph, shares)), kind), largest)
    return graph.add("Exp", graph.double(graph.add("Sub", likelihoods, whole)))


def _likeliest(graph: Graph, likelihoods: str) -> Answer:
    """Return the answer from log likelihoods [n, classes], up to a summand that all classes have."""
    return Answer(graph.winner(likelihoods), softmax(graph, likelihoods))
