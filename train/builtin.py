"""The data sets that scikit-learn ships, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from train.data import TrainingData
from train.schema import Schema

BUILT_IN: dict[str, Callable[[], Any]] = {
    "breast-cancer": load_breast_cancer,
    "diabetes": load_diabetes,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}


def built_in(name: str) -> TrainingData:
    """Return a data set of scikit-learn; breast-cancer is 569 rows of 30 columns."""
    bunch = BUILT_IN[name]()
    classes = hasattr(bunch, "target_names")
    return TrainingData(
        name=name,
        schema=Schema.of_numbers([str(column) for column in bunch.feature_names]),
        rows=bunch.data.astype(np.float32),
        targets=bunch.target.astype(np.int64 if classes else np.float64),
        classes=list(range(len(bunch.target_names))) if classes else [],
        class_names=[str(each) for each in bunch.target_names] if classes else [],
    )
