"""Classes that are distributions: float32 is rounded off where scikit-learn rounds it off."""

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from tests.conversions import converted, of_numbers, session
from tests.gated import largest_difference, other_labels, parity_of
from train.builtin import built_in


@pytest.mark.parametrize("data", ["wine", "breast-cancer", "iris"])
@pytest.mark.parametrize("model", [GaussianNB(), QuadraticDiscriminantAnalysis(reg_param=0.1)], ids=str)
def test_normal_distributions_pass_the_gate(model: Any, data: str) -> None:
    parity = parity_of(make_pipeline(StandardScaler(), model), data)

    assert other_labels(parity) == 0
    assert largest_difference(parity) < 1e-5


def test_rows_far_from_all_classes_are_rounded_as_scikit_learn_rounds_them() -> None:
    data = built_in("wine")
    model = GaussianNB(priors=np.full(3, 1 / 3, np.float32)).fit(
        StandardScaler().fit_transform(data.rows), data.targets
    )
    random = np.random.default_rng(0)
    rows = model.theta_[random.integers(0, 3, 50_000)] * random.normal(1, 30, (50_000, 1)).astype(np.float32)
    wanted = model.predict_proba(rows)
    unsure = (wanted > 0.01).sum(axis=1) > 1

    given = session(converted(model, of_numbers(rows.shape[1]))).run(None, {"input": rows})[1]

    assert model.predict_joint_log_proba(rows[unsure]).max(axis=1).min() < -100
    assert (np.abs(given - wanted).max(axis=1) < 1e-6)[unsure].mean() > 0.95


@pytest.mark.parametrize("fitted", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    "model", [GaussianNB(), GaussianNB(priors=[0.2, 0.3, 0.5]), QuadraticDiscriminantAnalysis()], ids=str
)
def test_a_model_answers_in_the_precision_that_it_was_fitted_in(model: Any, fitted: type[np.floating[Any]]) -> None:
    data = built_in("wine")
    scaled = StandardScaler().fit_transform(data.rows)
    model.fit(scaled.astype(fitted), data.targets)

    label, given = session(converted(model, of_numbers(data.rows.shape[1]))).run(None, {"input": scaled})

    assert label.tolist() == model.predict(scaled).tolist()
    assert np.abs(given - model.predict_proba(scaled)).max() < 1e-6


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize(
    "model", [BernoulliNB(binarize=0.3), BernoulliNB(binarize=None), MultinomialNB(), ComplementNB()], ids=str
)
def test_counts_and_signs_pass_the_gate(model: Any, data: str) -> None:
    assert largest_difference(parity_of(make_pipeline(MinMaxScaler(), model), data)) < 1e-5
