"""Linear models answer as scikit-learn on random, near-boundary and far rows, in the precision of their fit."""

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from tests.conversions import converted, of_numbers, session
from tests.gated import largest_difference, other_labels, parity_of
from train.builtin import built_in
from train.errors import ExportRefused
from train.export import export
from train.original import Original
from train.schema import Schema


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LinearDiscriminantAnalysis(),
        RidgeClassifier(),
        RidgeClassifierCV(),
        Perceptron(random_state=1),
        SGDClassifier(random_state=1),
        SGDClassifier(loss="log_loss", random_state=1),
    ],
    ids=str,
)
def test_a_linear_classifier_passes_the_gate(model: Any, data: str) -> None:
    assert largest_difference(parity_of(make_pipeline(StandardScaler(), model), data)) < 1e-5


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize("model", [LinearSVC(), LogisticRegressionCV(Cs=2, cv=2)], ids=str)
def test_a_linear_classifier_of_float64_differs_on_no_row(model: Any, data: str) -> None:
    parity = parity_of(make_pipeline(StandardScaler(), model), data)

    assert other_labels(parity) == 0
    assert largest_difference(parity) < 1e-7


def test_clipped_scores_are_probabilities_too() -> None:
    model = make_pipeline(StandardScaler(), SGDClassifier(loss="modified_huber", random_state=1))

    assert largest_difference(parity_of(model, "wine")) < 1e-5


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("fitted", [np.float32, np.float64], ids=["float32", "float64"])
def test_classes_that_all_seem_impossible_are_equally_probable(loss: str, fitted: type[np.floating[Any]]) -> None:
    data = built_in("wine")
    scaled = StandardScaler().fit_transform(data.rows).astype(fitted)
    model = SGDClassifier(loss=loss, random_state=1).fit(scaled, data.targets)
    rows = np.random.default_rng(0).normal(scale=10, size=(20_000, data.rows.shape[1])).astype(np.float32)
    wanted = model.predict_proba(rows)

    given = session(converted(model, of_numbers(data.rows.shape[1]))).run(None, {"input": rows})[1]

    assert (wanted.astype(np.float32) == np.float32(1 / 3)).all(axis=1).any()
    assert np.abs(given - wanted).max() < 1e-6


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        LinearRegression(fit_intercept=False),
        Ridge(),
        Lasso(),
        HuberRegressor(),
        SGDRegressor(random_state=1),
        LinearSVR(),
        PoissonRegressor(),
        GammaRegressor(),
        TweedieRegressor(power=1.5),
        TweedieRegressor(power=0),
        TweedieRegressor(power=0, link="log"),
        TweedieRegressor(power=1.5, link="identity"),
        RANSACRegressor(random_state=1),
    ],
    ids=str,
)
def test_a_linear_regressor_passes_the_gate(model: Any) -> None:
    assert largest_difference(parity_of(make_pipeline(StandardScaler(), model), "diabetes")) < 1e-5


def test_several_outputs_are_refused() -> None:
    data = built_in("diabetes")
    model = Ridge().fit(data.rows, np.column_stack([data.targets, data.targets]))

    with pytest.raises(ExportRefused, match="several outputs"):
        export(Original(model, Schema.of_numbers([str(column) for column in range(data.rows.shape[1])])))
