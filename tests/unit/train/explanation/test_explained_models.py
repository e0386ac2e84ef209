"""Which of the models in docs/models.md are explained, and that base and contributions add up to their answers."""

import warnings
from functools import cache

import numpy as np
import pytest

from serve.explanation.explanation import answered
from serve.explanation.file import read_regions
from serve.explanation.shapley import ShapleyValues
from tests.models import Model, data_of, models
from tests.proofs import SEED
from train.data import Split, split
from train.errors import TrainingError
from train.explanation import draft
from train.export import export
from train.guard import check_graph
from train.onnx_runtime import Session
from train.original import Original, model_table
from train.proof.bounds import bound_of, numbers

NAMED = {"random-forest", "extra-trees", "decision-tree", "gradient-boosting", "hist-gradient-boosting"}
PIPELINES = {
    "StandardScaler, forest",
    "MinMaxScaler, forest",
    "RobustScaler, forest",
    "SimpleImputer, forest (missing)",
    "SimpleImputer with indicator, forest (missing)",
    "QuantileTransformer to normal, forest (missing)",
    "FunctionTransformer of log1p, forest",
    "SelectKBest, forest",
    "OneHotEncoder of texts, forest",
    "OneHotEncoder of texts with rare ones, forest",
    "grid search of a forest with texts",
    "OrdinalEncoder of texts, HistGradientBoosting",
}
CASES = [(model, kind) for model in models() for kind in model.kinds]
EXPLAINED = [case for case in CASES if case[0].name in NAMED | PIPELINES]
OTHERS = [case for case in CASES if case[0].name not in NAMED | PIPELINES and case[1] == case[0].kinds[0]]


@cache
def fitted(model: Model, kind: str) -> tuple[Original, bytes, Split]:
    """Return a model, its export, and the rows on which it was fitted and which were held out."""
    data = data_of(kind, model.task)
    parts = split(data, 0.25, SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = model.make(data.schema, parts)
        estimator.fit(model_table(estimator, data.schema, parts.fit_rows, framed=model.framed), parts.fit_targets)
        original = Original(estimator, data.schema)
        return original, export(original), parts


def case(value: object) -> str:
    return f"{value.name}: {value.task}" if isinstance(value, Model) else str(value)


@pytest.mark.parametrize(("model", "kind"), EXPLAINED, ids=case)
def test_base_and_contributions_add_up_to_the_exports_answers(model: Model, kind: str) -> None:
    original, content, parts = fitted(model, kind)
    made = draft(original, content, parts.fit_rows)
    checked = made.checked(original, parts.held_out_rows, bound_of(original, parts.fit_targets))
    entry, file = checked.described()
    assert entry, checked.reason
    assert file

    columns, outputs = len(original.schema), len(original.classes) or 1
    values = ShapleyValues(read_regions(file, outputs, columns), columns)
    session, inputs = Session(made.content), original.schema.inputs(parts.held_out_rows)
    features = session.features(inputs) if session.gives_features else parts.held_out_rows
    totals = answered(values.base + values.of(features).sum(axis=1), entry.scale)
    given = numbers(session.run(inputs), classifies=original.classifies)

    allowed = 1e-6 if original.classifies else 1e-6 * float(np.abs(parts.fit_targets).max())
    np.testing.assert_allclose(totals, given, rtol=0, atol=allowed)


@pytest.mark.parametrize(("model", "kind"), EXPLAINED, ids=case)
def test_the_features_beside_the_answers_change_no_bit_of_them_and_pass_the_guard(model: Model, kind: str) -> None:
    original, content, parts = fitted(model, kind)
    made = draft(original, content, parts.fit_rows)
    inputs = original.schema.inputs(parts.fit_rows)
    labels, shares = Session(content).run(inputs)
    labels_beside, shares_beside = Session(made.content).run(inputs)

    check_graph(made.content)
    np.testing.assert_array_equal(labels, labels_beside)
    np.testing.assert_array_equal(shares.view(np.uint32), shares_beside.view(np.uint32))


@pytest.mark.parametrize(("model", "kind"), OTHERS, ids=case)
def test_other_models_are_not_explained_and_their_export_stays_as_it_was(model: Model, kind: str) -> None:
    try:
        original, content, parts = fitted(model, kind)
    except (TrainingError, ValueError):
        return  # it has no export, either
    made = draft(original, content, parts.fit_rows)

    assert made.described() == (None, None)
    assert made.content == content
