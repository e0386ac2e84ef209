"""Distances from rows to fixed points, in float64."""

import numpy as np
import numpy.typing as npt

from train.converters.graph import Graph
from train.converters.links import row_sums


def squared_distances(graph: Graph, rows: str, points: npt.NDArray[np.float64]) -> str:
    """Return the squared Euclidean distances [n, points], by one matrix product.

    What is lost by multiplying out the square is little next to a row's squared distance from the middle of the points,
    which is why that middle is taken off first.
    """
    row, centred = _centred(graph, rows, points)
    lengths = row_sums(graph, graph.add("Mul", row, row))
    return graph.add("Relu", graph.add("Add", lengths, _without_length(graph, row, centred)))


def order_of_distances(graph: Graph, rows: str, points: npt.NDArray[np.float64]) -> str:
    """Return numbers [n, points] in the order of the distances; they lack what all points have in common."""
    return _without_length(graph, *_centred(graph, rows, points))


def _centred(graph: Graph, rows: str, points: npt.NDArray[np.float64]) -> tuple[str, npt.NDArray[np.float64]]:
    middle = points.mean(axis=0)
    return graph.add("Sub", graph.double(rows), graph.constant(middle)), points - middle


def _without_length(graph: Graph, row: str, points: npt.NDArray[np.float64]) -> str:
    products = graph.add("MatMul", row, graph.constant(-2 * points.T))
    return graph.add("Add", products, graph.constant(np.sum(points**2, axis=1)))
