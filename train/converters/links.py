"""From sums to probabilities and labels, in float64, as scikit-learn's losses do it."""

import numpy as np

from train.converters.answers import Answer
from train.converters.graph import INT64, Graph


def sigmoid(graph: Graph, scores: str) -> str:
    """Return 1 / (1 + exp(-scores))."""
    one = graph.constant(1.0)
    return graph.add("Div", one, graph.add("Add", one, graph.add("Exp", graph.add("Neg", scores))))


def softmax(graph: Graph, scores: str) -> str:
    """Return the exponentials [n, classes] as shares of their sum, the largest score taken off before."""
    powers = graph.add("Exp", graph.add("Sub", scores, graph.add("ReduceMax", scores, axes=[1], keepdims=1)))
    return graph.add("Div", powers, row_sums(graph, powers))


def row_sums(graph: Graph, values: str) -> str:
    """Return the sum [n, 1] of each row."""
    return graph.add("ReduceSum", values, graph.constant(np.array([1])), keepdims=1)


def shares_of(graph: Graph, values: str, otherwise: str) -> str:
    """Return each value [n, classes] as its share of the row's sum, or something else where the sum is zero."""
    total = row_sums(graph, values)
    nothing = graph.add("Equal", total, graph.constant(0.0))
    return graph.add("Where", nothing, otherwise, graph.add("Div", values, total))


def both_classes(graph: Graph, second: str) -> str:
    """Return the probabilities [n, 2] of both classes from those of the second [n, 1]."""
    return graph.concat(graph.add("Sub", graph.constant(1.0), second), second)


def sign(graph: Graph, scores: str, comparison: str = "Greater") -> str:
    """Return the position [n] of the class by whether the score [n, 1] is above zero."""
    above = graph.add(comparison, scores, graph.constant(0.0))
    return graph.reshape(graph.cast(above, INT64), -1)


def logistic(graph: Graph, scores: str, winner: str) -> Answer:
    """Return the answer of two classes from the score [n, 1] of the second."""
    return Answer(winner, both_classes(graph, sigmoid(graph, scores)))
