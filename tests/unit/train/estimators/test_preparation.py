"""An estimator gets before it what it needs, and nothing else."""

from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from train.estimators.preparation import described, prepared
from train.estimators.registry import KINDS
from train.schema import Field, Rows, Schema

NUMBERS = Schema.of_numbers(["a", "b"])
MIXED = Schema([Field("a"), Field("colour", ("blue", "red"))])
WHOLE = np.array([[1, 0], [2, 1], [3, 1]], dtype=np.float32)
HOLED = np.array([[1, 0], [np.nan, 1], [3, 1]], dtype=np.float32)


def steps(name: str, schema: Schema, rows: Rows) -> Any:
    kind = KINDS[name]
    return prepared(kind.of(classifies=True)(), kind, schema, rows)


def test_trees_of_numbers_stand_alone_even_where_some_are_missing() -> None:
    assert not isinstance(steps("random-forest", NUMBERS, WHOLE), Pipeline)
    assert not isinstance(steps("hist-gradient-boosting", NUMBERS, HOLED), Pipeline)


@pytest.mark.parametrize(
    ("name", "rows", "kinds"),
    [
        ("gradient-boosting", HOLED, ["SimpleImputer", "GradientBoostingClassifier"]),
        ("logistic-regression", WHOLE, ["StandardScaler", "LogisticRegression"]),
        ("logistic-regression", HOLED, ["SimpleImputer", "StandardScaler", "LogisticRegression"]),
    ],
)
def test_numbers_are_filled_and_scaled_where_that_matters(name: str, rows: Rows, kinds: list[str]) -> None:
    assert [type(step).__name__ for _, step in steps(name, NUMBERS, rows).steps] == kinds


def test_texts_become_columns_and_rare_ones_are_counted() -> None:
    model = steps("random-forest", MIXED, HOLED)

    assert [name for name, _ in model.steps] == ["prepare", "model"]
    assert described(model, MIXED, HOLED) == [
        "missing numbers go where the trees send them",
        "texts in fewer than 10 rows, 2 here, are taken together, as unknown ones will be",
    ]
