"""Fitted models from files: what is loaded, what is not trusted, and what is said of the rest."""

import contextlib
import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
from lightgbm import LGBMClassifier
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from train.errors import BadEstimator
from train.estimators.fitted import load_fitted

WINE = load_wine()
ROWS, TARGETS = WINE.data, WINE.target
SCALED = make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), slice(0, 5)))
MODELS = [
    RandomForestClassifier(3),
    HistGradientBoostingClassifier(max_iter=3),
    GradientBoostingRegressor(n_estimators=3),
    KNeighborsClassifier(),
    SVC(),
    make_pipeline(SCALED, LogisticRegression()),
]


class Bomb:
    """What a pickle can do: run a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_model_of_scikit_learn_comes_back_from_skops_as_it_was(model: Any, tmp_path: Path) -> None:
    model.fit(ROWS, TARGETS)
    skops.io.dump(model, tmp_path / "model.skops")

    loaded = load_fitted(tmp_path / "model.skops", trust_joblib=False)

    assert np.array_equal(loaded.predict(ROWS), model.predict(ROWS))


def test_types_that_are_not_scikit_learns_are_named_with_a_way_out(tmp_path: Path) -> None:
    skops.io.dump(LGBMClassifier(n_estimators=2, verbose=-1).fit(ROWS, TARGETS), tmp_path / "model.skops")

    with pytest.raises(BadEstimator, match=r"holds .*lightgbm\.sklearn\.LGBMClassifier.*copse-import"):
        load_fitted(tmp_path / "model.skops", trust_joblib=True)


def test_a_function_is_not_trusted_because_scikit_learn_has_it(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(sklearn.utils.check_array), GaussianNB())
    skops.io.dump(model.fit(ROWS, TARGETS), tmp_path / "model.skops")

    with pytest.raises(BadEstimator, match=r"sklearn\.utils\.validation\.check_array"):
        load_fitted(tmp_path / "model.skops", trust_joblib=False)


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model.pickle"])
def test_a_pickle_is_not_even_opened_until_its_risk_is_taken(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        pickle.dump(Bomb(tmp_path / "exploded"), file)

    with pytest.raises(BadEstimator, match=r"can run any code.*skops\.io\.dump.*--trust-joblib"):
        load_fitted(tmp_path / name, trust_joblib=False)

    assert not (tmp_path / "exploded").exists()


def test_a_trusted_joblib_file_is_loaded(tmp_path: Path) -> None:
    model = GaussianNB().fit(ROWS, TARGETS)
    joblib.dump(model, tmp_path / "model.joblib")

    loaded = load_fitted(tmp_path / "model.joblib", trust_joblib=True)

    assert np.array_equal(loaded.predict_proba(ROWS), model.predict_proba(ROWS))


@pytest.mark.parametrize("name", ["model.skops", "model.joblib"])
def test_a_model_of_another_scikit_learn_is_loaded_and_both_versions_are_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = GaussianNB().fit(ROWS, TARGETS)
    with monkeypatch.context() as older:
        older.setattr("sklearn.base.__version__", "1.2.0")
        (joblib if name.endswith("joblib") else skops.io).dump(model, tmp_path / name)

    load_fitted(tmp_path / name, trust_joblib=True)

    said = capsys.readouterr().out
    assert "fitted with scikit-learn 1.2.0" in said
    assert sklearn.__version__ in said


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LogisticRegression(), "LogisticRegression that is not fitted"),
        (KMeans(2, n_init=1).fit(ROWS), "KMeans, which neither classifies nor predicts"),
        ({"model": 1}, "an object of type dict"),
        (StandardScaler().fit(ROWS), "StandardScaler, which neither"),
    ],
)
def test_what_is_no_fitted_model_is_told(model: object, reason: str, tmp_path: Path) -> None:
    skops.io.dump(model, tmp_path / "model.skops")

    with pytest.raises(BadEstimator, match=reason):
        load_fitted(tmp_path / "model.skops", trust_joblib=False)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"some text\n"])
@pytest.mark.parametrize("name", ["model.skops", "model.joblib"])
def test_a_damaged_file_is_told_in_a_sentence(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadEstimator, match=f"{name} cannot be loaded") as raised:
        load_fitted(tmp_path / name, trust_joblib=True)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damaged", range(0, 3_000, 250))
def test_a_skops_file_with_a_damaged_byte_is_refused_or_loads(damaged: int, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(GaussianNB().fit(ROWS, TARGETS), path)
    content = bytearray(path.read_bytes())
    content[damaged % len(content)] ^= 0xFF
    path.write_bytes(content)

    with contextlib.suppress(BadEstimator):
        assert load_fitted(path, trust_joblib=False).n_features_in_ == ROWS.shape[1]


def test_no_file_and_another_kind_of_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "model.txt").touch()

    with pytest.raises(BadEstimator, match="there is no file"):
        load_fitted(tmp_path / "model.skops", trust_joblib=False)
    with pytest.raises(BadEstimator, match=r"ends with neither \.skops nor \.joblib"):
        load_fitted(tmp_path / "model.txt", trust_joblib=False)
