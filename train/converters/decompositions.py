"""Projections on fewer columns: a matrix product, rounded where scikit-learn rounds."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD

from train.converters.answers import Inputs
from train.converters.graph import Graph
from train.converters.linear import linear
from train.converters.precision import onnx_type
from train.converters.transformers import transformer


def _width(model: Any) -> int:
    return len(model.components_)


def _dtype(model: Any) -> Any:
    """Return float64 where the projection is; float32 ones leave rows as precise as they are."""
    parts = (model.components_, getattr(model, "mean_", model.components_))
    return np.float64 if np.result_type(*parts) == np.float64 else None


@transformer(PCA, IncrementalPCA, width=_width, dtype=_dtype)
def project(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Project rows, and take off what the mean is projected to."""
    shift = -(model.mean_.reshape(1, -1) @ model.components_.T)
    projected = linear(graph, inputs.rows, inputs.dtype, model.components_, shift)
    if not model.whiten:
        return projected
    scale = np.sqrt(model.explained_variance_)
    scale = np.maximum(scale, np.finfo(scale.dtype).eps)
    kind = onnx_type(inputs.dtype, model.components_, scale)
    return graph.add("Div", graph.cast(projected, kind), graph.cast(graph.constant(scale), kind))


@transformer(TruncatedSVD, width=_width, dtype=_dtype)
def project_as_is(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Project rows."""
    return linear(graph, inputs.rows, inputs.dtype, model.components_, np.zeros(1, model.components_.dtype))
