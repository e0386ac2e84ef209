"""The gate: what is not exact is not published, and the rows are named."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from model_repository import versions
from tests.exactness import forest
from tests.graphs import Edit, edited, forest_attribute
from tests.proofs import PARTS, examined, exported
from train import cli
from train.converters import trees
from train.errors import ExportRefused
from train.proof.bounds import NEAR, Bound


def to_nearest(values: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    return values.astype(np.float32)


def fitted(model: Any) -> Any:
    return model.fit(PARTS.fit_rows, PARTS.fit_targets)


def test_thresholds_rounded_to_nearest_publish_nothing_and_name_the_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trees, "floor_to_float32", to_nearest)

    code = cli.main(["--models", str(tmp_path), "--trees", "50"])

    said = capsys.readouterr()
    assert code == 3
    assert versions(tmp_path, "breast-cancer") == []
    assert "nothing was published" in said.err
    assert "steps from the threshold): a probability differs by" in said.err
    assert "thresholds" in said.err
    assert "Traceback" not in said.err


def test_random_rows_alone_would_not_have_caught_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(forest(50))
    monkeypatch.setattr(trees, "floor_to_float32", to_nearest)
    verdict = examined(model, exported(model))
    differences = {entry.name: entry.different_bits for entry in verdict.parity.row_sets}

    assert differences["random rows"] == differences["training rows"] == 0
    assert differences["thresholds"] > 100


def never_left(proto: onnx.ModelProto) -> None:
    """Send missing values the other way."""
    tracks = forest_attribute(proto, "nodes_missing_value_tracks_true")
    tracks.ints[:] = [1 - value for value in tracks.ints]


def swapped_classes(proto: onnx.ModelProto) -> None:
    """Answer with the wrong class, and the right probabilities."""
    (classes,) = (tensor for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.INT64)
    classes.CopyFrom(numpy_helper.from_array(np.array([1, 0], dtype=np.int64), classes.name))


def one_more_tree(proto: onnx.ModelProto) -> None:
    """Divide by one tree too many, so that probabilities do not sum to 1."""
    (trees,) = (tensor for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.DOUBLE)
    trees.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(trees) + 1, trees.name))


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (never_left, "missing"),
        (swapped_classes, "another label"),
        (one_more_tree, "differs by"),
    ],
)
def test_a_graph_that_answers_otherwise_is_caught(edit: Edit, named: str) -> None:
    model = fitted(forest(20))

    verdict = examined(model, edited(exported(model), edit))

    assert any(named in fault for fault in verdict.faults)


def test_missing_values_are_not_called_proved_when_they_go_astray() -> None:
    model = fitted(forest(20))
    content = exported(model)

    assert examined(model, content).parity.missing_values_proved
    assert not examined(model, edited(content, never_left)).parity.missing_values_proved


def test_the_export_of_skl2onnx_itself_is_caught() -> None:
    """Its sums of float32 fractions are not scikit-learn's: the reason for converters of our own."""
    from skl2onnx import to_onnx, update_registered_converter  # noqa: PLC0415 - only this test needs it
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes  # noqa: PLC0415
    from skl2onnx.operator_converters.random_forest import (  # noqa: PLC0415
        convert_sklearn_random_forest_classifier,
    )
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415

    class PlainForest(RandomForestClassifier):  # type: ignore[misc]
        """A forest for which the converter of skl2onnx is registered instead of ours."""

    options = {"zipmap": [True, False], "nocl": [True, False], "raw_scores": [True, False]}
    update_registered_converter(
        PlainForest,
        "PlainForest",
        calculate_linear_classifier_output_shapes,
        convert_sklearn_random_forest_classifier,
        options=options | {"decision_path": [True, False], "decision_leaf": [True, False]},
    )
    model = fitted(PlainForest(n_estimators=20, random_state=42))
    initial_types = [("input", FloatTensorType([None, 30]))]
    proto = to_onnx(model, initial_types=initial_types, options={id(model): {"zipmap": False}}, target_opset=17)

    assert examined(model, proto.SerializeToString()).faults


def test_a_scaler_before_a_forest_is_exact() -> None:
    model = fitted(make_pipeline(StandardScaler(), forest(50)))

    verdict = examined(model)

    assert verdict.faults == []
    assert sum(entry.different_bits for entry in verdict.parity.row_sets) == 0


def test_roots_before_trees_are_refused_because_float32_ones_cross_thresholds() -> None:
    model = fitted(make_pipeline(Normalizer(), forest(50)))

    assert any("differs by" in fault for fault in examined(model).faults)


def test_a_pipeline_that_only_fills_and_chooses_columns_before_the_forest_passes() -> None:
    model = fitted(make_pipeline(SimpleImputer(), VarianceThreshold(0.01), forest(20)))

    assert examined(model, exported(model)).faults == []


def one_class_too_few(proto: onnx.ModelProto) -> None:
    """Take away the label that the second class needs."""
    (classes,) = (tensor for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.INT64)
    classes.CopyFrom(numpy_helper.from_array(np.array([0], dtype=np.int64), classes.name))


def test_what_onnx_runtime_cannot_run_is_refused_in_one_sentence() -> None:
    model = fitted(forest(5))

    with pytest.raises(ExportRefused, match="ONNX Runtime cannot run the export") as refused:
        examined(model, edited(exported(model), one_class_too_few))
    assert "\n" not in str(refused.value)


def test_a_pipeline_inside_a_pipeline_passes_too() -> None:
    model = fitted(make_pipeline(make_pipeline(SimpleImputer()), make_pipeline(VarianceThreshold(0.01), forest(5))))

    assert examined(model, exported(model)).faults == []


@pytest.mark.parametrize(("distance", "faulty"), [(0.0, False), (9e-7, False), (3e-6, True), (float("nan"), True)])
def test_impure_leaves_may_differ_by_a_millionth_and_no_more(distance: float, faulty: bool) -> None:
    expected = np.array([0]), np.array([[0.5, 0.5]], dtype=np.float32)
    answers = np.array([0]), np.array([[0.5 - distance, 0.5 + distance]], dtype=np.float32)

    assert Bound(NEAR).far(expected, answers, classifies=True).any() == faulty
