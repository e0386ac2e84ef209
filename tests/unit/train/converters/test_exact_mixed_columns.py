"""Pipelines over columns of numbers and of texts answer bit for bit as scikit-learn."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from tests.conversions import assert_exact_on_columns

NUMBERS, TEXTS = ["age", "income"], ["city", "job"]
COUNT = 400


def table(seed: int, *, unseen: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    more = ["no such text"] if unseen else []
    return pd.DataFrame(
        {
            "age": np.where(random.random(COUNT) < 0.1, np.nan, random.normal(40, 12, COUNT)).astype(np.float32),
            "city": random.choice(["Ulm", "Bern", "", "Graz", *more], COUNT).astype(object),
            "income": random.normal(1e4, 3e3, COUNT).astype(np.float32),
            "job": random.choice([*"uvwxyz", *more], COUNT).astype(object),
        }
    )


FITTED_ON, ASKED = table(1), pd.concat([table(1), table(2, unseen=True)], ignore_index=True)
AMOUNTS = (FITTED_ON["age"].fillna(35).to_numpy(float) + 7 * (FITTED_ON["city"] == "Ulm").to_numpy()).astype(float)
CLASSES = np.array(["low", "middle", "high"], dtype=object)[np.digitize(AMOUNTS, [35, 45])]
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
IMPUTED = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())


def columns(frame: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    return {str(name): values.to_numpy() for name, values in frame.items()}


def fitted(model: Any, targets: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(FITTED_ON, targets)


@pytest.mark.parametrize(
    "preparation",
    [
        ColumnTransformer([("numbers", IMPUTED, NUMBERS), ("texts", ONE_HOT, TEXTS)]),
        ColumnTransformer([("numbers", IMPUTED, NUMBERS), ("texts", ORDINAL, TEXTS)]),
        ColumnTransformer([("numbers", SimpleImputer(), NUMBERS), ("texts", TargetEncoder(), TEXTS)]),
        ColumnTransformer([("numbers", IMPUTED, [0, 2]), ("texts", ONE_HOT, [1, 3])], sparse_threshold=0),
        ColumnTransformer([("texts", ONE_HOT, TEXTS)], remainder=SimpleImputer(strategy="median")),
        ColumnTransformer(
            [("texts", ONE_HOT, ["job"]), ("kept", "passthrough", ["income"]), ("gone", "drop", ["age"])]
        ),
        ColumnTransformer([("texts", ONE_HOT, TEXTS), ("age", SimpleImputer(), ["age"])], remainder="passthrough"),
        ColumnTransformer(
            [
                ("numbers", IMPUTED, make_column_selector(dtype_include=np.float32)),
                ("texts", ONE_HOT, make_column_selector(dtype_include=object)),
            ],
            transformer_weights={"numbers": 0.3},
        ),
        ColumnTransformer(
            [
                ("age", SimpleImputer(), ["age"]),
                ("income", make_pipeline(RobustScaler(), MinMaxScaler()), ["income"]),
                ("texts", make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=""), ONE_HOT), TEXTS),
            ]
        ),
        ColumnTransformer(
            [
                (
                    "numbers",
                    FeatureUnion(
                        [
                            ("products", make_pipeline(SimpleImputer(), PolynomialFeatures())),
                            ("gone", MissingIndicator()),
                        ]
                    ),
                    NUMBERS,
                ),
                ("texts", ONE_HOT, TEXTS),
            ]
        ),
    ],
    ids=range(10),
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_a_forest_behind_a_column_transformer_is_exact(preparation: Any) -> None:
    model = fitted(make_pipeline(preparation, RandomForestClassifier(20, random_state=1)), CLASSES)

    assert_exact_on_columns(model, columns(ASKED), ASKED)


@pytest.mark.parametrize(
    "final",
    [
        RandomForestRegressor(20, random_state=1),
        GradientBoostingRegressor(n_estimators=20, random_state=1),
        HistGradientBoostingRegressor(max_iter=20, random_state=1),
    ],
    ids=repr,
)
def test_a_regressor_behind_a_column_transformer_is_exact(final: Any) -> None:
    preparation = ColumnTransformer([("numbers", IMPUTED, NUMBERS), ("texts", ONE_HOT, TEXTS)], sparse_threshold=0)

    assert_exact_on_columns(fitted(make_pipeline(preparation, final), AMOUNTS), columns(ASKED), ASKED)


def test_texts_as_categories_of_histogram_gradient_boosting_are_exact() -> None:
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    preparation = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("texts", ordinal, TEXTS)])
    final = HistGradientBoostingClassifier(max_iter=20, categorical_features=[2, 3], random_state=1)

    assert_exact_on_columns(fitted(make_pipeline(preparation, final), CLASSES), columns(ASKED), ASKED)


def test_pipelines_inside_pipelines_are_exact() -> None:
    preparation = ColumnTransformer([("numbers", IMPUTED, NUMBERS), ("texts", ONE_HOT, TEXTS)])
    inner = Pipeline([("narrow", VarianceThreshold(0.01)), ("forest", RandomForestClassifier(20, random_state=1))])
    model = Pipeline([("before", Pipeline([("columns", preparation)])), ("after", inner)])

    assert_exact_on_columns(fitted(model, CLASSES), columns(ASKED), ASKED)
