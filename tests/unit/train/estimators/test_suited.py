"""A model fitted elsewhere gets the data as it was fitted, columns, order and classes, or is refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from train.data import TrainingData
from train.errors import BadEstimator
from train.estimators.reasons import reason
from train.estimators.suited import suited
from train.schema import Field, Schema

FILE = Path("model.skops")
SCHEMA = Schema([Field("a"), Field("colour", ("", "red")), Field("b")])
ROWS = np.array([[1, 0, 5], [2, 1, 6], [3, 1, 7], [4, 0, 8]], dtype=np.float32)
DATA = TrainingData("data", SCHEMA, ROWS, np.array([0, 1, 0, 1]), [0, 1], ["no", "yes"])


def fitted(columns: list[str], labels: Any = (0, 1, 0, 2)) -> DecisionTreeClassifier:
    return DecisionTreeClassifier().fit(SCHEMA.frame(ROWS)[columns], labels)


def test_columns_are_chosen_and_ordered_as_the_model_was_fitted_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    data = suited(fitted(["b", "a"]), FILE, DATA)

    assert data.schema.names == ["b", "a"]
    assert data.rows.tolist() == [[5, 1], [6, 2], [7, 3], [8, 4]]
    assert "1 are left out" in capsys.readouterr().out


def test_classes_that_the_data_lacks_keep_their_place() -> None:
    data = suited(fitted(["b", "a"]), FILE, DATA)

    assert (data.classes, data.class_names) == ([0, 1, 2], ["no", "yes", "2"])


def test_a_model_without_names_takes_the_columns_in_their_order_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    model = DecisionTreeClassifier().fit(ROWS, [0, 1, 0, 1])

    assert suited(model, FILE, DATA) == DATA
    assert "in their order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (DecisionTreeClassifier().fit(ROWS[:, :2], [0, 1, 0, 1]), "was fitted on 2 columns; the data has 3"),
        (DecisionTreeRegressor().fit(ROWS, [0, 1, 0, 1]), "is a regressor; the target holds classes"),
        (fitted(["a"], ["x", "y", "x", "y"]), "does not know 2 of the target's 2 classes"),
        (
            DecisionTreeClassifier().fit(pd.DataFrame({"c": [1.0, 2], "a": [1.0, 2]}), [0, 1]),
            "was fitted on columns that the data lacks: c",
        ),
    ],
    ids=["width", "task", "classes", "columns"],
)
def test_a_model_for_other_data_is_refused_in_one_sentence(model: Any, said: str) -> None:
    with pytest.raises(BadEstimator, match=said):
        suited(model, FILE, DATA)


@pytest.mark.parametrize("steps", [[], [SimpleImputer(strategy="most_frequent")]])
def test_a_model_that_takes_missing_texts_for_nan_is_refused(steps: list[Any]) -> None:
    """Its answers would not be those of its owner, to whom a missing text is NaN."""
    frame = SCHEMA.frame(ROWS)
    frame["colour"] = frame["colour"].astype(object).replace("", np.nan)
    texts = make_pipeline(*steps, OneHotEncoder(handle_unknown="ignore"))
    prepare = make_column_transformer((texts, ["colour"]), remainder="passthrough")
    model = make_pipeline(prepare, DecisionTreeClassifier()).fit(frame, DATA.targets)

    with pytest.raises(BadEstimator, match="missing texts as NaN or None"):
        suited(model, FILE, DATA)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("could not convert string to float: 'Bretagne'", "put a OneHotEncoder before it"),
        ("Found unknown categories ['Corse'] in column 0 during transform", "set handle_unknown='ignore'"),
        ("Input X contains NaN.\nSome more", "put a SimpleImputer before it"),
        ("something else went wrong.\nand more", "something else went wrong"),
    ],
)
def test_a_reason_has_a_way_out_and_no_value_of_the_data(sentence: str, said: str) -> None:
    found = reason(ValueError(sentence))

    assert said in found
    assert "Bretagne" not in found
    assert "Corse" not in found
