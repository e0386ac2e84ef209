"""Imputers and indicators fill in and say what is missing, in numbers and in texts."""

from typing import Any

import numpy as np
import pytest
from skl2onnx.common.data_types import StringTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer

from tests.conversions import assert_same_rows, converted, expected, holed, of_numbers, session, spread

ROWS = spread(load_breast_cancer().data.astype(np.float32)[:, :8])
HOLED = holed(ROWS, 0.2)
EMPTY = HOLED.copy()
EMPTY[:, 3] = np.nan
TEXTS = np.array([["a", "x"], ["", "y"], ["b", ""], ["a", "y"], ["", ""]], dtype=object)


@pytest.mark.parametrize("fitted_on", [HOLED, EMPTY], ids=["missing values", "an empty column"])
@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(),
        SimpleImputer(strategy="median", add_indicator=True),
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        SimpleImputer(strategy="constant", fill_value=0.1, add_indicator=True),
        MissingIndicator(error_on_new=False),
        MissingIndicator(features="all"),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_numbers_are_filled_in_exactly(imputer: Any, fitted_on: Any) -> None:
    assert_same_rows(imputer.fit(fitted_on), HOLED)


def test_a_number_may_stand_for_what_is_missing() -> None:
    marked = np.where(np.isnan(HOLED), np.float32(-0.1), HOLED)

    assert_same_rows(SimpleImputer(missing_values=-0.1, add_indicator=True).fit(marked), marked)


@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(strategy="most_frequent", missing_values=""),
        SimpleImputer(strategy="constant", fill_value="none", missing_values=""),
        SimpleImputer(strategy="most_frequent"),
    ],
    ids=repr,
)
def test_texts_are_filled_in(imputer: Any) -> None:
    asked = np.vstack([TEXTS, [["", "unseen"]]]).astype(object)
    proto = converted(imputer.fit(TEXTS), [("input", StringTensorType([None, 2]))])

    assert session(proto).run(None, {"input": asked})[0].tolist() == expected(imputer, asked)[0].tolist()


def test_filling_in_from_the_nearest_rows_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="equally near, and which is not defined; take SimpleImputer"):
        converted(KNNImputer().fit(HOLED), of_numbers(HOLED.shape[1]))
