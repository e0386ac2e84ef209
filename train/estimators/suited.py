"""The data as a model that was fitted elsewhere wants it: its columns in its order, its classes, no text as NaN."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.impute import SimpleImputer

from train.data import TrainingData
from train.errors import BadEstimator
from train.report import say
from train.schema import Schema


def suited(model: Any, path: Path, data: TrainingData) -> TrainingData:
    """Return the data with the columns that the model was fitted on, in their order, and with all of its classes.

    Raises:
        BadEstimator: the model is not one for this data.

    """
    if is_classifier(model) != bool(data.classes):
        kind, holds = ("classifier", "numbers") if is_classifier(model) else ("regressor", "classes")
        raise BadEstimator(f"{path} is a {kind}; the target holds {holds}")
    data = _columns(model, path, data)
    if data.schema.texts and any("" in (data.schema.fields[index].categories or ()) for index in data.schema.texts):
        _check_missing_texts(model, path)
    return _classes(model, path, data) if data.classes else data


def _columns(model: Any, path: Path, data: TrainingData) -> TrainingData:
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        width = getattr(model, "n_features_in_", len(data.schema))
        if width != len(data.schema):
            raise BadEstimator(f"{path} was fitted on {width} columns; the data has {len(data.schema)} (see --drop)")
        say("         it knows no names of columns; those of the data are taken in their order")
        return data
    absent = [str(name) for name in names if name not in data.schema.names]
    if absent:
        raise BadEstimator(f"{path} was fitted on columns that the data lacks: {', '.join(absent)}")
    chosen = [data.schema.names.index(name) for name in names]
    if chosen == list(range(len(data.schema))):
        return data
    extra = len(data.schema) - len(chosen)
    say(f"         columns are taken in the order in which it was fitted{f', {extra} are left out' if extra else ''}")
    fields = [data.schema.fields[index] for index in chosen]
    return replace(data, schema=Schema(fields), rows=np.ascontiguousarray(data.rows[:, chosen]))


def _classes(model: Any, path: Path, data: TrainingData) -> TrainingData:
    known: list[int | str] = np.asarray(model.classes_).tolist()
    strange = [each for each in data.classes if each not in known]
    if strange:
        raise BadEstimator(f"{path} does not know {len(strange)} of the target's {len(data.classes)} classes")
    names = dict(zip(data.classes, data.class_names, strict=True))
    return replace(data, classes=known, class_names=[names.get(each, str(each)) for each in known])


def _check_missing_texts(model: Any, path: Path) -> None:
    """Refuse a model that takes a missing text for NaN, as pandas does; the graph has the empty text in its place."""
    for part in _parts(model, set()):
        encodes = any(_holds_nothing(texts) for texts in getattr(part, "categories_", []))
        statistics = getattr(part, "statistics_", None) if isinstance(part, SimpleImputer) else None
        fills = statistics is not None and statistics.dtype == object and part.missing_values != ""
        if encodes or fills:
            raise BadEstimator(
                f"{path} was fitted with missing texts as NaN or None; a missing text is served as the empty text: "
                'fit it again after fillna("")'
            )


def _holds_nothing(texts: Any) -> bool:
    return texts.dtype == object and any(text is None or text != text for text in texts)  # noqa: PLR0124 - NaN


def _parts(part: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the fitted estimators inside an estimator, itself first; `seen` are the identities of those yielded."""
    if isinstance(part, list | tuple | dict):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _parts(each, seen)
    elif hasattr(part, "get_params") and id(part) not in seen:
        seen.add(id(part))
        yield part
        yield from _parts(vars(part), seen)
