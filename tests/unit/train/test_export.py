"""The export: exact, standard, and the same bytes every time."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeClassifier

from tests.exactness import Case, all_cases, forest, judge
from tests.proofs import EXAMPLE, exported
from train.errors import ExportRefused
from train.onnx_runtime import Session
from train.schema import NUMBERS, Schema

SMALL = [case for case in all_cases() if case.model.get_params().get("n_estimators", 1) <= 100]
LARGE = [Case("digits", forest(250)), Case("breast cancer", forest(500)), Case("breast cancer", forest(60), holes=0.1)]


@pytest.mark.parametrize("case", [*SMALL, *LARGE], ids=lambda case: f"{case.data}: {case.name}")
def test_every_forest_answers_as_scikit_learn_on_and_beside_thresholds_and_on_ties(case: Case) -> None:
    verdict = judge(case)

    assert verdict.faults == []
    assert {entry.name for entry in verdict.parity.row_sets} >= {"thresholds", "ties", "missing values"}
    assert sum(entry.label_differences for entry in verdict.parity.row_sets) == 0
    assert verdict.parity.same_bits_alone_and_in_a_batch
    if "impure" not in case.name:
        assert verdict.parity.tolerance == 0
        assert sum(entry.different_bits for entry in verdict.parity.row_sets) == 0
        assert verdict.parity.same_bits_with_threads == [1, 2, 4]


def test_there_are_exact_ties_among_the_rows_compared() -> None:
    """Of 20 trees many rows get 10 votes each: the case that a sum of float32 fractions decides wrongly."""
    case = Case("breast cancer", forest(20))
    parts = case.split()
    model = case.model.fit(parts.fit_rows, parts.fit_targets)
    rows = np.random.default_rng(0).uniform(parts.fit_rows.min(0), parts.fit_rows.max(0), (20_000, 30))
    rows = rows.astype(np.float32)
    ties = rows[(model.predict_proba(rows) == 0.5).all(axis=1)]

    labels, probabilities = Session(exported(model)).run({NUMBERS: ties})

    assert len(ties) > 20
    assert (labels == 0).all()
    assert (probabilities == 0.5).all()


@pytest.mark.parametrize("trees", [1, 2, 3])
def test_a_forest_in_which_a_class_has_no_leaf_in_some_tree_is_exact(trees: int) -> None:
    rows = np.arange(12, dtype=np.float32)[:, None]
    targets = np.array([0] * 11 + [1])
    model = RandomForestClassifier(n_estimators=trees, random_state=1).fit(rows, targets)

    labels, probabilities = Session(exported(model, Schema.of_numbers(["x"]))).run({NUMBERS: rows})

    assert labels.tolist() == model.predict(rows).tolist()
    assert (probabilities == model.predict_proba(rows).astype(np.float32)).all()


@pytest.mark.parametrize("leaf", [1, 5])
def test_text_labels_are_answered_as_text(leaf: int) -> None:
    data = EXAMPLE
    names = np.array(data.class_names)[data.targets]
    model = RandomForestClassifier(n_estimators=10, min_samples_leaf=leaf, random_state=1).fit(data.rows, names)

    labels, _ = Session(exported(model)).run({NUMBERS: data.rows})

    assert labels.tolist() == model.predict(data.rows).tolist()


@pytest.mark.parametrize("final", [RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier])
def test_a_forest_at_the_end_of_a_pipeline_is_exact(final: type) -> None:
    data = EXAMPLE
    model = make_pipeline(SimpleImputer(), VarianceThreshold(0.01), final(random_state=1)).fit(data.rows, data.targets)

    labels, probabilities = Session(exported(model)).run({NUMBERS: data.rows})

    assert labels.tolist() == model.predict(data.rows).tolist()
    assert (probabilities == model.predict_proba(data.rows).astype(np.float32)).all()


def test_the_export_is_written_in_the_standards_that_old_runtimes_read() -> None:
    data = EXAMPLE
    proto = onnx.load_model_from_string(exported(forest(5).fit(data.rows, data.targets)))

    assert proto.ir_version == 8
    assert {entry.domain: entry.version for entry in proto.opset_import} == {"": 17, "ai.onnx.ml": 3}
    assert [value.name for value in proto.graph.output] == ["label", "probabilities"]


def test_the_same_training_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib; from tests.proofs import EXAMPLE, exported; from tests.exactness import forest;"
        "print(hashlib.sha256(exported(forest(20).fit(EXAMPLE.rows, EXAMPLE.targets))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1


def test_what_skl2onnx_cannot_convert_is_refused_in_one_sentence() -> None:
    model = make_pipeline(SplineTransformer(), RandomForestClassifier(2))
    data = EXAMPLE
    with pytest.raises(
        ExportRefused, match="Pipeline cannot be exported: SplineTransformer has no form in ONNX here; docs/"
    ):
        exported(model.fit(data.rows, data.targets))


def test_a_forest_with_several_outputs_is_refused() -> None:
    data = EXAMPLE
    model = forest(2).fit(data.rows, np.stack([data.targets, data.targets], axis=1))
    with pytest.raises(ExportRefused, match="several outputs"):
        exported(model)
