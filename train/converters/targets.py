"""Regressors of a transformed target: what the regressor predicts, brought back by the inverse, in float64."""

from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from train.converters.answers import Inputs, regressor
from train.converters.functions import apply, log1p, times
from train.converters.graph import Graph
from train.converters.inside import predict

LEAST = float(np.spacing(1.0))


@regressor(TransformedTargetRegressor)
def predict_target(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Predict, and undo the transformation.

    Raises:
        ValueError: the inverse has no exact form in ONNX.

    """
    return _undone(graph, model.transformer_, predict(graph, model.regressor_, inputs))


def _undone(graph: Graph, transformer: Any, x: str) -> str:
    """Return what a transformer of the target gave `x` [n, 1] for."""
    if type(transformer) is FunctionTransformer and not transformer.inv_kw_args:
        return apply(graph, transformer.inverse_func, x)
    if type(transformer) is PowerTransformer:
        scaled_back = _undone(graph, transformer._scaler, x) if transformer.standardize else x  # noqa: SLF001
        power = float(transformer.lambdas_[0])
        return (_no_box_cox if transformer.method == "box-cox" else _no_yeo_johnson)(graph, scaled_back, power)
    for kind, number in _steps_back(transformer):
        x = graph.add(kind, x, graph.constant(np.asarray(number, dtype=np.float64)))
    return x


def _steps_back(scaler: Any) -> list[tuple[str, Any]]:
    """Return the operations, and the number of each, that undo a scaler.

    Raises:
        ValueError: it is none, or one that cannot be undone.

    """
    match scaler:
        case MinMaxScaler():
            steps = [("Sub", scaler.min_), ("Div", scaler.scale_)]
        case StandardScaler():
            steps = [("Mul", scaler.scale_), ("Add", scaler.mean_ if scaler.with_mean else None)]
        case RobustScaler():
            steps = [("Mul", scaler.scale_), ("Add", scaler.center_)]
        case MaxAbsScaler():
            steps = [("Mul", scaler.scale_)]
        case _:
            raise ValueError(
                f"a target transformed by {type(scaler).__name__} has no exact form; take a scaler, a PowerTransformer "
                "or numpy's functions, such as func=np.log1p, inverse_func=np.expm1"
            )
    return [(kind, number) for kind, number in steps if number is not None]


def _no_box_cox(graph: Graph, x: str, power: float) -> str:
    if power == 0.0:
        return graph.add("Exp", x)
    by = graph.constant(power)
    return graph.add("Exp", graph.add("Div", log1p(graph, times(graph, by, x)), by))


def _no_yeo_johnson(graph: Graph, x: str, power: float) -> str:
    zero, one = graph.constant(0.0), graph.constant(1.0)
    positive = graph.add("GreaterOrEqual", x, zero)
    grown = graph.add("Sub", _root(graph, graph.add("Where", positive, x, zero), power), one)
    shrunk = graph.add("Sub", one, _root(graph, graph.add("Where", positive, zero, graph.add("Neg", x)), 2 - power))
    return graph.add("Where", positive, grown, shrunk)


def _root(graph: Graph, x: str, power: float) -> str:
    """Return (power * x + 1) to the power 1 / power, and exp(x) where the power is zero."""
    if abs(power) < LEAST:
        return graph.add("Exp", x)
    base = graph.add("Add", times(graph, x, graph.constant(power)), graph.constant(1.0))
    return graph.add("Pow", base, graph.constant(1 / power))
