"""Models of LightGBM, converted by onnxmltools: what is served is the converted graph, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxmltools
import onnxruntime
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools.convert.common.data_types import FloatTensorType

Import = Callable[..., Any]
Rows = npt.NDArray[np.float32]
FITTED = {"cancer": LGBMClassifier, "wine": LGBMClassifier, "diabetes": LGBMRegressor}


def converted(model: Any, width: int, **options: Any) -> onnx.ModelProto:
    proto: onnx.ModelProto = onnxmltools.convert_lightgbm(
        model, initial_types=[("rows", FloatTensorType([None, width]))], **options
    )
    return proto


def beside(value: float, towards: float) -> np.float32:
    return np.float32(np.nextafter(np.float32(value), np.float32(towards)))


def on_thresholds(proto: onnx.ModelProto, rows: Rows) -> Rows:
    """Return rows of which one value is a threshold of the graph, or a float32 step beside it."""
    (node,) = (node for node in proto.graph.node if node.op_type.startswith("TreeEnsemble"))
    found = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    branches = [index for index, mode in enumerate(found["nodes_modes"]) if mode != b"LEAF"]
    placed = np.resize(rows, (3 * len(branches), rows.shape[1]))
    for position, index in enumerate(branches):
        threshold = float(found["nodes_values"][index])
        for step, towards in enumerate((-np.inf, threshold, np.inf)):
            placed[3 * position + step, found["nodes_featureids"][index]] = beside(threshold, towards)
    return placed


def original_answers(proto: onnx.ModelProto, rows: Rows) -> tuple[Any, Any]:
    """Return what the file gives before anything is done to it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as the server has; sums in float32 depend on it
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answers = session.run(None, {"rows": rows})
    if len(answers) == 1:
        return answers[0].reshape(-1), None
    return answers[0], np.array([list(each.values()) for each in answers[1]], dtype=np.float32)


@pytest.mark.parametrize("name", FITTED)
def test_a_model_of_lightgbm_is_served_bit_for_bit_as_its_graph(
    name: str, imports: Import, frames: dict[str, pd.DataFrame]
) -> None:
    data = frames[name]
    rows = data.drop(columns="target").to_numpy()
    model = FITTED[name](n_estimators=20, verbose=-1, seed=1).fit(rows, data["target"])
    proto = converted(model, rows.shape[1])

    imported = imports(proto, data, target="target")

    labels, probabilities = original_answers(proto, adversarial := on_thresholds(proto, rows))
    answered = imported.answers(adversarial.tolist())
    assert np.array_equal(answered[0], labels)
    assert probabilities is None or np.array_equal(answered[1], probabilities)
    assert np.allclose(imported.answers(rows.tolist())[0].astype(float), model.predict(rows), rtol=1e-4)
    assert imported.manifest.metrics
    assert imported.manifest.parity.largest_magnitude > 3.4e38


def test_lightgbm_itself_answers_otherwise_on_thresholds_because_its_converter_rounds_them(
    imports: Import, frames: dict[str, pd.DataFrame]
) -> None:
    data = frames["cancer"]
    rows = data.drop(columns="target").to_numpy()
    model = LGBMClassifier(n_estimators=20, verbose=-1, seed=1).fit(rows, data["target"])
    proto = converted(model, rows.shape[1])

    imported = imports(proto, data, target="target")

    adversarial = on_thresholds(proto, rows)
    away = np.abs(imported.answers(adversarial.tolist())[1] - model.predict_proba(adversarial)).max(axis=1)
    assert np.abs(imported.answers(rows.tolist())[1] - model.predict_proba(rows)).max() < 1e-5
    assert (away > 1e-3).any()
    assert "imported" in imported.manifest.parity.reference


def test_missing_values_are_answered_where_the_sample_has_them(
    imports: Import, frames: dict[str, pd.DataFrame]
) -> None:
    data = frames["wine"].copy()
    data.loc[::7, "alcohol"] = np.nan
    rows = data.drop(columns="target").to_numpy()
    model = LGBMClassifier(n_estimators=10, verbose=-1).fit(rows, data["target"])

    imported = imports(converted(model, rows.shape[1]), data, target="target")

    assert [column.name for column in imported.manifest.columns if column.missing] == ["alcohol"]
    holed = [[None if np.isnan(value) else value for value in row] for row in rows[::7].tolist()]
    assert np.array_equal(imported.answers(holed)[0], model.predict(rows[::7]))


def test_the_manifest_says_what_file_and_sample_say(imports: Import, frames: dict[str, pd.DataFrame]) -> None:
    data = frames["wine"]
    rows = data.drop(columns="target").to_numpy()
    model = LGBMClassifier(n_estimators=5, verbose=-1).fit(rows, data["target"])

    manifest = imports(
        converted(model, rows.shape[1], zipmap=False), data, target="target", class_names=("red", "white", "rose")
    ).manifest

    assert manifest.estimator == "TreeEnsembleClassifier"
    assert manifest.provenance.parameters == {"imported": True, "producer": f"OnnxMLTools {onnxmltools.__version__}"}
    assert manifest.onnx.opsets == {"ai.onnx": 9, "ai.onnx.ml": 1}
    assert manifest.onnx.ir_version == 8
    assert manifest.target.classes == [0, 1, 2]
    assert manifest.target.names == ["red", "white", "rose"]
    assert manifest.dataset.name == "rows"
    assert (manifest.dataset.rows, manifest.dataset.held_out) == (178, 178)
    assert manifest.columns[0].name == "alcohol"
    assert manifest.columns[0].minimum == pytest.approx(data["alcohol"].min())
    assert sum(manifest.columns[0].histogram.counts) == 178
    assert set(manifest.metrics) == {"accuracy", "f1"}
    assert [row_set.name for row_set in manifest.parity.row_sets][:2] == ["sample rows", "random rows"]
