"""Features are traced to the one column that each is made of, or the model is not explained."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler

from serve.explanation.file import read_regions
from serve.explanation.shapley import ShapleyValues
from tests.brute_force import of_histograms, shapley_values
from train.explanation import Draft, draft
from train.explanation.features import columns_of
from train.export import export
from train.onnx_runtime import Session
from train.original import Original
from train.proof.bounds import Bound
from train.schema import Field, Rows, Schema

COLOURS = tuple(f"colour {index:03}" for index in range(700))
SCHEMA = Schema([Field("features"), Field("colour", COLOURS), Field("width"), Field("label", ("", "a", "b"))])


def rows_of(count: int = 800, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    codes = np.arange(count) % len(COLOURS)
    parts = [random.normal(size=count), codes, random.normal(size=count), random.integers(0, 3, count)]
    return np.column_stack(parts).astype(np.float32)


def drafted(model: Any, rows: Rows, schema: Schema) -> tuple[Original, Draft]:
    classes = (np.nan_to_num(rows[:, 0]) + rows[:, -1] + rows[:, 1] % 3 > 1).astype(int)
    original = Original(model.fit(schema.frame(rows), classes), schema)
    return original, draft(original, export(original), rows)


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(10, random_state=0)


def test_each_of_many_categories_belongs_to_its_column_whatever_the_columns_are_called() -> None:
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder = make_column_transformer((texts, ["colour", "label"]), (StandardScaler(), ["features", "width"]))
    original, made = drafted(make_pipeline(encoder, forest()), rows_of(), SCHEMA)
    assert made.sums
    assert made.regions

    features = Session(made.content).features(SCHEMA.inputs(rows_of())).shape[1]
    found = columns_of(original, made.content, rows_of(), np.arange(features))

    assert found.tolist() == [1] * len(COLOURS) + [3] * 3 + [0, 2]
    assert set(np.unique(made.regions.columns)) == {0, 1, 2, 3}


@pytest.mark.parametrize("mixing", [PCA(2), PolynomialFeatures(2), StandardScaler().set_output(transform="default")])
def test_a_feature_made_of_several_columns_is_not_explained(mixing: Any) -> None:
    schema = Schema.of_numbers(["one", "two", "three"])
    _, made = drafted(make_pipeline(mixing, forest()), rows_of()[:, [0, 1, 2]], schema)

    assert (made.regions is None) == (not isinstance(mixing, StandardScaler))
    assert made.regions or made.reason == "a feature that its trees compare is made of several columns"


def test_an_indicator_of_missing_values_belongs_to_its_column_however_few_they_are() -> None:
    schema = Schema.of_numbers(["one", "two", "three"])
    rows = np.random.default_rng(1).normal(size=(3_000, 3)).astype(np.float32)
    rows[17, 2] = np.nan
    original, made = drafted(make_pipeline(SimpleImputer(add_indicator=True), forest()), rows, schema)

    assert columns_of(original, made.content, rows, np.arange(4)).tolist() == [0, 1, 2, 2]


def test_a_split_by_category_is_its_columns_as_by_definition() -> None:
    random = np.random.default_rng(3)
    rows = np.column_stack([random.integers(0, 9, 300), random.normal(size=300)]).astype(np.float32)
    targets = np.where(np.isin(rows[:, 0], [1, 4, 6, 8]), 2.0, -1.0) + rows[:, 1] * (rows[:, 0] > 3)
    rows[::20, 0] = np.nan
    model = HistGradientBoostingRegressor(max_iter=5, categorical_features=[0], random_state=0)
    original = Original(model.fit(rows.astype(np.float64), targets), Schema.of_numbers(["kind", "size"]))
    made = draft(original, export(original), rows)
    assert made.regions
    assert made.regions.features.max() > 1  # it has splits by category

    asked = np.vstack([rows[:12], rows[20:22], [[77, 0.5]]]).astype(np.float32)
    _, file = made.described()
    assert file
    found = ShapleyValues(read_regions(file, 1, 2), 2).of(Session(made.content).features({"input": asked}))
    roots = [of_histograms(tree, np.ones(1)) for trees in model._predictors for tree in trees]
    for row, contributions in zip(asked[:14], found, strict=False):
        np.testing.assert_allclose(contributions, shapley_values(roots, row.tolist(), 2, [0, 1]), rtol=0, atol=1e-9)


def test_contributions_that_do_not_add_up_are_not_published() -> None:
    schema = Schema.of_numbers(["one", "two", "three"])
    rows: npt.NDArray[np.float32] = rows_of()[:, [0, 1, 2]]
    original, made = drafted(make_pipeline(FunctionTransformer(np.tanh), forest()), rows, schema)
    assert made.checked(original, rows, Bound(1e-6)).regions
    other, _ = drafted(
        make_pipeline(FunctionTransformer(np.tanh), RandomForestClassifier(9, random_state=5)), rows, schema
    )
    refused = made.checked(other, rows, Bound(1e-6))
    assert refused.regions is None
    assert refused.reason == "the contributions do not add up to its answers"


def test_trees_that_are_too_many_are_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.explanation.regions.MOST_BOUNDS", 20)
    schema = Schema.of_numbers(["one", "two", "three"])
    _, made = drafted(HistGradientBoostingClassifier(), rows_of()[:, [0, 1, 2]], schema)

    assert made.reason == "its trees have more than 20 bounds in all"
