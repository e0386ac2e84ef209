"""Rows that scikit-learn refuses: the export must not answer them, and must answer all others."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from tests.graphs import edited
from tests.proofs import PARTS, SEED, examined, exported
from train.builtin import built_in
from train.data import split

FINAL = LogisticRegression(max_iter=500)


def fitted(*steps: Any) -> Any:
    return make_pipeline(*steps).fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets)


@pytest.mark.parametrize(
    "steps",
    [
        (FunctionTransformer(np.log1p), StandardScaler(), FINAL),
        (FunctionTransformer(np.sqrt), FINAL),
        (PowerTransformer(), FINAL),
        (FunctionTransformer(np.log1p), Ridge()),
    ],
    ids=lambda steps: type(steps[0]).__name__,
)
def test_an_export_that_has_no_answer_where_scikit_learn_refuses_is_let_through(steps: tuple[Any, ...]) -> None:
    verdict = examined(fitted(*steps))

    assert verdict.faults == []
    answered = {each.name: each.rows for each in verdict.parity.row_sets}
    assert answered["random rows"] + answered["extreme values"] < 4_000 + 500


def test_golden_rows_are_none_of_those_that_are_refused() -> None:
    model = fitted(FunctionTransformer(np.log1p), FINAL)

    assert np.isfinite(model.predict_proba(examined(model).golden.astype(np.float64))).all()


def test_a_forest_that_answers_what_the_step_before_it_refuses_is_not_published() -> None:
    data = built_in("wine")
    parts = split(data, 0.2, SEED)
    steps = PowerTransformer(method="box-cox"), RandomForestClassifier(5, random_state=1)
    model = make_pipeline(*steps).fit(parts.fit_rows.astype(np.float64), parts.fit_targets)

    faults = examined(model, parts=parts, schema=data.schema).faults

    assert any("random rows" in fault and "answers a row that scikit-learn refuses" in fault for fault in faults)


def nowhere_an_answer(proto: onnx.ModelProto) -> None:
    """Make every sum of the model missing."""
    for tensor in proto.graph.initializer:
        if (
            tensor.data_type == onnx.TensorProto.DOUBLE
            and numpy_helper.to_array(tensor).size == PARTS.fit_rows.shape[1]
        ):
            missing = np.full_like(numpy_helper.to_array(tensor), np.nan)
            tensor.CopyFrom(numpy_helper.from_array(missing, tensor.name))


def test_an_export_without_answers_that_scikit_learn_has_is_not_published() -> None:
    model = fitted(StandardScaler(), FINAL)
    content = edited(exported(model), nowhere_an_answer)

    faults = examined(model, content).faults

    assert any("held-out rows" in fault and "no finite answer" in fault for fault in faults)
