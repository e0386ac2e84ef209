"""What is measured on held-out rows: matrix and curves, importances, and examples that the server takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from model_repository import LARGEST_FLOAT32, Evaluation, Example, Importances, PublishedVersion, read_manifest
from serve.model import LoadedModel
from tests.examples import forest_of
from tests.mixed_models import columns, graph
from tests.proofs import EXAMPLE, PARTS, SEED, exported
from train import describe, job
from train.builtin import built_in
from train.data import Split, Targets, split
from train.evaluation.examples import examples
from train.evaluation.importance import MOST_ASKED, extent, importances
from train.evaluation.quality import quality
from train.fit import fit
from train.importing.original import Imported
from train.importing.outputs import Given
from train.onnx_runtime import Session
from train.original import Original
from train.recipe import Recipe
from train.schema import Field, Rows, Schema

DIABETES = built_in("diabetes")
RANDOM = np.random.default_rng(SEED)
COLOURS = ("", "blue", "green", "red")
FEW = Schema.of_numbers(["told", "noise", "constant"])


def fitted(model: Any, parts: Split = PARTS, schema: Schema = EXAMPLE.schema) -> Original:
    return Original(model.fit(parts.fit_rows, parts.fit_targets), schema)


def separable(rows: int, classes: int = 2) -> Split:
    """Return rows whose first column tells the class, and the other two nothing."""
    targets = np.arange(rows) % classes
    made = np.column_stack([targets + RANDOM.normal(0, 0.1, rows), RANDOM.normal(size=rows), np.ones(rows)])
    return Split(made.astype(np.float32), made.astype(np.float32), targets, targets)


def held_out(parts: Split) -> tuple[Rows, Targets]:
    return parts.held_out_rows, parts.held_out_targets


def examples_of(original: Original, rows: Rows, targets: Targets) -> list[Example]:
    described = describe.columns(original.schema, rows, [], [])
    session = Session(exported(original.model, original.schema))
    return examples(session, original, described, rows, targets, largest=LARGEST_FLOAT32)


def importance_of(original: Original, parts: Split) -> Importances:
    session = Session(exported(original.model, original.schema))
    found = importances(session, original, parts.held_out_rows, parts.held_out_targets, SEED)
    assert found
    return found


def test_the_confusion_matrix_counts_every_held_out_row_and_agrees_with_accuracy() -> None:
    metrics, evaluation = quality(fitted(RandomForestClassifier(5, random_state=1)), *held_out(PARTS))
    confusion = np.array(evaluation.confusion)

    assert confusion.sum() == len(PARTS.held_out_rows)
    assert confusion.sum(axis=1).tolist() == np.bincount(PARTS.held_out_targets).tolist()
    assert np.trace(confusion) / confusion.sum() == metrics["accuracy"] < 1


def test_a_curve_keeps_its_ends_and_its_area_though_of_thousands_of_points_a_hundred_are_kept() -> None:
    rows = RANDOM.normal(size=(20_000, 3)).astype(np.float32)
    targets = (rows[:, 0] + RANDOM.normal(size=len(rows)) > 0).astype(int)
    original = fitted(LogisticRegression(), Split(rows, rows, targets, targets), FEW)
    (roc,) = quality(original, rows, targets).evaluation.roc
    false, true = roc.false_positive_rates, roc.true_positive_rates

    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert 50 < len(false) == len(true) <= 100
    assert roc.area == pytest.approx(roc_auc_score(targets, original.model.predict_proba(rows)[:, 1]))
    assert np.trapezoid(true, false) == pytest.approx(roc.area, abs=1e-3)


def test_calibration_tells_how_often_a_class_came_true_in_the_bins_that_hold_rows() -> None:
    class Chances:
        """Gives the first column as the probability of the second class."""

        classes_ = np.array([0, 1])
        __sklearn_tags__ = LogisticRegression().__sklearn_tags__

        def predict_proba(self, rows: Any) -> Any:
            return np.column_stack([1 - rows[:, 0], rows[:, 0]])

        def predict(self, rows: Any) -> Any:
            return (rows[:, 0] > 0.5).astype(int)

    rows = np.array([[0.0], [0.06], [0.3125], [0.375], [1.0]], dtype=np.float32)
    found = quality(Original(Chances(), Schema.of_numbers(["chance"])), rows, np.array([0, 1, 1, 1, 1]))
    (calibration,) = found.evaluation.calibration

    assert calibration.rows == [2, 2, 1]
    assert calibration.predicted == pytest.approx([0.03, 0.34375, 1.0])
    assert calibration.observed == [0.5, 1.0, 1.0]


def test_three_classes_have_a_curve_each_and_one_that_no_held_out_row_has_none() -> None:
    parts = separable(300, classes=3)
    original = fitted(LogisticRegression(), parts, FEW)
    whole = quality(original, *held_out(parts)).evaluation
    without = parts.held_out_targets != 1
    fewer = quality(original, parts.held_out_rows[without], parts.held_out_targets[without]).evaluation

    assert [each.of for each in whole.roc] == [each.of for each in whole.calibration] == [0, 1, 2]
    assert [each.of for each in fewer.roc] == [0, 2]
    assert fewer.confusion[1] == [0, 0, 0]


@pytest.mark.parametrize(("classes", "confusion", "curves"), [(10, 10, 10), (11, 11, 0), (31, 0, 0)])
def test_many_classes_have_no_curves_and_very_many_no_matrix(classes: int, confusion: int, curves: int) -> None:
    parts = separable(10 * classes, classes)
    evaluation = quality(fitted(RandomForestClassifier(3), parts, FEW), *held_out(parts)).evaluation

    assert len(evaluation.confusion) == confusion
    assert len(evaluation.roc) == len(evaluation.calibration) == curves


def test_labels_alone_have_a_matrix_and_no_curves() -> None:
    evaluation = quality(fitted(LinearSVC(), separable(100), FEW), *held_out(separable(100))).evaluation

    assert np.array(evaluation.confusion).sum() == 100
    assert (evaluation.roc, evaluation.calibration) == ([], [])


def test_a_regression_is_scored_in_the_targets_unit_and_keeps_200_pairs() -> None:
    parts = split(DIABETES, 0.5, SEED)
    original = fitted(LinearRegression(), parts, DIABETES.schema)
    metrics, evaluation = quality(original, *held_out(parts))

    assert set(metrics) == {"r2", "mean_absolute_error", "root_mean_squared_error"}
    assert 0.4 < metrics["r2"] < 0.6
    assert 40 < metrics["mean_absolute_error"] < metrics["root_mean_squared_error"] < 60
    assert len(evaluation.predictions) == 200
    assert evaluation.predictions[0] == [parts.held_out_targets[0], original.answers(parts.held_out_rows[:1])[0][0]]
    assert (evaluation.confusion, evaluation.roc) == ([], [])


def test_a_column_that_tells_the_class_is_important_and_one_that_does_not_is_not() -> None:
    parts = separable(200)
    found = importance_of(fitted(LogisticRegression(), parts, FEW), parts)
    told, noise, constant = found.columns

    assert (found.metric, found.rows, found.repetitions) == ("probability_of_true_class", 200, 5)
    assert told.mean > 0.3 > 10 * abs(noise.mean)
    assert told.deviation > 0
    assert (constant.mean, constant.deviation) == (0, 0)


def test_without_probabilities_accuracy_is_measured_and_of_a_regression_r2() -> None:
    labels = importance_of(fitted(LinearSVC(), separable(200), FEW), separable(200))
    parts = split(DIABETES, 0.5, SEED)
    numbers = importance_of(fitted(LinearRegression(), parts, DIABETES.schema), parts)

    assert labels.metric == "accuracy"
    assert labels.columns[0].mean == pytest.approx(0.5, abs=0.15)
    assert numbers.metric == "r2"
    assert max(numbers.columns, key=lambda each: each.mean).column in ("s1", "s5", "bmi")


def test_the_same_seed_measures_the_same_importances() -> None:
    original, parts = fitted(RandomForestClassifier(5, random_state=1)), PARTS
    assert importance_of(original, parts) == importance_of(original, parts)


def test_a_missing_value_is_exchanged_like_another() -> None:
    parts = separable(200)
    for rows in (parts.fit_rows, parts.held_out_rows):
        rows[:, 0] = np.where(parts.fit_targets == 1, np.nan, np.float32(0.5))
    original = fitted(RandomForestClassifier(5, random_state=1), parts, FEW)

    assert importance_of(original, parts).columns[0].mean > 0.3


def test_targets_that_are_all_the_same_number_and_no_rows_have_no_importances() -> None:
    parts = split(DIABETES, 0.5, SEED)
    original = fitted(LinearRegression(), parts, DIABETES.schema)
    session = Session(exported(original.model, original.schema))
    rows, targets = parts.held_out_rows[:9], np.full(9, 5.0)

    assert importances(session, original, rows, targets, SEED) is None
    assert importances(session, original, rows[:0], targets[:0], SEED) is None


def test_a_model_that_refuses_an_exchanged_row_has_no_importances(tmp_path: Path) -> None:
    (tmp_path / "roots.py").write_text(
        "import numpy\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "def make(): return make_pipeline(FunctionTransformer(numpy.sqrt), LogisticRegression())"
    )
    parts = separable(40)
    parts.held_out_rows[:, 1] = np.abs(parts.held_out_rows[:, 1])

    rooted = Split(np.abs(parts.fit_rows), parts.held_out_rows, parts.fit_targets, parts.held_out_targets)
    model, _ = fit(Recipe("roots:make", code=tmp_path), FEW, rooted, classifies=True)
    original = Original(model, FEW)
    session = Session(exported(model, FEW))
    rows = np.abs(parts.held_out_rows)
    rows[0, 0] = -1.0

    assert importances(session, original, np.abs(rows), parts.held_out_targets, SEED) is not None
    assert importances(session, original, rows, parts.held_out_targets, SEED) is None


@pytest.mark.parametrize("columns", [1, 20, 30, 400, 2_000])
def test_a_wide_table_is_measured_on_fewer_rows_and_less_often(columns: int) -> None:
    rows, repetitions = extent(columns)

    assert rows * repetitions * columns <= MOST_ASKED
    assert (rows, repetitions) == {1: (1_000, 5), 20: (1_000, 5), 30: (666, 5), 400: (50, 5), 2_000: (50, 1)}[columns]


def test_the_examples_of_the_default_model_are_of_both_classes_sure_and_unsure(published: PublishedVersion) -> None:
    manifest, served = published.manifest, LoadedModel(published)
    _, probabilities = served.predict(served.signature.inputs([each.row for each in manifest.examples]))
    sure = np.max(probabilities, axis=1)

    assert [each.target for each in manifest.examples] == [0, 1, 0, 1, 0, 1]
    assert sure.max() > 0.99
    assert sure.min() < 0.8
    held = PARTS.held_out_rows.tolist()
    assert all(each.row in held for each in manifest.examples)


def test_a_row_that_the_server_refuses_is_no_example() -> None:
    rows = np.array(
        [
            [1, 1, 5, 0],
            [2, 4, 5, 0],  # a colour that is no category
            [1e9, 1, 5, 0],  # larger than what was proved
            [np.nan, 1, 5, 0],  # a missing width
            [4, 0, np.nan, 1],  # a missing colour and a missing height, which may be
        ],
        dtype=np.float32,
    )
    fields = [Field("width"), Field("colour", COLOURS), Field("height"), Field("shape", ("round", "square"))]
    mixed = Imported(graph("number"), Schema(fields), Given(None, "prediction", ()), {})
    found = examples(Session(graph("number")), mixed, columns(), rows, np.arange(5.0), largest=1e6)

    assert [(each.row, each.target) for each in found] == [
        ([4.0, None, None, "square"], 4.0),
        ([1.0, "blue", 5.0, "round"], 0.0),
    ]


def test_few_rows_of_a_class_or_many_classes_still_give_examples() -> None:
    many = separable(100, classes=20)
    chosen = examples_of(fitted(RandomForestClassifier(3, random_state=1), many, FEW), *held_out(many))
    lonely = np.r_[0, 1:100:2]  # one row of the first class, fifty of the second
    parts = separable(100)
    few = examples_of(
        fitted(LogisticRegression(), parts, FEW), parts.held_out_rows[lonely], parts.held_out_targets[lonely]
    )

    assert [each.target for each in chosen] == [0, 3, 7, 11, 15, 19]
    assert [each.target for each in few] == [0, 1, 1, 1]
    assert (
        examples_of(fitted(LogisticRegression(), parts, FEW), parts.held_out_rows[:0], parts.held_out_targets[:0]) == []
    )


def test_training_again_measures_the_same(tmp_path: Path) -> None:
    manifests = []
    for name in ("one", "two"):
        job.run(tmp_path / name, "model", EXAMPLE, forest_of(5))
        manifests.append(read_manifest(tmp_path / name, "model", 1))

    assert manifests[0].evaluation == manifests[1].evaluation != Evaluation()
    assert manifests[0].importances == manifests[1].importances is not None
    assert manifests[0].examples == manifests[1].examples != []
