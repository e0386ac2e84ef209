"""One training: what it says, what it publishes, and what a second one does."""

import dataclasses
import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_repository import (
    PublishedVersion,
    candidate_version,
    current_version,
    read_version,
    use,
    versions,
    withdraw,
)
from tests.conftest import MODEL
from tests.examples import forest_of
from train import cli, describe, job
from train.builtin import built_in
from train.data import split
from train.errors import BadData, ExportRefused
from train.onnx_runtime import Session
from train.recipe import Recipe
from train.schema import NUMBERS, Schema


def train(root: Path, *arguments: str) -> int:
    return cli.main(["--models", str(root), "--trees", "5", *arguments])


def test_the_default_model_is_as_good_as_the_origin_reports(published: PublishedVersion) -> None:
    manifest = published.manifest
    assert {name: round(value, 3) for name, value in manifest.metrics.items()} == {"accuracy": 0.947, "f1": 0.958}
    assert manifest.provenance.parameters["n_estimators"] == 250
    assert (manifest.dataset.rows, manifest.dataset.held_out) == (569, 114)
    assert manifest.target.names == ["malignant", "benign"]


def test_the_manifest_holds_the_proof_and_golden_rows_that_the_published_bytes_answer(
    published: PublishedVersion,
) -> None:
    golden, parity = published.manifest.golden, published.manifest.parity
    labels, probabilities = Session(published.onnx).run({NUMBERS: np.array(golden.rows, dtype=np.float32)})

    assert labels.tolist() == golden.labels
    assert probabilities.tolist() == golden.probabilities
    assert sum(rows.rows for rows in parity.row_sets) > 30_000
    assert sum(rows.different_bits for rows in parity.row_sets) == 0


def test_each_column_tells_what_training_saw(published: PublishedVersion) -> None:
    rows = split(built_in("breast-cancer"), 0.2, 42).fit_rows
    for index, column in enumerate(published.manifest.columns):
        assert (column.minimum, column.maximum) == (rows[:, index].min(), rows[:, index].max())
        assert sum(column.histogram.counts) == len(rows)
        assert len(column.histogram.edges) == len(column.histogram.counts) + 1
        assert not column.missing


def test_a_histogram_of_few_whole_numbers_has_a_bin_for_each_and_so_no_false_gap() -> None:
    rows = np.array([[n % 9, n / 9] for n in range(90)], dtype=np.float32)
    whole, broken = describe.columns(Schema.of_numbers(["whole", "broken"]), rows, [], [])

    assert whole.histogram.counts == [10] * 9
    assert len(broken.histogram.counts) == 10


def test_a_value_may_be_missing_only_where_training_saw_it_and_the_gate_proved_it() -> None:
    rows = np.array([[1, np.nan, np.nan], [2, 3, np.nan]], dtype=np.float32)
    schema = Schema.of_numbers(["whole", "holed", "empty"])
    proved = describe.columns(schema, rows, [0, 1, 2], [])
    unproved = describe.columns(schema, rows, [], [])

    assert [column.missing for column in proved] == [False, True, True]
    assert not any(column.missing for column in unproved)
    assert (proved[1].minimum, proved[2].minimum) == (3.0, None)


def test_the_steps_are_said_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path) == 0

    lines = capsys.readouterr().out.splitlines()
    steps = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert steps == ["data", "fit", "score", "export", "prove", "explain", "publish", "done"]
    assert any(line.split()[:1] == ["thresholds"] for line in lines)


def test_training_again_with_the_same_inputs_publishes_nothing_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path)
    assert train(tmp_path) == 0

    assert "nothing new: version 1" in capsys.readouterr().out
    assert versions(tmp_path, MODEL) == [1]


@pytest.mark.parametrize("argument", [["--force"], ["--seed", "7"], ["--trees", "6"]])
def test_force_or_other_inputs_publish_a_new_version(tmp_path: Path, argument: list[str]) -> None:
    train(tmp_path)
    assert train(tmp_path, *argument) == 0

    assert current_version(tmp_path, MODEL) == 2


def test_force_with_the_same_inputs_publishes_the_same_bytes(tmp_path: Path) -> None:
    train(tmp_path)
    train(tmp_path, "--force")

    assert read_version(tmp_path, MODEL, 1).onnx == read_version(tmp_path, MODEL, 2).onnx


def test_the_same_inputs_as_an_older_version_leave_a_roll_back_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path)
    train(tmp_path, "--seed", "7")
    use(tmp_path, MODEL, 1)

    assert train(tmp_path, "--seed", "7") == 0

    assert current_version(tmp_path, MODEL) == 1
    assert "copse-models use" in capsys.readouterr().out


def test_a_candidate_leaves_current_alone_and_the_same_inputs_publish_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path)
    assert train(tmp_path, "--seed", "7", "--candidate") == 0
    assert (current_version(tmp_path, MODEL), candidate_version(tmp_path, MODEL)) == (1, 2)
    assert f"{MODEL} version 2 is the candidate" in capsys.readouterr().out

    assert train(tmp_path, "--seed", "7", "--candidate") == 0
    assert versions(tmp_path, MODEL) == [1, 2]
    assert (current_version(tmp_path, MODEL), candidate_version(tmp_path, MODEL)) == (1, 2)

    withdraw(tmp_path, MODEL)
    capsys.readouterr()
    assert train(tmp_path, "--seed", "7", "--candidate") == 0
    assert candidate_version(tmp_path, MODEL) is None
    assert f"copse-models candidate {MODEL} 2" in capsys.readouterr().out


def test_the_first_version_is_current_though_a_candidate_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--candidate") == 0

    assert current_version(tmp_path, MODEL) == 1
    assert capsys.readouterr().out.endswith(f"done     {MODEL} version 1 is current\n")


@pytest.mark.parametrize("content", [None, "junk"])
def test_a_version_whose_publisher_was_ended_before_it_was_current_becomes_current(
    tmp_path: Path, content: str | None
) -> None:
    train(tmp_path)
    (tmp_path / MODEL / "CURRENT").unlink()
    if content:
        (tmp_path / MODEL / "CURRENT").write_text(content)

    assert train(tmp_path) == 0
    assert current_version(tmp_path, MODEL) == 1


def test_a_damaged_version_does_not_stop_a_training(tmp_path: Path) -> None:
    train(tmp_path)
    (tmp_path / MODEL / "1" / "model.json").write_text("{}")

    assert train(tmp_path) == 0
    assert current_version(tmp_path, MODEL) == 2


def test_a_full_disk_is_one_sentence_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    train(tmp_path)
    monkeypatch.setattr(os, "write", full)

    assert train(tmp_path, "--force") == 1

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No space left on device" in said
    assert versions(tmp_path, MODEL) == [1]


def test_a_repository_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert train(tmp_path / "file") == 1
    assert capsys.readouterr().err.startswith("copse-train: cannot use")


def test_an_impossible_name_is_refused_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, "--name", "../elsewhere") == 1

    assert "a model's name has" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", ["--trees=0", "--trees=many", "--seed=-1", "--seed=1.5"])
def test_an_impossible_number_is_refused_with_its_bounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argument: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        train(tmp_path, argument)
    assert "must be a whole number from" in capsys.readouterr().err


def test_ctrl_c_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "fit", interrupted)

    assert train(tmp_path) == 130
    assert "nothing was published" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [[3, 7], [-1, 2]])
def test_labels_may_be_any_whole_numbers(tmp_path: Path, labels: list[int]) -> None:
    data = built_in("breast-cancer")
    renamed = dataclasses.replace(data, targets=np.array(labels)[data.targets])
    plain, other = (job.run(tmp_path, name, each, forest_of(5)) for name, each in (("plain", data), ("other", renamed)))

    manifests = [read_version(tmp_path, "plain", plain).manifest, read_version(tmp_path, "other", other).manifest]
    assert manifests[0].metrics == manifests[1].metrics
    assert manifests[1].target.classes == labels


def test_one_class_or_true_and_false_are_refused_in_a_sentence(tmp_path: Path) -> None:
    data = built_in("breast-cancer")
    with pytest.raises(ExportRefused, match="only one class"):
        job.run(tmp_path, "one", dataclasses.replace(data, targets=data.targets * 0), forest_of(5))
    with pytest.raises(ExportRefused, match="make true and false 1 and 0"):
        job.run(tmp_path, "two", dataclasses.replace(data, targets=data.targets.astype(bool)), forest_of(5))


def test_numbers_that_only_held_out_rows_lack_are_told_by_their_column(tmp_path: Path) -> None:
    data = built_in("wine")
    rows, held_out = data.rows.copy(), np.zeros(len(data.rows), dtype=bool)
    held_out[::5] = True
    rows[5, 3] = np.nan
    lacking = dataclasses.replace(data, rows=rows, held_out=held_out)

    with pytest.raises(BadData, match="held-out rows lack numbers in alcalinity_of_ash, which those fitted on do not"):
        job.run(tmp_path, "wine", lacking, Recipe(estimator="gaussian-naive-bayes"))
