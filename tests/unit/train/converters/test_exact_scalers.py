"""Scalers and other transformers of numbers give the bits that numpy gives, missing values too."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from tests.conversions import (
    Rows,
    assert_exact,
    assert_same_rows,
    beside,
    holed,
    splits_of,
    spread,
)
from train.converters import fitted_trees

CANCER = load_breast_cancer()
ROWS = CANCER.data.astype(np.float32)
SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler(),
    MinMaxScaler(feature_range=(-1, 2), clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, quantile_range=(10, 80)),
    RobustScaler(with_scaling=False),
]
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**60), max_value=2.0**60)


@pytest.mark.parametrize("fitted_on", [ROWS, holed(ROWS), CANCER.data], ids=["float32", "missing values", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_a_scaler_is_exact(scaler: Any, fitted_on: Any) -> None:
    assert_same_rows(scaler.fit(fitted_on), holed(spread(ROWS)))


@given(
    fitted_on=arrays.arrays(np.float32, (7, 2), elements=FINITE),
    asked=arrays.arrays(np.float32, (5, 2), elements=FINITE | st.just(float("nan"))),
    scaler=st.sampled_from(SCALERS),
)
@settings(max_examples=60, deadline=None)
def test_a_scaler_is_exact_whatever_it_was_fitted_on(fitted_on: Rows, asked: Rows, scaler: Any) -> None:
    with np.errstate(all="ignore"):
        assert_same_rows(scaler.fit(fitted_on), asked)


@pytest.mark.parametrize(
    "transformer",
    [
        Binarizer(threshold=0.1),
        KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        KBinsDiscretizer(4, encode="onehot", strategy="uniform"),
        KBinsDiscretizer(3, encode="onehot-dense", strategy="kmeans", random_state=1),
        FunctionTransformer(),
        VarianceThreshold(0.1),
        SelectKBest(k=5),
        FeatureUnion(
            [("scaled", StandardScaler()), ("bins", KBinsDiscretizer(2, encode="ordinal", strategy="uniform"))]
        ),
    ],
    ids=repr,
)
def test_other_transformers_are_exact(transformer: Any) -> None:
    transformer.fit(ROWS, CANCER.target)

    assert_same_rows(transformer, np.vstack([spread(ROWS), beside(ROWS, edges(transformer))]))


def edges(transformer: Any) -> list[tuple[int, float]]:
    """Return where bins and truth values change."""
    if isinstance(transformer, Binarizer):
        return [(column, transformer.threshold) for column in range(ROWS.shape[1])]
    found = getattr(transformer, "bin_edges_", [])
    return [(column, float(edge)) for column, each in enumerate(found) for edge in each]


@pytest.mark.parametrize(
    "options", [{}, {"degree": 3}, {"degree": (2, 3), "interaction_only": True}, {"include_bias": False}], ids=repr
)
def test_products_of_columns_are_exact(options: dict[str, Any]) -> None:
    assert_same_rows(PolynomialFeatures(**options).fit(ROWS[:, :6]), spread(ROWS[:, :6]))


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()], ids=repr)
def test_a_forest_behind_a_scaler_is_exact_beside_its_thresholds(scaler: Any) -> None:
    model = make_pipeline(scaler, RandomForestClassifier(20, random_state=1)).fit(ROWS, CANCER.target)
    scaled = beside(scaler.transform(ROWS), splits_of(fitted_trees(model[-1])), most=1_000)

    assert_exact(model, np.vstack([spread(ROWS), scaler.inverse_transform(scaled).astype(np.float32)]))
