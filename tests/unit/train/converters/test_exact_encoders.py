"""Encoders of texts and numbers give what scikit-learn gives, for unknown, rare and missing categories too."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skl2onnx.common.data_types import StringTensorType
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from tests.conversions import assert_exact_on_columns, assert_same_rows, converted, expected, session

RANDOM = np.random.default_rng(1)
COUNT = 300
TEXTS = np.stack(
    [
        RANDOM.choice(["a", "b", "", "Zürich am See", "b "], COUNT),
        RANDOM.choice(list("uvwxyz"), COUNT, p=[0.4, 0.3, 0.2, 0.06, 0.03, 0.01]),
    ],
    axis=1,
).astype(object)
UNSEEN = pd.concat([pd.DataFrame(TEXTS), pd.DataFrame([["?", "u"], ["a", "?"], ["?", "?"]])]).to_numpy(object)
NUMBERS = np.stack([RANDOM.choice([1.5, 2, np.nan, -7], COUNT), RANDOM.choice([3, 4, 5], COUNT)], axis=1).astype("f4")
UNSEEN_NUMBERS = np.vstack([NUMBERS, np.array([[0, 3], [np.nan, 9], [np.nextafter(np.float32(1.5), 2), 4]], "f4")])
TARGETS = RANDOM.integers(0, 3, COUNT)
ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32),
    OneHotEncoder(handle_unknown="ignore", drop="first"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="first"),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=2),
    TargetEncoder(random_state=1),
]


@pytest.mark.parametrize(
    "encoder",
    [
        *ENCODERS,
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=30),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_texts_are_encoded_exactly(encoder: Any) -> None:
    columns = {"p": UNSEEN[:, 0], "q": UNSEEN[:, 1]}
    encoder.fit(pd.DataFrame({"p": TEXTS[:, 0], "q": TEXTS[:, 1]}), TARGETS)

    assert_exact_on_columns(encoder, columns, pd.DataFrame(columns))


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(),
        OneHotEncoder(drop="if_binary"),
        OneHotEncoder(drop=["b", "w"]),
        OneHotEncoder(categories=[["b ", "b", "a", "", "Zürich am See"], list("zyxwvu")]),
        OrdinalEncoder(),
    ],
    ids=repr,
)
def test_known_texts_are_encoded_exactly_where_unknown_ones_are_an_error(encoder: Any) -> None:
    proto = converted(encoder.fit(TEXTS), [("input", StringTensorType([None, 2]))])

    found = session(proto).run(None, {"input": TEXTS})[0]

    assert (found == expected(encoder, TEXTS)[0]).all()


@pytest.mark.parametrize(
    "encoder",
    [*ENCODERS, OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-9)],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_numbers_are_encoded_exactly(encoder: Any) -> None:
    assert_same_rows(encoder.fit(NUMBERS, TARGETS), UNSEEN_NUMBERS)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4)


@given(
    fitted_on=st.lists(TEXT, min_size=2, max_size=9),
    others=st.lists(TEXT, max_size=4),
    encoder=st.sampled_from(ENCODERS[:-1]),
)
@settings(max_examples=60, deadline=None)
def test_any_texts_are_encoded_exactly(fitted_on: list[str], others: list[str], encoder: Any) -> None:
    asked = pd.DataFrame({"p": np.array([*fitted_on, *others], dtype=object)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encoder.fit(asked[: len(fitted_on)])
        if len(encoder.get_feature_names_out()):
            assert_exact_on_columns(encoder, {"p": asked["p"].to_numpy(object)}, asked)
