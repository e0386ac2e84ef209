"""Scalers and thresholds on each column, rounded after each step as numpy rounds.

numpy changes float32 rows in place by float64 numbers: it computes in float64 and rounds the result to float32.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from train.converters.answers import Inputs
from train.converters.graph import DOUBLE, FLOAT, Graph
from train.converters.transformers import transformer


class _Rows:
    """Rows of a precision that they keep."""

    def __init__(self, graph: Graph, inputs: Inputs) -> None:
        self._graph = graph
        self._dtype = np.dtype(inputs.dtype)
        self.name = graph.cast(inputs.rows, _onnx(self._dtype))

    def change(self, kind: str, numbers: npt.NDArray[Any]) -> None:
        """Compute with a number for each column, in place."""
        wide = np.result_type(numbers.dtype, self._dtype)
        name = self._graph.cast(self.name, _onnx(wide))
        self.name = self._graph.cast(
            self._graph.add(kind, name, self._graph.constant(numbers.astype(wide))), _onnx(self._dtype)
        )

    def change_alike(self, kind: str, numbers: npt.NDArray[Any]) -> None:
        """Compute with numbers that are first rounded to the rows' precision."""
        self.change(kind, numbers.astype(self._dtype))

    def clip(self, low: float, high: float) -> None:
        """Bring values into a range; what is missing stays so."""
        add = self._graph.add
        lowest, highest = (self._graph.constant(np.array(bound, self._dtype)) for bound in (low, high))
        raised = add("Where", add("LessOrEqual", self.name, lowest), lowest, self.name)
        self.name = add("Where", add("GreaterOrEqual", raised, highest), highest, raised)


def _onnx(dtype: np.dtype[Any]) -> int:
    return FLOAT if dtype == np.float32 else DOUBLE


def _as_many(model: Any) -> int:
    width: int = model.n_features_in_
    return width


@transformer(StandardScaler, width=_as_many)
def standardize(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Take off the mean and divide by the deviation."""
    rows = _Rows(graph, inputs)
    if model.with_mean:
        rows.change_alike("Sub", model.mean_)
    if model.with_std:
        rows.change_alike("Div", model.scale_)
    return rows.name


@transformer(MinMaxScaler, width=_as_many)
def to_range(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Bring the range of training to the wanted one."""
    rows = _Rows(graph, inputs)
    rows.change("Mul", model.scale_)
    rows.change("Add", model.min_)
    if model.clip:
        rows.clip(*model.feature_range)
    return rows.name


@transformer(MaxAbsScaler, width=_as_many)
def by_largest(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Divide by the largest magnitude."""
    rows = _Rows(graph, inputs)
    rows.change("Div", model.scale_)
    if getattr(model, "clip", False):
        rows.clip(-1.0, 1.0)
    return rows.name


@transformer(RobustScaler, width=_as_many)
def by_quantiles(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Take off the median and divide by the range between quantiles."""
    rows = _Rows(graph, inputs)
    if model.with_centering:
        rows.change("Sub", model.center_)
    if model.with_scaling:
        rows.change("Div", model.scale_)
    return rows.name


@transformer(Binarizer, width=_as_many)
def binarize(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Compare with a threshold that is rounded to the rows' precision."""
    threshold = np.array(model.threshold, inputs.dtype)
    return graph.add("Greater", inputs.rows, graph.constant(threshold))


def _bins(model: Any) -> int:
    return model.n_features_in_ if model.encode == "ordinal" else int(np.sum(model.n_bins_))


@transformer(KBinsDiscretizer, width=_bins)
def discretize(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Say into which bin each value falls: its number, or a one in the bin's place."""
    inner = [np.asarray(edges[1:-1], dtype=np.float64) for edges in model.bin_edges_]
    most = max(len(edges) for edges in inner) + 1
    table = np.stack([np.r_[edges, np.full(most - len(edges), np.inf)] for edges in inner])
    width = len(inner)
    values = graph.reshape(graph.double(inputs.rows), 0, width, 1)
    reached = graph.double(graph.add("GreaterOrEqual", values, graph.constant(table)))
    numbers = graph.add("ReduceSum", reached, graph.constant(np.array([2])), keepdims=1)
    if model.encode == "ordinal":
        return graph.reshape(numbers, 0, width)
    ones = graph.double(graph.add("Equal", numbers, graph.constant(np.arange(most, dtype=np.float64))))
    places = np.flatnonzero(np.arange(most) < np.asarray(model.n_bins_)[:, None])
    return graph.columns(graph.reshape(ones, 0, width * most), places)
