"""Training again, killed half-way or not, and going back: the service answers all the while."""

import io
import shlex
import subprocess
import tarfile
from collections.abc import Callable

import httpx
import pytest

from tests.charts import ROOT, extra, program
from tests.e2e.cluster import eventually, restarts
from tests.e2e.installs import Installation
from tests.e2e.load import load

pytestmark = pytest.mark.cluster

DOCS = ROOT / "docs" / "kubernetes.md"
CONNECTIONS = 12


def served(address: str) -> set[int]:
    """Return the versions that answer; each request has a connection of its own, and so comes to any pod."""
    return {httpx.get(f"{address}/").json()["version"] for _ in range(CONNECTIONS)}


def test_a_training_with_other_inputs_is_taken_over_and_loses_no_request(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    with load(address) as running:
        eventually(lambda: running.versions, "no answer")
        installation.train_again("copse-train-again", "--seed=43")
        installation.namespace.job_ends_well("copse-train-again")
        eventually(lambda: served(address) == {2}, "not every pod serves version 2")

    figure(running.figures())
    assert running.versions == {"1", "2"}
    assert not running.lost, running.figures()
    assert sum(restarts(pod) for pod in installation.namespace.pods("serve")) == 0


def test_a_training_with_the_same_inputs_publishes_nothing_new(installation: Installation, address: str) -> None:
    installation.train_again("copse-train-the-same", "--seed=43")
    installation.namespace.job_ends_well("copse-train-the-same")

    assert "nothing new" in installation.namespace.kubectl("logs", "job/copse-train-the-same")
    assert served(address) == {2}


def test_a_training_killed_half_way_is_tried_again_and_the_service_answers_all_the_while(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    namespace = installation.namespace
    with load(address) as running:
        installation.train_again("copse-train-killed", "--seed=44", "--trees=400")
        eventually(lambda: "fit " in _log(installation, "copse-train-killed"), "the training did not begin")
        (pod,) = namespace.get("pods", "--selector", "batch.kubernetes.io/job-name=copse-train-killed")["items"]
        namespace.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
        job = namespace.job_ends_well("copse-train-killed")
        eventually(lambda: served(address) == {3}, "not every pod serves version 3")

    figure(running.figures())
    assert job["status"]["failed"] == 1
    assert job["status"]["succeeded"] == 1
    assert not running.lost, running.figures()


def _log(installation: Installation, job: str) -> str:
    pods = installation.namespace.get("pods", "--selector", f"batch.kubernetes.io/job-name={job}")["items"]
    running = [pod for pod in pods if pod.get("status", {}).get("phase") in ("Running", "Succeeded")]
    return installation.namespace.kubectl("logs", running[0]["metadata"]["name"]) if running else ""


def test_a_backup_made_by_the_docs_command_holds_every_version(installation: Installation) -> None:
    (line,) = (line for line in DOCS.read_text().splitlines() if line.startswith("    kubectl exec deployment/copse"))
    command = shlex.split(line)[1:-2]  # without kubectl itself and "> models.tar"
    backup = subprocess.run(
        [program("kubectl"), "--namespace", installation.namespace.name, *command], capture_output=True, check=True
    ).stdout

    with tarfile.open(fileobj=io.BytesIO(backup)) as archive:
        names = set(archive.getnames())
    assert {f"models/breast-cancer/{version}/model.onnx" for version in (1, 2, 3)} < names
    assert "models/breast-cancer/CURRENT" in names


def test_going_back_to_an_older_version_takes_seconds(installation: Installation, address: str) -> None:
    installation.namespace.apply(extra("use-version.yaml"))
    installation.namespace.job_ends_well("copse-use-version")

    eventually(lambda: served(address) == {1}, "not every pod serves version 1", seconds=10)
