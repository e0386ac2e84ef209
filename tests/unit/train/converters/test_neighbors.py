"""Nearest neighbours and centroids answer as scikit-learn, whichever way it searches."""

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.conversions import converted, of_numbers, session
from tests.gated import largest_difference, other_labels, parity_of
from train.builtin import built_in
from train.errors import ExportRefused


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize(
    "model",
    [
        KNeighborsClassifier(),
        KNeighborsClassifier(n_neighbors=1),
        KNeighborsClassifier(algorithm="brute"),
        KNeighborsClassifier(algorithm="ball_tree", n_neighbors=3),
    ],
    ids=str,
)
def test_neighbours_vote_as_in_scikit_learn(model: Any, data: str) -> None:
    parity = parity_of(make_pipeline(StandardScaler(), model), data)

    assert other_labels(parity) == 0
    assert largest_difference(parity) < 1e-6


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
def test_near_neighbours_weigh_more(data: str) -> None:
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=4, weights="distance"))

    assert largest_difference(parity_of(model, data)) < 1e-6


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_the_mean_of_the_neighbours_passes_the_gate(weights: str) -> None:
    model = make_pipeline(StandardScaler(), KNeighborsRegressor(n_neighbors=7, weights=weights))

    assert largest_difference(parity_of(model, "diabetes")) < 1e-6


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_a_row_of_the_training_is_answered_by_itself(algorithm: str) -> None:
    data = built_in("wine")
    model = KNeighborsClassifier(weights="distance", algorithm=algorithm).fit(data.rows, data.targets)

    label, shares = session(converted(model, of_numbers(data.rows.shape[1]))).run(None, {"input": data.rows})

    assert label.tolist() == data.targets.tolist()
    assert np.abs(shares - model.predict_proba(data.rows)).max() < 1e-5


def test_a_large_column_does_not_blur_a_small_one() -> None:
    random = np.random.default_rng(0)
    rows, asked = (np.column_stack([np.full(300, 1e7), random.random(300)]).astype(np.float32) for _ in range(2))
    model = KNeighborsRegressor(n_neighbors=3, weights="distance").fit(rows, rows[:, 1])

    (given,) = session(converted(model, of_numbers(2))).run(None, {"input": asked})

    assert np.abs(given.ravel() - model.predict(asked)).max() < 1e-6


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize(
    "model",
    [NearestCentroid(), NearestCentroid(priors="empirical"), NearestCentroid(shrink_threshold=0.2)],
    ids=str,
)
def test_the_nearest_centroid_wins(model: Any, data: str) -> None:
    assert largest_difference(parity_of(make_pipeline(StandardScaler(), model), data)) < 1e-6


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (KNeighborsClassifier(p=1), "manhattan cannot be exported"),
        (KNeighborsClassifier(weights=np.reciprocal), "weights of one's own"),
        (NearestCentroid(metric="manhattan"), "Euclidean"),
    ],
    ids=["distance", "weights", "centroids"],
)
def test_what_has_no_exact_answer_is_refused_with_the_reason(model: Any, reason: str) -> None:
    with pytest.raises(ExportRefused, match=reason):
        parity_of(model, "iris")


def test_more_rows_than_can_be_searched_are_refused() -> None:
    rows = np.random.default_rng(0).normal(size=(100_001, 2)).astype(np.float32)
    model = KNeighborsRegressor().fit(rows, rows[:, 0])

    with pytest.raises(ValueError, match="100,001 rows of 2 columns"):
        converted(model, of_numbers(2))
