"""Gradient boosting of both kinds answers bit for bit as scikit-learn."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression

from tests.conversions import Rows, assert_exact, beside, converted, holed, of_numbers, splits_of, spread
from train.converters import fitted_trees

CANCER, WINE, DIABETES = load_breast_cancer(), load_wine(), load_diabetes()
PATIENTS = DIABETES.data.astype(np.float32)


def hist_splits(model: Any) -> list[tuple[int, float]]:
    trees = [predictor.nodes for iteration in model._predictors for predictor in iteration]
    return [
        (int(node["feature_idx"]), float(node["num_threshold"]))
        for tree in trees
        for node in tree[tree["is_leaf"] == 0]
    ]


@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two classes", "three classes"])
@pytest.mark.parametrize("options", [{}, {"init": "zero"}, {"subsample": 0.5, "max_depth": 5}], ids=repr)
def test_a_gradient_boosting_classifier_is_exact(data: Any, options: dict[str, Any]) -> None:
    rows = data.data.astype(np.float32)
    names = data.target_names.astype(object)[data.target]
    model = GradientBoostingClassifier(n_estimators=20, random_state=1, **options).fit(rows, names)

    assert_exact(model, np.vstack([spread(rows), beside(rows, splits_of(fitted_trees(model)))]))


def test_the_exponential_loss_is_exact() -> None:
    rows = CANCER.data.astype(np.float32)
    model = GradientBoostingClassifier(n_estimators=20, loss="exponential").fit(rows, CANCER.target)

    assert_exact(model, spread(rows))


def test_a_sum_of_exactly_zero_is_the_class_that_scikit_learn_says() -> None:
    rows = np.array([[0], [1]] * 4, dtype=np.float32)
    model = GradientBoostingClassifier(n_estimators=1, max_depth=1).fit(rows, [0, 1, 1, 0] * 2)
    assert (model.decision_function(rows) == 0).all()

    assert_exact(model, rows)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_a_gradient_boosting_regressor_is_exact(loss: str) -> None:
    model = GradientBoostingRegressor(n_estimators=30, loss=loss, random_state=1).fit(PATIENTS, DIABETES.target)

    assert_exact(model, np.vstack([spread(PATIENTS), beside(PATIENTS, splits_of(fitted_trees(model)))]))


def test_a_first_estimate_that_depends_on_the_row_is_refused() -> None:
    rows = WINE.data.astype(np.float32)
    model = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression(max_iter=9000)).fit(rows, WINE.target)

    with pytest.raises(Exception, match="init"):
        converted(model, of_numbers(rows.shape[1]))


@pytest.mark.parametrize("holes", [0.0, 0.1])
@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two classes", "three classes"])
def test_a_histogram_classifier_is_exact(data: Any, holes: float) -> None:
    rows = data.data.astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=20, random_state=1).fit(holed(rows, holes), data.target)

    assert_exact(model, holed(np.vstack([spread(rows), beside(rows, hist_splits(model))]), holes, seed=1))


@pytest.mark.parametrize("holes", [0.0, 0.1])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"])
def test_a_histogram_regressor_is_exact(loss: str, holes: float) -> None:
    quantile = 0.3 if loss == "quantile" else None
    model = HistGradientBoostingRegressor(loss=loss, quantile=quantile, max_iter=30, random_state=1)
    model.fit(holed(PATIENTS, holes), DIABETES.target)

    assert_exact(model, holed(np.vstack([spread(PATIENTS), beside(PATIENTS, hist_splits(model))]), holes, seed=1))


def with_categories(count: int) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return rows with two columns of categories, numbered neither from 0 nor by whole numbers, and some missing."""
    random = np.random.default_rng(count)
    first, third = random.normal(size=(2, count))
    second, fourth = random.integers(0, 12, count), random.integers(0, 200, count)
    rows = np.column_stack([first, second * 3.5 - 4, third, fourth]).astype(np.float32)
    return holed(rows, 0.05), (first + second * 7 % 5 + 2 * np.sin(fourth) > 2).astype(int)


def unseen(rows: Rows) -> Rows:
    """Return rows with categories that training did not see."""
    found = rows.copy()
    found[:, 1] = np.random.default_rng(2).integers(-3, 15, len(rows)) * 3.5 - 4
    found[:, 3] = np.random.default_rng(3).uniform(-30, 230, len(rows)).round(1)
    return found


@pytest.mark.parametrize("model", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_splits_by_category_are_exact(model: Any) -> None:
    rows, targets = with_categories(1_000)
    fitted = model(categorical_features=[1, 3], max_iter=20, random_state=1).fit(rows, targets)
    assert any(tree.nodes["is_categorical"].any() for iteration in fitted._predictors for tree in iteration)

    assert_exact(fitted, np.vstack([rows, unseen(rows)]))
