"""Power transformations against scikit-learn: both methods, each kind of power, missing and extreme numbers."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

from tests.conversions import holed, spread
from tests.float64 import as_float32_holds, assert_near, exported_rows, transformed
from tests.proofs import SEED, examined
from train.builtin import built_in
from train.data import split

WINE = as_float32_holds(built_in("wine").rows[:, :5])
EXTREMES = [0.0, 1e-45, -1e-45, 1e-20, -1e-20, 1e4, -1e4, 0.5, -0.5, 1.0, -1.0]
ASKED = as_float32_holds(np.vstack([holed(spread(WINE.astype(np.float32))), np.tile(EXTREMES, (5, 1)).T]))
POSITIVE = np.where(ASKED > 1e-3, ASKED, np.where(np.isnan(ASKED), np.nan, 1e-3))


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(("method", "asked"), [("yeo-johnson", ASKED), ("box-cox", POSITIVE)], ids=["both", "positive"])
def test_a_fitted_power_is_exact(method: str, asked: Any, standardize: bool) -> None:
    model = PowerTransformer(method=method, standardize=standardize).fit(WINE + 1)

    found, expected = exported_rows(model, asked), transformed(model, asked)

    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("power", [0.0, 2.0, 1.0, 1e-17, 2 - 1e-16, 1e-9, 2 + 1e-9, -3.0, 5.0, 0.5])
@pytest.mark.parametrize(("method", "asked"), [("yeo-johnson", ASKED), ("box-cox", POSITIVE)], ids=["both", "positive"])
def test_every_power_is_exact_those_of_logarithms_too(method: str, asked: Any, power: float) -> None:
    model = PowerTransformer(method=method, standardize=False).fit(WINE + 1)
    model.lambdas_ = np.array([power, 0.3, power, 0.0, 2.0])

    assert_near(exported_rows(model, asked), transformed(model, asked), 3e-14)


def test_a_constant_column_stays_as_it_is() -> None:
    rows = np.column_stack([np.full(50, 7.0), np.arange(50.0)])
    model = PowerTransformer(standardize=False).fit(rows)
    asked = np.array([[7.0, 1.0], [-3.0, 2.0], [np.nan, np.nan], [100.0, -5.0]])

    assert_near(exported_rows(model, asked), transformed(model, asked), 1e-14)


def test_numbers_that_box_cox_refuses_become_missing() -> None:
    model = PowerTransformer(method="box-cox").fit(WINE + 1)

    assert np.isnan(exported_rows(model, np.array([[0.0, -0.0, -1.0, -3e38, np.nan]]))).all()


def test_powers_that_overflow_become_missing() -> None:
    model = PowerTransformer().fit(WINE)
    model.lambdas_ = np.full(5, 300.0)

    found = exported_rows(model, np.array([[1e6, 1.0, -1e6, np.nan, 3e38]]))

    assert np.isnan(found).tolist() == [[True, False, False, True, True]]


@pytest.mark.parametrize("final", [LogisticRegression(max_iter=500), RandomForestClassifier(20, random_state=1)])
def test_what_is_behind_a_power_answers_as_scikit_learn_does(final: Any) -> None:
    data = built_in("wine")
    parts = split(data, 0.2, SEED)
    model = make_pipeline(PowerTransformer(), final).fit(parts.fit_rows.astype(np.float64), parts.fit_targets)

    assert examined(model, parts=parts, schema=data.schema).faults == []
