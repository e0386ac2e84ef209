"""Functions of single numbers in float64, as numpy computes them, and the transformer that applies one of them.

ONNX Runtime has logarithm and exponential in float64, and neither log1p nor expm1. Those are made of the former
without losing digits near zero, as W. Kahan does (N. Higham, Accuracy and Stability of Numerical Algorithms, 1.14.1).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from train.converters.answers import Inputs
from train.converters.graph import Graph
from train.converters.transformers import transformer

Function = Callable[[Graph, str], str]


def log1p(graph: Graph, x: str) -> str:
    """Return log(1 + x): what rounding did to 1 + x is undone by the factor x / ((1 + x) - 1)."""
    one = graph.constant(1.0)
    above = graph.add("Add", x, one)
    factor = graph.add("Div", x, graph.add("Sub", above, one))
    return graph.add("Where", graph.add("Equal", above, one), x, times(graph, graph.add("Log", above), factor))


def expm1(graph: Graph, x: str) -> str:
    """Return exp(x) - 1: near zero what rounding did to exp(x) is undone by the factor x / log(exp(x))."""
    one, power = graph.constant(1.0), graph.add("Exp", x)
    less = graph.add("Sub", power, one)
    precise = times(graph, graph.add("Div", less, graph.add("Log", power)), x)
    small = graph.add("Where", graph.add("Equal", power, one), x, precise)
    return graph.add("Where", graph.add("Less", graph.add("Abs", x), graph.constant(0.5)), small, less)


def no_infinite(graph: Graph, x: str) -> str:
    """Return numbers with those missing that are infinite, so that nothing finite is made of them."""
    return graph.add("Where", graph.add("IsInf", x), graph.constant(np.nan), x)


def times(graph: Graph, one: str, other: str) -> str:
    """Return the product of two tensors."""
    return graph.add("Mul", one, other)


def _cbrt(graph: Graph, x: str) -> str:
    """Return the cube root: that by logarithm, brought nearer by a step of Newton's method."""
    three = graph.constant(3.0)
    size = graph.add("Abs", x)
    root = graph.add("Exp", graph.add("Div", graph.add("Log", size), three))
    square = times(graph, root, root)
    over = graph.add("Div", graph.add("Sub", times(graph, square, root), size), times(graph, square, three))
    nearer = times(graph, graph.add("Sign", x), graph.add("Sub", root, over))
    return graph.add("Where", graph.add("Equal", x, graph.constant(0.0)), x, nearer)


def _finite(graph: Graph, x: str) -> str:
    """Return zero for what is missing, and the largest number for what is infinite."""
    largest = float(np.finfo(np.float64).max)
    present = graph.add("Where", graph.add("IsNaN", x), graph.constant(0.0), x)
    return graph.add("Clip", present, graph.constant(-largest), graph.constant(largest))


def _operator(kind: str) -> Function:
    return lambda graph, x: graph.add(kind, x)


def _log(base: float) -> Function:
    """Return the logarithm to a base."""
    return lambda graph, x: graph.add("Div", graph.add("Log", x), graph.constant(float(np.log(base))))


FUNCTIONS: dict[Any, Function] = {
    np.absolute: _operator("Abs"),
    np.cbrt: _cbrt,
    np.ceil: _operator("Ceil"),
    np.cos: _operator("Cos"),
    np.exp: _operator("Exp"),
    np.exp2: lambda graph, x: graph.add("Pow", graph.constant(2.0), x),
    np.expm1: expm1,
    np.fabs: _operator("Abs"),
    np.floor: _operator("Floor"),
    np.log: _operator("Log"),
    np.log10: _log(10.0),
    np.log1p: log1p,
    np.log2: _log(2.0),
    np.nan_to_num: _finite,
    np.negative: _operator("Neg"),
    np.positive: _operator("Identity"),
    np.reciprocal: _operator("Reciprocal"),
    np.rint: _operator("Round"),
    np.sign: _operator("Sign"),
    np.sin: _operator("Sin"),
    np.sqrt: _operator("Sqrt"),
    np.square: lambda graph, x: times(graph, x, x),
    np.tanh: _operator("Tanh"),
}


@transformer(FunctionTransformer, width=lambda model: model.n_features_in_)
def apply_to_rows(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Apply the function to each number; without one rows, of texts too, stay as they are.

    Infinite numbers, which scikit-learn refuses at the next step, become missing.

    Raises:
        ValueError: it is a function that has no exact form in ONNX, or one with arguments.

    """
    if model.func is None:
        return inputs.rows if not inputs.texts else str(inputs.variables[0].full_name)
    if model.kw_args:
        raise ValueError("a FunctionTransformer with kw_args has no exact form; do that to the table before training")
    return no_infinite(graph, apply(graph, model.func, graph.double(inputs.rows)))


def apply(graph: Graph, function: Any, x: str) -> str:
    """Write one of numpy's functions of a float64 tensor; None stands for none.

    Raises:
        ValueError: it has no exact form in ONNX.

    """
    if function is None:
        return x
    try:
        known = FUNCTIONS[function]
    except (KeyError, TypeError):  # some callables have no hash
        name = getattr(function, "__name__", type(function).__name__)
        listed = ", ".join(sorted({each.__name__ for each in FUNCTIONS}))
        raise ValueError(
            f"the function {name} has no exact form; compute its columns before training, or take numpy's {listed}"
        ) from None
    return known(graph, x)
