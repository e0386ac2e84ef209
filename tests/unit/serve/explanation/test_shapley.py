"""Contributions are the Shapley values of their definition, for trees of every kind."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from serve.explanation.file import read_regions
from serve.explanation.shapley import ShapleyValues, points
from tests.brute_force import Node, mean_answer, of_histograms, of_sklearn, shapley_values
from train.explanation.file import packed
from train.explanation.regions import regions_of
from train.explanation.sums import TreeSum, tree_sum

FORESTS = (
    lambda seed: RandomForestClassifier(4, random_state=seed),
    lambda seed: ExtraTreesClassifier(3, random_state=seed),
    lambda seed: RandomForestClassifier(4, max_depth=3, class_weight="balanced", random_state=seed),
    lambda seed: DecisionTreeClassifier(random_state=seed),
    lambda seed: ExtraTreeClassifier(random_state=seed),
)
REGRESSIONS = (
    lambda seed: RandomForestRegressor(3, random_state=seed),
    lambda seed: ExtraTreesRegressor(3, random_state=seed),
    lambda seed: DecisionTreeRegressor(random_state=seed),
    lambda seed: ExtraTreeRegressor(random_state=seed),
)
BOOSTING = (
    lambda seed: GradientBoostingClassifier(n_estimators=5, random_state=seed),
    lambda seed: GradientBoostingRegressor(n_estimators=5, max_depth=4, random_state=seed),
)
HISTOGRAMS = (
    lambda seed: HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=2, random_state=seed),
    lambda seed: HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=2, random_state=seed),
    lambda seed: HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=2, loss="poisson", random_state=seed),
)
ROWS = 40

Make = Callable[[int], Any]
Rows = npt.NDArray[np.float32]


def contributions(sums: TreeSum, rows: Rows, column_of: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """Return base and contributions as they are computed from a published file."""
    columns, outputs = int(column_of.max()) + 1, sums.values.shape[1]
    regions = read_regions(packed(regions_of(sums, column_of)), outputs, columns)
    values = ShapleyValues(regions, columns)
    return values.base, values.of(rows)


def data(seed: int, columns: int, kinds: int, missing: float) -> tuple[Rows, npt.NDArray[Any]]:
    """Return rows, in which a value occurs often, and targets that depend on several columns together."""
    random = np.random.default_rng(seed)
    rows = np.round(random.normal(size=(ROWS, columns)), 1).astype(np.float32)
    score = rows[:, 0] * rows[:, -1] + rows.sum(axis=1) + random.normal(size=ROWS) / 2
    rows[random.random(rows.shape) < missing] = np.nan
    if not kinds:
        return rows, np.abs(score)
    return rows, np.digitize(score, np.quantile(score, np.linspace(0, 1, kinds + 1)[1:-1]))


def roots_of(model: Any) -> list[Node]:
    """Return the trees of a forest or of boosting, with values as they are added up."""
    if hasattr(model, "_predictors"):
        scores = model._predictors[0]
        outputs = np.array([[-1.0, 1.0]]) if len(getattr(model, "classes_", [])) == 2 else np.eye(len(scores))
        return [of_histograms(tree, outputs[k]) for each in model._predictors for k, tree in enumerate(each)]
    if isinstance(model, GradientBoostingClassifier | GradientBoostingRegressor):
        outputs = (
            np.array([[-1.0, 1.0]]) if len(getattr(model, "classes_", [])) == 2 else np.eye(len(model.estimators_[0]))
        )
        trees = [(each.tree_, outputs[k]) for row in model.estimators_ for k, each in enumerate(row)]
        return [of_sklearn(tree, model.learning_rate * tree.value[:, 0, :] * signs) for tree, signs in trees]
    estimators = getattr(model, "estimators_", [model])
    return [of_sklearn(each.tree_, each.tree_.value[:, 0, :] / len(estimators)) for each in estimators]


def check(model: Any, rows: Rows, column_of: npt.NDArray[np.int64]) -> None:
    """Compare all contributions to a few rows with those of the definition."""
    sums, roots = tree_sum(model), roots_of(model)
    assert sums
    base, found = contributions(sums, rows, column_of)
    for row, given_by_us in zip(rows, found, strict=True):
        expected = shapley_values(roots, row, int(column_of.max()) + 1, column_of.tolist())
        np.testing.assert_allclose(given_by_us, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(base, sums.offset + mean_answer(roots, rows[0], column_of.tolist()), rtol=0, atol=1e-9)


cases = given(
    seed=st.integers(0, 2**31),
    columns=st.integers(1, 5),
    kinds=st.integers(2, 3),
    missing=st.sampled_from([0.0, 0.2]),
)
few = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("make", FORESTS)
@cases
@few
def test_of_forests_that_classify_with_one_number_a_class(
    make: Make, seed: int, columns: int, kinds: int, missing: float
) -> None:
    rows, classes = data(seed, columns, kinds, missing)
    check(make(seed).fit(rows, classes), rows[:3], np.arange(columns))


@pytest.mark.parametrize("make", REGRESSIONS)
@cases
@few
def test_of_forests_in_a_regression(make: Make, seed: int, columns: int, kinds: int, missing: float) -> None:
    rows, targets = data(seed, columns, 0, missing)
    check(make(seed).fit(rows, targets), rows[:kinds], np.arange(columns))


@pytest.mark.parametrize("make", BOOSTING)
@cases
@few
def test_of_gradient_boosting_which_takes_no_missing_values(
    make: Make, seed: int, columns: int, kinds: int, missing: float
) -> None:
    model = make(seed)
    rows, targets = data(seed, columns, kinds if hasattr(model, "predict_proba") else 0, 0 * missing)
    check(model.fit(rows, targets), rows[:3], np.arange(columns))


@pytest.mark.parametrize("make", HISTOGRAMS)
@cases
@few
def test_of_histogram_boosting(make: Make, seed: int, columns: int, kinds: int, missing: float) -> None:
    model = make(seed)
    rows, targets = data(seed, columns, kinds if hasattr(model, "predict_proba") else 0, missing)
    check(model.fit(rows.astype(np.float64), targets), rows[:3], np.arange(columns))


@cases
@few
def test_a_column_of_which_several_features_are_made_is_one_player(
    seed: int, columns: int, kinds: int, missing: float
) -> None:
    rows, classes = data(seed, columns + 3, kinds, missing)
    column_of = np.minimum(np.random.default_rng(seed).integers(0, columns, columns + 3), columns - 1)
    column_of[-1] = columns - 1
    model = RandomForestClassifier(4, random_state=seed).fit(rows, classes)
    check(model, rows[:3], column_of)


def test_rows_beyond_all_that_training_saw_are_explained_too() -> None:
    rows, classes = data(7, 4, 3, 0.2)
    model = RandomForestClassifier(5, random_state=7).fit(rows, classes)
    extreme = np.array([[3e38] * 4, [-3e38] * 4, [np.nan] * 4, [0, np.nan, 3e38, -3e38]], np.float32)

    check(model, extreme, np.arange(4))


def test_trees_without_a_split_give_nothing_but_the_base() -> None:
    rows = np.zeros((10, 2), np.float32)
    model = RandomForestClassifier(3, random_state=0).fit(rows, [0, 1] * 5)
    sums = tree_sum(model)
    assert sums
    base, found = contributions(sums, rows[:2], np.arange(2))

    assert not found.any()
    np.testing.assert_allclose(base, model.predict_proba(rows[:1])[0], atol=1e-12)


def test_a_path_longer_than_a_hundred_columns_is_exact() -> None:
    columns = 120
    rows = np.triu(np.ones((columns + 1, columns), np.float32), 0)
    targets = np.arange(columns + 1) ** 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = DecisionTreeRegressor(random_state=0).fit(rows, targets)
        sums = tree_sum(model)
        assert sums
        base, found = contributions(sums, rows, np.arange(columns))

    np.testing.assert_allclose(base + found.sum(axis=1)[:, 0], model.predict(rows), rtol=0, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 16, 65, 400])
def test_the_points_and_weights_are_those_of_gauss_and_legendre(count: int) -> None:
    places, weights = np.polynomial.legendre.leggauss(count)

    np.testing.assert_allclose(points(count), np.column_stack([(places + 1) / 2, weights / 2]), rtol=0, atol=1e-13)
