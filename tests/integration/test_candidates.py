"""A candidate beside the version that serves: compared, never in the way, promoted or refused."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from model_repository import PublishedVersion, propose, publish, use, withdraw
from serve.model import LoadedModel
from tests.conftest import MODEL
from tests.damages import tree_with_a_cycle
from tests.examples import BENIGN
from tests.servers import RunningServer, eventually, ready, serving
from train.builtin import built_in

ALL = ("--shadow-share", "1")
ROWS = built_in("breast-cancer").rows


@pytest.fixture
def candidate(repository: Path, other: PublishedVersion) -> Path:
    """Return a repository with a current version and a candidate."""
    assert publish(repository, other.manifest, other.onnx, other.explanation, candidate=True) == 2
    return repository


def described(running: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(running.address).json()
    return found


def predict(running: RunningServer, **body: object) -> httpx.Response:
    return httpx.post(f"{running.address}/predict", json=body, timeout=30)


def compared(running: RunningServer, rows: int) -> dict[str, Any]:
    """Wait until so many rows are compared, and return what is told about the candidate."""
    eventually(
        lambda: described(running).get("candidate", {}).get("rows") == rows,
        lambda: f"{described(running)} {running.text}",
    )
    found: dict[str, Any] = described(running)["candidate"]
    return found


def entries(running: RunningServer) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = httpx.get(f"{running.address}/v2/repository/index").json()
    return listed


def children(running: RunningServer) -> list[str]:
    """Return the processes that the server has started and that still run."""
    return Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()


def test_what_the_candidate_would_change_is_counted_exactly(
    candidate: Path, published: PublishedVersion, other: PublishedVersion
) -> None:
    old, new = (LoadedModel(version).predict(ROWS) for version in (published, other))
    differences = np.abs(old[1].astype(np.float64) - new[1]).max(axis=1)
    with serving(candidate, *ALL) as running:
        running.says("comparing candidate 2")
        answers = predict(running, instances=ROWS.tolist())

        seen = compared(running, len(ROWS))
        assert answers.headers["x-model-version"] == "1"
        assert [answer["prediction"] for answer in answers.json()["predictions"]] == old[0].tolist()
        assert seen["version"] == 2
        assert seen["disagreements"] == int((old[0] != new[0]).sum()) > 0
        assert seen["share_of_disagreement"] == pytest.approx(seen["disagreements"] / len(ROWS))
        assert seen["largest_difference"] == pytest.approx(differences.max())
        assert seen["mean_difference"] == pytest.approx(differences.mean())
        assert (seen["dropped_rows"], seen["errors"]) == (0, 0)

        text = httpx.get(f"{running.address}/metrics").text
        labels = f'{{model="{MODEL}",version="2"}}'
        assert f"copse_candidate_rows_total{labels} {len(ROWS)}.0" in text
        assert f"copse_candidate_disagreements_total{labels} {seen['disagreements']}.0" in text
        assert f"copse_candidate_difference_count{labels} {len(ROWS)}.0" in text


def test_promoting_it_takes_one_poll_and_ends_the_comparison(candidate: Path) -> None:
    with serving(candidate, *ALL) as running:
        running.says("comparing candidate 2")
        assert [entry["state"] for entry in entries(running)] == ["READY", "UNAVAILABLE"]
        assert entries(running)[1]["reason"] == "a candidate, compared with version 1; it is not served"

        use(candidate, MODEL, 2)
        eventually(lambda: described(running)["version"] == 2, lambda: running.text)
        eventually(lambda: "candidate" not in described(running), lambda: running.text)
        assert [entry["version"] for entry in entries(running)] == ["2"]


def test_a_candidate_that_is_withdrawn_is_forgotten(candidate: Path) -> None:
    with serving(candidate, *ALL) as running:
        running.says("comparing candidate 2")
        withdraw(candidate, MODEL)
        eventually(lambda: "candidate" not in described(running), lambda: running.text)
        assert "copse_candidate_rows_total{" not in httpx.get(f"{running.address}/metrics").text
        propose(candidate, MODEL, 2)
        eventually(lambda: "candidate" in described(running), lambda: running.text)


def test_a_damaged_candidate_is_refused_once_with_its_reason_and_serving_goes_on(
    repository: Path, other: PublishedVersion
) -> None:
    publish(repository, other.manifest, other.onnx, other.explanation, candidate=True)
    (repository / MODEL / "2" / "model.onnx").write_bytes(b"nothing")
    with serving(repository, *ALL) as running:
        running.says("version 2 of breast-cancer is refused")
        assert predict(running, features=BENIGN).headers["x-model-version"] == "1"
        (_, entry) = entries(running)
        assert entry["version"] == "2"
        assert entry["reason"].startswith("the candidate is not compared: version 2 of breast-cancer is refused: ")
        assert ready(running.address)
        assert running.stop() == 0
    assert running.text.count("is refused") == 1


def test_a_candidate_with_other_columns_is_refused_until_they_are_those_that_serve(
    repository: Path, published: PublishedVersion, other: PublishedVersion
) -> None:
    columns = [msgspec.structs.replace(column, name=f"new {column.name}") for column in other.manifest.columns]
    manifest = msgspec.structs.replace(other.manifest, columns=columns, importances=None)
    publish(repository, manifest, other.onnx, other.explanation, candidate=True)
    with serving(repository, *ALL) as running:
        running.says("is refused: its columns are not those of the current version; the candidate is not compared")
        assert "candidate" not in described(running)

        publish(
            repository,
            msgspec.structs.replace(published.manifest, columns=columns, importances=None),
            published.onnx,
            published.explanation,
        )
        running.says("comparing candidate 2 of breast-cancer with version 3")
        assert running.stop() == 0


def test_a_candidate_that_hangs_in_its_trial_keeps_no_version_from_going_live(
    repository: Path, published: PublishedVersion, other: PublishedVersion
) -> None:
    publish(repository, other.manifest, other.onnx, other.explanation, candidate=True)
    tree_with_a_cycle(repository / MODEL / "2")
    with serving(repository, *ALL, "--trial-seconds", "3600") as running:
        eventually(lambda: children(running), lambda: "no trial was begun")
        publish(repository, published.manifest, published.onnx, published.explanation)

        running.says("serving breast-cancer version 3")
        eventually(lambda: children(running), lambda: "it is not tried again")
        (trial,) = children(running)
        assert running.stop() == 0
        eventually(lambda: not Path("/proc", trial).exists(), lambda: "the trial goes on without its server")


def test_a_candidate_of_junk_is_said_once(repository: Path) -> None:
    (repository / MODEL / "CANDIDATE").write_text("junk")
    with serving(repository) as running:
        running.says("CANDIDATE of breast-cancer does not hold a version's number; the candidate is not compared")
        (repository / MODEL / "CANDIDATE").unlink()
        eventually(lambda: len(entries(running)) == 1, lambda: f"{entries(running)}")
        assert running.stop() == 0
    assert running.text.count("CANDIDATE of") == 1
