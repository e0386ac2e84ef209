"""Frames and pipelines drawn at random: whatever the gate lets through answers fresh rows as scikit-learn does."""

import os
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from train.data import Split
from train.errors import ExportRefused
from train.export import export
from train.onnx_runtime import Session
from train.original import Original, model_table
from train.proof.bounds import bound_of
from train.proof.gate import Gate
from train.proof.jumps import jumps
from train.proof.probe import Probe
from train.proof.probes import far_rows, probes, random_rows
from train.proof.refusals import missing_answers, only_answered
from train.schema import Field, Schema

IN_CI = os.environ.get("CI") == "true"  # where the same examples are tried each time; elsewhere others
ROWS = 60
NAMES = ["income", "label", "input", "categories", "prediction", "a b", "ä", "x/y", "0"]
TEXTS = ["", "red", "blue", "Red", " red", "1", "né"]
CLASSIFIERS = [
    RandomForestClassifier(7, random_state=0),
    RandomForestClassifier(5, min_samples_leaf=4, random_state=0),
    ExtraTreesClassifier(5, random_state=0),
    DecisionTreeClassifier(max_depth=3, random_state=0),
    GradientBoostingClassifier(n_estimators=4, random_state=0),
    HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5, random_state=0),
    AdaBoostClassifier(n_estimators=4, random_state=0),
    BaggingClassifier(n_estimators=4, random_state=0),
    LogisticRegression(max_iter=300),
    RidgeClassifier(),
    GaussianNB(),
    KNeighborsClassifier(3),
    SVC(),
    CalibratedClassifierCV(DecisionTreeClassifier(max_depth=2, random_state=0), method="isotonic", cv=2),
    VotingClassifier([("a", DecisionTreeClassifier(random_state=0)), ("b", GaussianNB())], voting="soft"),
]
REGRESSORS = [
    RandomForestRegressor(7, random_state=0),
    DecisionTreeRegressor(random_state=0),
    GradientBoostingRegressor(n_estimators=4, random_state=0),
    HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5, random_state=0),
    LinearRegression(),
    SVR(),
]
NUMBER_STEPS = [
    None,
    StandardScaler(),
    MinMaxScaler(),
    RobustScaler(),
    KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
    PolynomialFeatures(2, include_bias=False),
    PCA(1, random_state=0),
]
TEXT_STEPS = [
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=8, sparse_output=False),
    OneHotEncoder(drop="first", sparse_output=False),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Schema, Split]:
    """Draw columns of numbers and texts, with missing ones, and classes or numbers to predict."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    texts = draw(st.sets(st.sampled_from(names)))
    scale = draw(st.sampled_from([1.0, 1e-3, 1e4, 1e6]))
    digits = draw(st.sampled_from([0, 2, 9]))
    fields, columns = [], []
    for name in names:
        if name in texts:
            chosen = draw(st.sets(st.sampled_from(TEXTS), min_size=1))
            fields.append(Field(name, tuple(sorted(chosen))))
            columns.append(random.integers(0, len(chosen), ROWS).astype(np.float32))
        else:
            fields.append(Field(name))
            columns.append((random.normal(size=ROWS) * scale).round(digits).astype(np.float32))
            columns[-1][random.random(ROWS) < draw(st.sampled_from([0.0, 0.0, 0.2]))] = np.nan
    rows = np.column_stack(columns)
    target = np.nan_to_num(rows).sum(axis=1) / scale + random.normal(size=ROWS)
    if draw(st.booleans()):
        labels = np.digitize(target, np.quantile(target, draw(st.sampled_from([[0.5], [0.3, 0.6]]))))
        target = np.array(["no", "yes", "maybe"])[labels] if draw(st.booleans()) else labels.astype(np.int64)
    return Schema(fields), Split(rows[:45], rows[45:], target[:45], target[45:])


@st.composite
def pipelines(draw: st.DrawFn, schema: Schema, *, classifies: bool) -> Any:
    """Draw a pipeline that the table can be fitted with."""
    final = draw(st.sampled_from(CLASSIFIERS if classifies else REGRESSORS))
    numbers = [step for step in [draw(st.sampled_from(NUMBER_STEPS))] if step is not None]
    if draw(st.booleans()):
        numbers.insert(0, SimpleImputer(strategy=draw(st.sampled_from(["median", "mean"]))))
    if not schema.texts:
        return make_pipeline(*numbers, final)
    columns = [(draw(st.sampled_from(TEXT_STEPS)), [schema.names[index] for index in schema.texts])]
    if schema.numbers:
        step = make_pipeline(*numbers) if numbers else "passthrough"
        columns.append((step, [schema.names[index] for index in schema.numbers]))
    return make_pipeline(make_column_transformer(*columns), final)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=IN_CI)
@given(data=st.data())
def test_what_the_gate_lets_through_answers_fresh_rows_as_scikit_learn_does(data: st.DataObject) -> None:
    schema, parts = data.draw(tables())
    classifies = parts.fit_targets.dtype.kind != "f"
    model = data.draw(pipelines(schema, classifies=classifies))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(model_table(model, schema, parts.fit_rows, framed=data.draw(st.booleans())), parts.fit_targets)
        except ValueError:
            event("scikit-learn refuses")
            return
        original = Original(model, schema)
        if not original.accepts(parts.fit_rows):
            event("scikit-learn refuses")
            return
        try:
            content = export(original)
            bound = bound_of(original, parts.fit_targets)
            verdict = Gate(original, content, bound, parts.fit_rows).examine(probes(original, parts, 1), 1)
        except ExportRefused:
            event("refused: no export")
            return
        if verdict.faults:
            event("refused: not the same")
            return
        event("passed")
        _agree_on_fresh_rows(original, content, parts, verdict.parity.largest_magnitude)


def _agree_on_fresh_rows(original: Original, content: bytes, parts: Split, magnitude: float) -> None:
    random = np.random.default_rng(2)
    fresh = [
        random_rows(original.schema, parts.fit_rows, random),
        jumps(original, parts.fit_rows, random).rows,
        far_rows(original.schema, parts.fit_rows, min(magnitude, 3e38), random),
    ]
    rows = np.vstack(fresh)
    asked = Probe("fresh rows", rows)
    found = Session(content).run(original.schema.inputs(rows))
    assert missing_answers(original, asked, found) == []
    asked, answers = only_answered(asked, found)
    rows, expected = asked.rows, original.answers(asked.rows)
    bound = bound_of(original, parts.fit_targets)
    assert not bound.far(expected, answers, classifies=original.classifies).any()
    if original.classifies:
        other = answers[0] != expected[0]
        if bound.exact:
            assert not other.any()
        elif other.any():
            assert (original.margins(rows[other], parts.fit_rows) <= 2 * bound.absolute).all()


@pytest.mark.parametrize("names", [["label"], ["input", "categories"], ["prediction", "probabilities", "label"]])
def test_columns_may_have_the_names_of_the_graphs_own_inputs_and_outputs(names: list[str]) -> None:
    random = np.random.default_rng(0)
    schema = Schema([Field(name, ("a", "b") if index == 1 else None) for index, name in enumerate(names)])
    rows = np.column_stack([random.integers(0, 2, ROWS) for _ in names]).astype(np.float32)
    texts = [name for index, name in enumerate(names) if index == 1]
    numbers = [name for index, name in enumerate(names) if index != 1]
    steps = make_column_transformer((OneHotEncoder(sparse_output=False), texts), ("passthrough", numbers))
    model = make_pipeline(steps, DecisionTreeClassifier(random_state=0))
    model.fit(schema.frame(rows), random.integers(0, 2, ROWS))
    original = Original(model, schema)

    answers = Session(export(original)).run(schema.inputs(rows))

    assert answers[0].tolist() == original.answers(rows)[0].tolist()
