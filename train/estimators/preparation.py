"""What stands before a named estimator: missing numbers filled, columns brought to like size, texts made numbers."""

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from train.estimators.registry import Kind
from train.schema import Rows, Schema

RARE = 10  # a text in fewer rows is taken together with the other rare ones, and with those that training did not see


def prepared(estimator: Any, kind: Kind, schema: Schema, rows: Rows) -> Any:
    """Return the estimator behind the steps that it and the rows [n, columns] need; alone where they need none."""
    steps = _number_steps(kind, rows[:, schema.numbers])
    if not schema.texts:
        return make_pipeline(*steps, estimator) if steps else estimator
    numbers = [schema.names[index] for index in schema.numbers]
    texts = [schema.names[index] for index in schema.texts]
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=RARE, sparse_output=False, dtype=np.float32
    )
    columns: list[tuple[str, Any, list[str]]] = [("texts", encoder, texts)]
    if numbers:
        columns.insert(0, ("numbers", make_pipeline(*steps) if steps else "passthrough", numbers))
    return Pipeline([("prepare", ColumnTransformer(columns)), ("model", estimator)])


def described(model: Any, schema: Schema, rows: Rows) -> list[str]:
    """Say what the steps do to the data, a line each."""
    lines = []
    numbers = rows[:, schema.numbers]
    if np.isnan(numbers).any():
        filled = any(isinstance(step, SimpleImputer) for step in _steps(model))
        lines.append(f"missing numbers {'are filled with the median' if filled else 'go where the trees send them'}")
    rare = sum(int((count < RARE).sum()) for count in _counts(schema, rows))
    if rare:
        lines.append(f"texts in fewer than {RARE} rows, {rare} here, are taken together, as unknown ones will be")
    return lines


def _number_steps(kind: Kind, numbers: Rows) -> list[Any]:
    filled = [SimpleImputer(strategy="median")] if np.isnan(numbers).any() and not kind.takes_missing else []
    return [*filled, *([StandardScaler()] if kind.scaled else [])]


def _steps(model: Any) -> list[Any]:
    return [value for value in model.get_params().values() if hasattr(value, "transform")]


def _counts(schema: Schema, rows: Rows) -> list[Any]:
    return [
        np.bincount(rows[:, column].astype(np.intp), minlength=len(schema.fields[column].categories or ()))
        for column in schema.texts
    ]
