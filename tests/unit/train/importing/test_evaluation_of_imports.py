"""An imported model is measured on its sample where that has the target; examples come from it in any case."""

from collections.abc import Callable
from typing import Any

import onnx
import onnxmltools
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from onnxmltools.convert.common.data_types import FloatTensorType

from model_repository import Evaluation

Import = Callable[..., Any]


@pytest.fixture(scope="module")
def wine(frames: dict[str, pd.DataFrame]) -> onnx.ModelProto:
    rows, targets = frames["wine"].iloc[:, :-1], frames["wine"]["target"]
    model = LGBMClassifier(n_estimators=5, random_state=1, verbose=-1).fit(rows.to_numpy(), targets)
    types = [("rows", FloatTensorType([None, rows.shape[1]]))]
    proto: onnx.ModelProto = onnxmltools.convert_lightgbm(model, initial_types=types)
    return proto


def test_a_sample_with_the_target_is_measured(
    imports: Import, frames: dict[str, pd.DataFrame], wine: onnx.ModelProto
) -> None:
    manifest = imports(wine, frames["wine"], target="target").manifest
    known = {tuple(row[:-1]): int(row[-1]) for row in frames["wine"].astype("float64").itertuples(index=False)}

    assert sum(map(sum, manifest.evaluation.confusion)) == 178
    assert [each.of for each in manifest.evaluation.roc] == [0, 1, 2]
    assert manifest.importances.rows == 178
    assert {each.target for each in manifest.examples} == {0, 1, 2}
    assert all(known[tuple(each.row)] == each.target for each in manifest.examples)


def test_a_sample_without_the_target_gives_examples_alone(
    imports: Import, frames: dict[str, pd.DataFrame], wine: onnx.ModelProto
) -> None:
    found = imports(wine, frames["wine"].drop(columns="target"))
    labels, _ = found.answers([each.row for each in found.manifest.examples])

    assert found.manifest.evaluation == Evaluation()
    assert found.manifest.importances is None
    assert [each.target for each in found.manifest.examples] == [None] * 6
    assert sorted(labels.tolist()) == [0, 0, 1, 1, 2, 2]
