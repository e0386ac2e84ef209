"""Power transformations, in float64: Yeo-Johnson's, and Box-Cox's of positive numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import PowerTransformer

from train.converters.answers import Inputs
from train.converters.functions import expm1, log1p, no_infinite, times
from train.converters.graph import Graph
from train.converters.inside import made_rows
from train.converters.scalers import standardize
from train.converters.transformers import transformer

Powers = npt.NDArray[Any]


@transformer(PowerTransformer, width=lambda model: model.n_features_in_)
def transform_powers(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Bring each column nearer to a normal distribution; what is missing stays so, and what overflows becomes so."""
    rows, powers = graph.double(inputs.rows), np.asarray(model.lambdas_)
    method = _box_cox if model.method == "box-cox" else _yeo_johnson
    changed = no_infinite(graph, method(graph, rows, powers))
    return standardize(graph, model._scaler, made_rows(graph, changed)) if model.standardize else changed  # noqa: SLF001


def _yeo_johnson(graph: Graph, rows: str, powers: Powers) -> str:
    """Take the power of 1 + x, and of numbers below zero minus the power 2 - lambda of 1 - x."""
    above, below = (graph.constant(each.astype(np.float64)) for each in (powers, 2 - powers))
    positive = graph.add("GreaterOrEqual", rows, graph.constant(0.0))
    changed = _raised(graph, log1p(graph, graph.add("Abs", rows)), graph.add("Where", positive, above, below))
    return graph.add("Where", positive, changed, graph.add("Neg", changed))


def _box_cox(graph: Graph, rows: str, powers: Powers) -> str:
    """Take the power of x; numbers that are not above zero, which scikit-learn refuses, become missing."""
    positive = graph.add("Greater", rows, graph.constant(0.0))
    logarithm = graph.add("Log", graph.add("Where", positive, rows, graph.constant(np.nan)))
    return _raised(graph, logarithm, graph.constant(powers.astype(np.float64)))


def _raised(graph: Graph, logarithm: str, powers: str) -> str:
    """Return (exp(power * logarithm) - 1) / power, and the logarithm itself where the power is zero."""
    changed = graph.add("Div", expm1(graph, times(graph, powers, logarithm)), powers)
    return graph.add("Where", graph.add("Equal", powers, graph.constant(0.0)), logarithm, changed)
