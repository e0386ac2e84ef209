"""Quantile transformations against scikit-learn: on quantiles, beside them and beyond, repeated and missing ones."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from tests.conversions import holed, spread
from tests.float64 import Doubles, as_float32_holds, assert_near, exported_rows, transformed
from tests.proofs import EXAMPLE, PARTS, examined

CANCER = EXAMPLE.rows[:, :6]
EXTREMES = np.tile([0.0, 1e-45, -1e-45, 3e38, -3e38, 1.0, -1.0, np.nan], (6, 1)).T
DATA = {"as it is": CANCER, "repeated": np.round(CANCER), "missing": holed(CANCER)}


def fitted(rows: Any, quantiles: int, output: str = "uniform") -> QuantileTransformer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer rows than quantiles; a column without numbers
        model = QuantileTransformer(n_quantiles=quantiles, output_distribution=output)
        return model.fit(np.asarray(rows).astype(np.float64))


def asked_of(model: QuantileTransformer) -> Doubles:
    """Return rows on the quantiles, one step of float32 and of float64 beside them, and far away."""
    quantiles = model.quantiles_
    near = [np.nextafter(quantiles.astype(np.float32), np.float32(to)).astype(np.float64) for to in (-np.inf, np.inf)]
    nearest = [np.nextafter(quantiles, to) for to in (-np.inf, np.inf)]
    return np.vstack(
        [as_float32_holds(spread(CANCER)), EXTREMES, quantiles, as_float32_holds(quantiles), *near, *nearest]
    )


@pytest.mark.parametrize("quantiles", [1, 2, 3, 4, 5, 17, 50, 1_000])
@pytest.mark.parametrize("data", DATA)
def test_shares_are_the_same_in_every_bit(data: str, quantiles: int) -> None:
    model = fitted(DATA[data], quantiles)
    asked = asked_of(model)

    np.testing.assert_array_equal(exported_rows(model, asked), transformed(model, asked))


@pytest.mark.parametrize("quantiles", [1, 2, 5, 50, 1_000])
@pytest.mark.parametrize("data", DATA)
def test_numbers_of_a_normal_distribution_are_exact_to_the_last_digits_and_the_same_as_float32(
    data: str, quantiles: int
) -> None:
    model = fitted(DATA[data], quantiles, "normal")
    asked = asked_of(model)

    found, expected = exported_rows(model, asked), transformed(model, asked)

    assert_near(found, expected, 2e-15)
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))


def test_both_tails_of_a_normal_distribution_are_exact_up_to_where_they_are_cut_off() -> None:
    model = fitted(np.linspace(0, 1, 101)[:, None], 101, "normal")
    tail = np.concatenate([[0.0, 1e-8, 9e-8, 1e-7, 1.1e-7], 10 ** np.linspace(-7, -0.31, 500), [0.075, 0.0749, 0.5]])
    asked = np.concatenate([tail, 1 - tail])[:, None]

    found = exported_rows(model, asked)

    assert_near(found, transformed(model, asked), 2e-15)
    assert found.min() == pytest.approx(-5.1993, abs=1e-4)
    assert found.max() == pytest.approx(5.1993, abs=1e-4)


@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_columns_that_are_constant_mostly_zero_or_empty_are_exact(output: str) -> None:
    rows = np.column_stack([np.full(100, 7.0), np.r_[np.zeros(60), np.arange(40)], np.full(100, np.nan)])
    model = fitted(rows, 20, output)
    asked = np.array(
        [
            [7, 0, 1],
            [6, -1, np.nan],
            [8, 50, 3],
            [7 + 1e-8, 1e-8, 0],
            [np.nan, np.nan, -3],
            [7, 3.5, 2],
            [7 - 1e-9, 39, 2],
        ]
    )

    assert_near(exported_rows(model, asked), transformed(model, asked), 1e-15)


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("final", [LogisticRegression(max_iter=500), RandomForestClassifier(20, random_state=1)])
def test_what_is_behind_quantiles_answers_as_scikit_learn_does(final: Any, output: str) -> None:
    model = make_pipeline(QuantileTransformer(n_quantiles=100, output_distribution=output), final)
    model.fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets)

    assert examined(model).faults == []
