"""Products of columns, multiplied in scikit-learn's order: from the last column to the first."""

from typing import Any

import numpy as np
from sklearn.preprocessing import PolynomialFeatures

from train.converters.answers import Inputs
from train.converters.graph import Graph
from train.converters.transformers import transformer


@transformer(PolynomialFeatures, width=lambda model: model.n_output_features_)
def multiply(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Multiply columns; those of fewer factors have ones besides."""
    width, one = model.n_features_in_, graph.constant(np.array(1, inputs.dtype))
    nothing = graph.add("Mul", graph.columns(inputs.rows, [0]), graph.constant(np.array(0, inputs.dtype)))
    rows = graph.concat(inputs.rows, graph.add("Add", nothing, one))
    factors = [np.repeat(np.arange(width), powers) for powers in model.powers_]
    most = max(1, *(len(each) for each in factors))
    padded = np.stack([np.r_[each, np.full(most - len(each), width)] for each in factors], axis=1)
    product = graph.columns(rows, padded[-1])
    for place in padded[-2::-1]:
        product = graph.add("Mul", product, graph.columns(rows, place))
    return product
