"""Quantile transformations, in float64: where numbers lie among the quantiles of training, as shares or as normal."""

from functools import reduce
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import QuantileTransformer

from train.converters.answers import Inputs
from train.converters.functions import times
from train.converters.graph import Graph
from train.converters.transformers import transformer

NEAR_BOUNDS = 1e-7  # scikit-learn's: what is so near to the least or largest number counts as that

Floats = npt.NDArray[np.float64]


@transformer(QuantileTransformer, width=lambda model: model.n_features_in_)
def transform_quantiles(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the share of training that is below each number, or what a normal distribution has there."""
    rows, quantiles = graph.double(inputs.rows), np.asarray(model.quantiles_.T, dtype=np.float64)
    shares = _shares(graph, rows, quantiles, model.references_)
    return shares if model.output_distribution == "uniform" else _normal(graph, rows, shares, quantiles)


def _shares(graph: Graph, rows: str, quantiles: Floats, references: Floats) -> str:
    """Interpolate between quantiles [columns, quantiles] once upwards and once downwards, and take the mean."""
    add, least = graph.add, graph.constant(quantiles[:, 0])
    rows = add("Where", add("Less", rows, least), least, rows)
    place, cell = _places(graph, rows, quantiles)
    following = np.minimum(np.arange(len(references)) + 1, len(references) - 1)
    with np.errstate(all="ignore"):
        slopes = (references[following] - references) / (quantiles[:, following] - quantiles)
    slopes[:, -1] = 0.0
    quantile, next_one, slope, on_it = (
        add("Gather", graph.constant(_filled_up(table).ravel()), cell)
        for table in (quantiles, quantiles[:, following], slopes, _on_quantiles(quantiles, references))
    )
    share, next_share = (
        add("Gather", graph.constant(_filled_up(each[None, :])[0]), place)
        for each in (references, references[following])
    )
    upwards = add("Add", times(graph, slope, add("Sub", rows, quantile)), share)
    downwards = add("Sub", times(graph, slope, add("Sub", next_one, rows)), next_share)
    between = times(graph, add("Sub", upwards, downwards), graph.constant(0.5))
    return add("Where", add("Equal", rows, quantile), on_it, between)


def _on_quantiles(quantiles: Floats, references: Floats) -> Floats:
    """Return the shares [columns, quantiles] of numbers that are quantiles, the last of some equal ones."""
    first = np.array([np.searchsorted(column, column) for column in quantiles])
    shares = 0.5 * (references + references[np.minimum(first, len(references) - 1)])
    shares[quantiles == quantiles[:, -1:]] = 1.0
    shares[quantiles == quantiles[:, :1]] = 0.0
    return np.asarray(shares)


def _places(graph: Graph, rows: str, quantiles: Floats) -> tuple[str, str]:
    """Return the place [n, columns] of the last quantile that is not above a number, in its column and in all of them.

    They are sought in two steps, among blocks and in one of these, which takes far less memory than to compare all.
    """
    columns, block = len(quantiles), _block(quantiles)
    blocks = _filled_up(quantiles, np.inf).reshape(columns, -1, block)
    values = graph.reshape(rows, 0, columns, 1)
    number = _reached(graph, values, graph.constant(blocks[:, 1:, 0]))
    start = graph.constant(np.arange(columns) * blocks.shape[1])
    inner = graph.constant(blocks[:, :, 1:].reshape(-1, block - 1))
    inner = graph.add("Gather", inner, graph.add("Add", number, start))
    place = graph.add("Add", times(graph, number, graph.constant(np.int64(block))), _reached(graph, values, inner))
    return place, graph.add("Add", place, graph.constant(np.arange(columns) * blocks[0].size))


def _reached(graph: Graph, values: str, steps: str) -> str:
    """Return how many [n, columns] of the steps [..., columns, k] are not above values [n, columns, 1]."""
    reached = graph.whole(graph.add("GreaterOrEqual", values, steps))
    return graph.add("ReduceSum", reached, graph.constant(np.array([2])), keepdims=0)


def _block(table: Floats) -> int:
    return max(2, int(np.ceil(np.sqrt(table.shape[1]))))


def _filled_up(table: Floats, value: float = 0.0) -> Floats:
    """Return a table [columns, quantiles] with as many more entries as make whole blocks, two at least."""
    block = _block(table)
    wanted = max(2 * block, -(-table.shape[1] // block) * block)
    return np.pad(table, ((0, 0), (0, wanted - table.shape[1])), constant_values=value)


def _normal(graph: Graph, rows: str, shares: str, quantiles: Floats) -> str:
    """Turn shares into numbers of a normal distribution, none of them infinite."""
    add, near = graph.add, graph.constant(NEAR_BOUNDS)
    least = float(NEAR_BOUNDS - np.spacing(1))
    lowest = add("Less", add("Sub", rows, near), graph.constant(quantiles[:, 0]))
    highest = add("Greater", add("Add", rows, near), graph.constant(quantiles[:, -1]))
    shares = add("Where", highest, graph.constant(1.0), shares)
    shares = add("Where", lowest, graph.constant(0.0), shares)
    found = _normal_quantiles(graph, shares)
    for comparison, bound in (("LessOrEqual", least), ("GreaterOrEqual", 1 - least)):
        beyond = add(comparison, shares, graph.constant(bound))
        found = add("Where", beyond, graph.constant(NormalDist().inv_cdf(bound)), found)
    return found


# M. J. Wichura, Algorithm AS 241: The Percentage Points of the Normal Distribution, Applied Statistics 37 (1988),
# 477-484: coefficients of PPND16 from the constant upwards, above and below the line. Its third part is for shares
# below 1e-11, which do not occur.
_MIDDLE = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
        *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
        *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
    ),
)
_TAILS = (
    (
        *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0),
        *(1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
    ),
)


def _normal_quantiles(graph: Graph, shares: str) -> str:
    """Return what has these shares of a standard normal distribution below it, for shares from 1e-11 to 1 - 1e-11."""
    add = graph.add
    middle = add("Sub", shares, graph.constant(0.5))
    near = add("Sub", graph.constant(0.180625), times(graph, middle, middle))
    share = add("Min", shares, add("Sub", graph.constant(1.0), shares))
    far = add("Sub", add("Sqrt", add("Neg", add("Log", share))), graph.constant(1.6))
    tail = times(graph, add("Sign", middle), _ratio(graph, far, *_TAILS))
    in_middle = add("LessOrEqual", add("Abs", middle), graph.constant(0.425))
    return add("Where", in_middle, times(graph, middle, _ratio(graph, near, *_MIDDLE)), tail)


def _ratio(graph: Graph, x: str, above: tuple[float, ...], below: tuple[float, ...]) -> str:
    """Return one polynomial divided by another."""
    return graph.add("Div", *(_polynomial(graph, x, coefficients) for coefficients in (above, below)))


def _polynomial(graph: Graph, x: str, coefficients: tuple[float, ...]) -> str:
    """Return the value of a polynomial by Horner's rule."""
    *lower, highest = (graph.constant(float(each)) for each in coefficients)
    return reduce(lambda sum_, each: graph.add("Add", times(graph, sum_, x), each), reversed(lower), highest)
