"""Estimators that hold others answer as scikit-learn: votes, bags, stacks, calibrations, one against the rest.

Those that hold trees are exact to the bit. Linear models round off float32 in scikit-learn itself.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from tests.conversions import Rows, assert_exact, converted, expected, holed, of_numbers, session, spread

CANCER, WINE, DIABETES = load_breast_cancer(), load_wine(), load_diabetes()
PATIENTS = DIABETES.data.astype(np.float32)


def forest() -> Any:
    return RandomForestClassifier(8, min_samples_leaf=3, random_state=1)


def boosted() -> Any:
    return GradientBoostingClassifier(n_estimators=8, random_state=1)


def tree() -> Any:
    return DecisionTreeClassifier(max_depth=3, random_state=1)


def scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


def fitted(model: Any, rows: Rows, targets: npt.NDArray[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, targets)


EXACT: dict[str, Callable[[], Any]] = {
    "AdaBoost": lambda: AdaBoostClassifier(n_estimators=20, random_state=1),
    "AdaBoost of deep trees": lambda: AdaBoostClassifier(tree(), n_estimators=20, learning_rate=0.5, random_state=1),
    "AdaBoost of forests": lambda: AdaBoostClassifier(forest(), n_estimators=3, random_state=1),
    "bag": lambda: BaggingClassifier(random_state=1),
    "bag of columns": lambda: BaggingClassifier(max_features=0.5, bootstrap_features=True, random_state=1),
    "bag of few rows": lambda: BaggingClassifier(tree(), n_estimators=9, max_samples=4, random_state=3),
    "bag of forests": lambda: BaggingClassifier(forest(), n_estimators=3, max_features=0.5, random_state=1),
    "bag of scaled boosting": lambda: BaggingClassifier(scaled(boosted()), n_estimators=3, random_state=1),
    "bag of few rows of forests": lambda: BaggingClassifier(forest(), n_estimators=9, max_samples=4, random_state=3),
    "bag without probabilities": lambda: BaggingClassifier(scaled(LinearSVC()), n_estimators=3, random_state=1),
    "soft vote": lambda: VotingClassifier([("f", forest()), ("b", boosted()), ("t", scaled(tree()))], voting="soft"),
    "weighted soft vote": lambda: VotingClassifier(
        [("f", forest()), ("b", boosted())], voting="soft", weights=[1, 2.5]
    ),
    "stack": lambda: StackingClassifier([("f", forest()), ("b", boosted())], final_estimator=forest(), cv=3),
    "stack with the rows": lambda: StackingClassifier(
        [("f", scaled(forest())), ("v", scaled(LinearSVC()))], final_estimator=boosted(), passthrough=True, cv=3
    ),
    "stack of labels": lambda: StackingClassifier(
        [("f", forest()), ("t", tree())], final_estimator=boosted(), stack_method="predict", cv=3
    ),
    "sigmoid": lambda: CalibratedClassifierCV(forest(), cv=3),
    "sigmoid of scores": lambda: CalibratedClassifierCV(boosted(), cv=3),
    "isotonic": lambda: CalibratedClassifierCV(forest(), method="isotonic", cv=3),
    "isotonic of scores": lambda: CalibratedClassifierCV(scaled(boosted()), method="isotonic", cv=3),
    "isotonic of one": lambda: CalibratedClassifierCV(forest(), method="isotonic", ensemble=False, cv=3),
    "temperature": lambda: CalibratedClassifierCV(forest(), method="temperature", cv=3),
    "temperature of scores": lambda: CalibratedClassifierCV(boosted(), method="temperature", cv=3),
    "one against the rest": lambda: OneVsRestClassifier(forest()),
    "one against the rest by score": lambda: OneVsRestClassifier(boosted()),
}


@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two classes", "three classes"])
@pytest.mark.parametrize("name", EXACT)
def test_a_classifier_that_holds_trees_is_exact(name: str, data: Any) -> None:
    rows = data.data.astype(np.float32)
    model = fitted(EXACT[name](), rows, data.target_names.astype(object)[data.target])

    assert_exact(model, spread(rows))


@pytest.mark.parametrize(
    "model",
    [
        AdaBoostRegressor(n_estimators=20, random_state=1),
        AdaBoostRegressor(RandomForestRegressor(4, random_state=1), n_estimators=5, random_state=1),
        BaggingRegressor(random_state=1),
        BaggingRegressor(n_estimators=20, max_features=0.5, random_state=1),
        BaggingRegressor(scaled(RandomForestRegressor(4, random_state=1)), n_estimators=3, random_state=1),
        VotingRegressor([("f", RandomForestRegressor(8, random_state=1)), ("b", GradientBoostingRegressor())]),
        VotingRegressor([("f", RandomForestRegressor(8)), ("b", GradientBoostingRegressor())], weights=[2, 0.7]),
        StackingRegressor(
            [("f", RandomForestRegressor(8, random_state=1))],
            final_estimator=GradientBoostingRegressor(),
            passthrough=True,
            cv=3,
        ),
    ],
    ids=range(8),
)
def test_a_regressor_that_holds_trees_is_exact(model: Any) -> None:
    assert_exact(fitted(model, PATIENTS, DIABETES.target), spread(PATIENTS))


def test_missing_values_reach_the_trees_inside() -> None:
    rows = holed(WINE.data.astype(np.float32))
    models = [("h", HistGradientBoostingClassifier(max_iter=8)), ("f", forest())]
    model = fitted(VotingClassifier(models, voting="soft"), rows, WINE.target)

    assert_exact(model, holed(spread(rows), 0.2, seed=1))


def test_a_frozen_estimator_may_be_calibrated() -> None:
    rows = WINE.data.astype(np.float32)
    frozen = FrozenEstimator(fitted(scaled(forest()), rows[::2], WINE.target[::2]))

    model = fitted(CalibratedClassifierCV(frozen, method="isotonic"), rows[1::2], WINE.target[1::2])

    assert_exact(model, spread(rows))


@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two classes", "three classes"])
@pytest.mark.parametrize(
    "model",
    [
        VotingClassifier([("f", forest()), ("gone", "drop"), ("l", scaled(LogisticRegression())), ("b", boosted())]),
        VotingClassifier([("f", forest()), ("b", boosted()), ("t", tree())], weights=[1, 2, 1]),
        OneVsRestClassifier(scaled(LinearSVC())),
    ],
    ids=["hard vote", "weighted hard vote", "one against the rest"],
)
def test_labels_without_probabilities_are_equal(model: Any, data: Any) -> None:
    rows = data.data.astype(np.float32)

    assert_exact(fitted(model, rows, data.target), spread(rows))


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        (VotingClassifier([("f", forest()), ("l", scaled(LogisticRegression()))], voting="soft"), 1e-6),
        (StackingClassifier([("f", forest()), ("l", scaled(LogisticRegression()))]), 2e-6),
        (BaggingClassifier(scaled(LogisticRegression()), n_estimators=3, max_features=0.5, random_state=1), 1e-6),
        (CalibratedClassifierCV(scaled(LogisticRegression()), method="isotonic"), 1e-5),
        (OneVsRestClassifier(scaled(LogisticRegression())), 1e-6),
    ],
    ids=["vote", "stack", "bag", "isotonic", "one against the rest"],
)
def test_linear_models_inside_stay_within_what_float32_rounds_off(model: Any, bound: float) -> None:
    rows = CANCER.data.astype(np.float32)
    asked = spread(rows)
    labels, probabilities = expected(fitted(model, rows, CANCER.target), asked)

    found = session(converted(model, of_numbers(rows.shape[1]))).run(None, {"input": asked})

    assert found[0].tolist() == labels.tolist()
    assert np.abs(found[1] - probabilities).max() < bound


@pytest.mark.parametrize(
    "model",
    [
        VotingRegressor([("f", RandomForestRegressor(8, random_state=1)), ("r", Ridge())]),
        StackingRegressor([("f", RandomForestRegressor(8, random_state=1)), ("r", scaled(Ridge()))]),
        BaggingRegressor(Ridge(), n_estimators=4, max_features=0.5, random_state=1),
    ],
    ids=["vote", "stack", "bag"],
)
def test_linear_regressors_inside_stay_within_what_float32_rounds_off(model: Any) -> None:
    asked = spread(PATIENTS)
    (predictions,) = expected(fitted(model, PATIENTS, DIABETES.target), asked)

    found = session(converted(model, of_numbers(PATIENTS.shape[1]))).run(None, {"input": asked})[0]

    assert found == pytest.approx(predictions, rel=5e-5)
