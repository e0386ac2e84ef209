"""Neural networks answer with scikit-learn's labels, and within what float32 rounds off."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from tests.conversions import converted, expected, of_numbers, session, spread

CANCER, WINE, DIABETES = load_breast_cancer(), load_wine(), load_diabetes()
ACTIVATIONS = ["relu", "tanh", "logistic", "identity"]


def fitted(model: Any, data: Any, scaler: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(scaler, model).fit(data.data.astype(np.float32), data.target)


@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two classes", "three classes"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_classifier_is_close(activation: str, data: Any) -> None:
    rows = spread(data.data.astype(np.float32))
    network = MLPClassifier(hidden_layer_sizes=(20, 10), activation=activation, max_iter=50, random_state=1)
    model = fitted(network, data, StandardScaler())
    labels, probabilities = expected(model, rows)

    found = session(converted(model, of_numbers(rows.shape[1]))).run(None, {"input": rows})

    assert found[0].tolist() == labels.tolist()
    assert np.abs(found[1] - probabilities).max() < 1e-6


@pytest.mark.parametrize("options", [*({"activation": each} for each in ACTIVATIONS), {"loss": "poisson"}], ids=repr)
def test_a_regressor_is_close(options: dict[str, Any]) -> None:
    rows = spread(DIABETES.data.astype(np.float32))
    model = fitted(network(options), DIABETES, MinMaxScaler())
    (predictions,) = expected(model, rows)

    (found,) = session(converted(model, of_numbers(rows.shape[1]))).run(None, {"input": rows})

    assert found == pytest.approx(predictions, rel=2e-6)


def network(options: dict[str, Any]) -> Any:
    return MLPRegressor(hidden_layer_sizes=(20,), max_iter=50, random_state=1, **options)


def test_float64_rows_are_computed_in_float64() -> None:
    """One-hot columns are float64 in scikit-learn, and all that follows them."""
    rows = np.random.default_rng(1).integers(0, 4, (300, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(OneHotEncoder(), MLPClassifier(max_iter=20, random_state=1)).fit(rows, rows.sum(1) > 4)
    labels, probabilities = expected(model, rows)

    found = session(converted(model, of_numbers(3))).run(None, {"input": rows})

    assert (found[0] == labels).all()
    assert (found[1] == probabilities.astype(np.float32)).all()
