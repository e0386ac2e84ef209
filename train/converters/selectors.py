"""Selectors of columns that skl2onnx does not know."""

from typing import Any

import numpy as np
from sklearn.feature_selection import SequentialFeatureSelector

from train.converters.answers import Inputs
from train.converters.graph import Graph
from train.converters.transformers import transformer


@transformer(SequentialFeatureSelector, width=lambda model: int(model.get_support().sum()))
def select(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Keep the columns that were selected."""
    return graph.columns(inputs.rows, np.flatnonzero(model.get_support()))
