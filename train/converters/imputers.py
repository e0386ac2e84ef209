"""Imputers and indicators of missing values, of numbers and of texts."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer

from train.converters.answers import Inputs
from train.converters.graph import BOOL, Graph
from train.converters.transformers import transformer


def _kept(model: Any) -> npt.NDArray[np.int64]:
    """Return the columns that the imputer keeps: those with a value to fill in."""
    if model.keep_empty_features:
        return np.arange(model.n_features_in_)
    empty = [isinstance(value, float) and bool(np.isnan(value)) for value in model.statistics_.tolist()]
    return np.flatnonzero(~np.array(empty, dtype=bool))


def _width(model: Any) -> int:
    indicated = len(model.indicator_.features_) if model.indicator_ is not None else 0
    return len(_kept(model)) + indicated


@transformer(SimpleImputer, width=_width)
def impute(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Fill in what is missing, and append whether it was.

    Raises:
        ValueError: whether texts are missing is to be appended to them.

    """
    rows, kept = inputs.variables[0].full_name, _kept(model)
    missing = _missing(graph, rows, model.missing_values, inputs)
    values = graph.constant(model.statistics_[kept].astype(str if inputs.texts else inputs.dtype))
    filled = graph.add("Where", graph.columns(missing, kept), values, graph.columns(rows, kept))
    if model.indicator_ is None:
        return filled
    if inputs.texts:
        raise ValueError("an imputer of texts cannot append what was missing (add_indicator)")
    return graph.concat(graph.double(filled), graph.double(graph.columns(missing, model.indicator_.features_)))


@transformer(MissingIndicator, width=lambda model: len(model.features_), dtype=lambda _: np.float64)
def indicate(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Say what is missing."""
    rows = inputs.variables[0].full_name
    return graph.columns(_missing(graph, rows, model.missing_values, inputs), model.features_)


@transformer(KNNImputer, width=lambda model: model.n_features_in_)
def refuse(_graph: Graph, _model: Any, _inputs: Inputs) -> str:
    """Refuse: rows that lack much are equally near to many, and which of these scikit-learn takes follows no order.

    Raises:
        ValueError: always.

    """
    raise ValueError(
        "KNNImputer takes any of the rows that are equally near, and which is not defined; take SimpleImputer, or trees"
        " that take missing numbers as they are"
    )


def _missing(graph: Graph, rows: str, value: Any, inputs: Inputs) -> str:
    """Return which values [n, columns] are missing."""
    if inputs.texts:
        sought = isinstance(value, str)  # what else may be missing never comes as a text
        marks = graph.add(
            "LabelEncoder", rows, keys_strings=[value if sought else ""], values_int64s=[int(sought)], default_int64=0
        )
        return graph.cast(marks, BOOL)
    if value is None or np.isnan(value):
        return graph.add("IsNaN", rows)
    return graph.add("Equal", rows, graph.constant(np.array(value, inputs.dtype)))
