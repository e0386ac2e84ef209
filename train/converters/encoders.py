"""Encoders of categories, texts or numbers: each category's row is what the encoder itself makes of it."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from train.converters.answers import Inputs
from train.converters.graph import INT64, Graph
from train.converters.transformers import columns_of, transformer

Floats = npt.NDArray[np.float64]


def _widths(model: Any) -> list[int]:
    """Return how many columns the encoder makes of each."""
    if isinstance(model, OneHotEncoder):
        return [int(width) for width in model._n_features_outs]  # noqa: SLF001
    per_column = len(model.classes_) if getattr(model, "target_type_", "") == "multiclass" else 1
    return [per_column] * len(model.categories_)


@transformer(
    *(OneHotEncoder, OrdinalEncoder, TargetEncoder),
    width=lambda model: sum(_widths(model)),
    dtype=lambda model: np.dtype(getattr(model, "dtype", np.float64)),
)
def encode(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Look up each category's row in a table, the last where there is no such category."""
    encoded, start, parts = _encoded(model), 0, []
    columns = zip(columns_of(graph, inputs), model.categories_, _widths(model), strict=True)
    for (column, texts), categories, width in columns:
        table = encoded[: len(categories) + 1, start : start + width]
        start += width
        if width:
            place = place_of_text(graph, column, categories) if texts else place_of_number(graph, column, categories)
            parts.append(graph.reshape(graph.add("Gather", graph.constant(table), place), 0, width))
    return graph.concat(*parts)


def place_of_text(graph: Graph, column: str, categories: npt.NDArray[Any]) -> str:
    """Return the position [n, 1] of a text among the categories, their number where it is none of them."""
    texts = [category if isinstance(category, str) else None for category in categories.tolist()]
    places = [place for place, text in enumerate(texts) if text is not None]
    return graph.add(
        "LabelEncoder",
        column,
        keys_strings=[texts[place] for place in places],
        values_int64s=places,
        default_int64=len(texts),
    )


def place_of_number(graph: Graph, column: str, categories: npt.NDArray[Any]) -> str:
    """Return the position [n, 1] of a number among the categories, their number where it is none of them.

    Raises:
        ValueError: the categories are no numbers.

    """
    if categories.dtype.kind not in "fiub":
        raise ValueError("an encoder fitted on texts is given a column of numbers")
    values = categories.astype(np.float64)
    none = len(values)
    same = graph.double(graph.add("Equal", graph.double(column), graph.constant(values[None, :])))
    steps = graph.constant((np.arange(none, dtype=np.float64) - none)[:, None])
    place = graph.cast(graph.add("Add", graph.add("MatMul", same, steps), graph.constant(float(none))), INT64)
    if not np.isnan(values).any():
        return place
    missing = graph.constant(np.int64(np.flatnonzero(np.isnan(values))[0]))
    return graph.add("Where", graph.add("IsNaN", column), missing, place)


def _encoded(model: Any) -> Floats:
    """Return what the encoder makes of each column's categories in turn, and after them of what is no category.

    Where an encoder refuses what is no category its row is 0: such rows are refused before they get here.
    """
    refuses = getattr(model, "handle_unknown", "ignore") == "error"
    longest = max(len(categories) for categories in model.categories_) + 1
    columns = [_listed(categories, longest, refuses=refuses) for categories in model.categories_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = model.transform(_table(model, columns))
    found: Floats = (made.toarray() if hasattr(made, "toarray") else np.asarray(made)).astype(np.float64)
    if refuses:
        known = [np.arange(longest) < len(categories) for categories in model.categories_]
        found *= np.repeat(np.stack(known, axis=1), _widths(model), axis=1)
    return found


def _listed(categories: npt.NDArray[Any], longest: int, *, refuses: bool) -> npt.NDArray[Any]:
    """Return the categories, and after them something else."""
    if refuses:
        other = categories[0]
    elif categories.dtype.kind in "OUS":
        other = "".join(str(category) for category in categories.tolist()) + "?"
    else:
        other = np.nanmax([0, *categories]) + 1
    return np.concatenate([categories, np.full(longest - len(categories), other, categories.dtype)])


def _table(model: Any, columns: list[npt.NDArray[Any]]) -> Any:
    if hasattr(model, "feature_names_in_"):
        return pd.DataFrame(dict(zip(model.feature_names_in_, columns, strict=True)))
    return np.stack(columns, axis=1)
