"""Numpy's precision and order of adding up, where they can be seen in a model's answers.

A model that was fitted on float32 rows mostly computes in float32. What it rounds off is part of its answers.
"""

from typing import Any

import numpy as np

from train.converters.graph import DOUBLE, FLOAT, Graph

_LANES, _BLOCK = 8, 128  # numpy adds up eight sums side by side, of at most 128 numbers


def onnx_type(*arrays_or_types: Any) -> int:
    """Return the element type, FLOAT or DOUBLE, in which numpy computes with these together."""
    return FLOAT if np.result_type(*arrays_or_types) == np.float32 else DOUBLE


def numpy_sum(graph: Graph, terms: str, count: int, width: int) -> str:
    """Add up [n, count, width] along the second axis in numpy's order, which decides the last bits."""
    if count > _BLOCK:
        half = count // 2 // _LANES * _LANES
        first, second = (graph.columns(terms, part) for part in (np.arange(half), np.arange(half, count)))
        return graph.add("Add", numpy_sum(graph, first, half, width), numpy_sum(graph, second, count - half, width))
    if count < _LANES:
        return graph.total(terms, count)
    rounds = count // _LANES
    whole = graph.columns(terms, np.arange(rounds * _LANES))
    lanes = graph.total(graph.reshape(whole, -1, rounds, _LANES, width), rounds)
    for size in (8, 4, 2):
        lanes = graph.add("Add", *(graph.columns(lanes, np.arange(start, size, 2)) for start in (0, 1)))
    rest = np.arange(rounds * _LANES, count)
    return graph.total(graph.concat(lanes, graph.columns(terms, rest)), len(rest) + 1)
