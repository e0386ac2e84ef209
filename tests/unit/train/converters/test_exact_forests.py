"""Forests and single trees answer bit for bit as scikit-learn, on thresholds and with missing values too."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from tests.conversions import assert_exact, beside, converted, holed, of_numbers, splits_of, spread
from train.converters import fitted_trees

DATA = {
    name: (bunch.data.astype(np.float32), bunch.target)
    for name, bunch in {
        "two": load_breast_cancer(),
        "three": load_wine(),
        "ten": load_digits(),
        "diabetes": load_diabetes(),
    }.items()
}


@pytest.mark.parametrize("data", ["two", "three", "ten"])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=1),
        RandomForestClassifier(30, min_samples_leaf=5, random_state=1),
        RandomForestClassifier(30, max_depth=3, class_weight="balanced", random_state=1),
        ExtraTreesClassifier(30, max_depth=4, random_state=1),
        DecisionTreeClassifier(max_depth=3, random_state=1),
        ExtraTreeClassifier(random_state=1),
    ],
    ids=repr,
)
def test_a_classifier_is_exact(model: Any, data: str) -> None:
    rows, targets = DATA[data]
    model.fit(rows, targets)

    assert_exact(model, np.vstack([spread(rows), beside(rows, splits_of(fitted_trees(model)))]))


@pytest.mark.parametrize("holes", [0.0, 0.1])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestRegressor(30, random_state=1),
        RandomForestRegressor(30, min_samples_leaf=4, criterion="absolute_error", random_state=1),
        ExtraTreesRegressor(30, random_state=1),
        DecisionTreeRegressor(random_state=1),
        ExtraTreeRegressor(max_depth=4, random_state=1),
    ],
    ids=repr,
)
def test_a_regressor_is_exact(model: Any, holes: float) -> None:
    rows, targets = DATA["diabetes"]
    model.fit(holed(rows, holes), targets)
    asked = np.vstack([spread(rows), beside(rows, splits_of(fitted_trees(model)))])

    assert_exact(model, holed(asked, holes, seed=1))


def test_a_classifier_fitted_with_missing_values_sends_them_where_scikit_learn_does() -> None:
    rows, targets = DATA["two"]
    model = RandomForestClassifier(30, min_samples_leaf=3, random_state=1).fit(holed(rows), targets)

    assert_exact(model, holed(spread(rows), 0.3, seed=1))


def test_a_tree_that_is_one_leaf_is_exact() -> None:
    rows, targets = DATA["diabetes"]

    assert_exact(DecisionTreeRegressor(min_samples_split=1.0, min_samples_leaf=0.6).fit(rows, targets), rows)


def test_a_forest_in_which_no_leaf_speaks_for_a_class_is_exact() -> None:
    rows = np.arange(50, dtype=np.float32)[:, None]

    assert_exact(
        RandomForestClassifier(2, random_state=1, max_samples=2).fit(rows, (rows[:, 0] == 0).astype(int)), rows
    )


@pytest.mark.parametrize("model", [RandomForestRegressor(2), RandomForestClassifier(2)])
def test_several_targets_are_refused_with_a_way_out(model: Any) -> None:
    rows, targets = DATA["three"]
    model.fit(rows, np.stack([targets, targets], axis=1))

    with pytest.raises(Exception, match="fit one for each"):
        converted(model, of_numbers(rows.shape[1]))
