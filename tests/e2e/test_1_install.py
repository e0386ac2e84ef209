"""From nothing to a prediction, by Helm and by the manifests; the other tests use what these install."""

import shlex
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.charts import CASES, FOREIGN, MANIFESTS, Thing, installed, manifests, only, program, render_case
from tests.e2e.cluster import eventually, ready, restarts, run
from tests.e2e.installs import BY_HELM, BY_MANIFESTS, ByHelm, ByManifests, Installation, server_side_check
from tests.examples import BENIGN, MALIGNANT

pytestmark = pytest.mark.cluster

ENOUGH = 3


def predict(address: str, features: list[float]) -> httpx.Response:
    return httpx.post(f"{address}/predict", json={"features": features}, timeout=10)


def goes_on_answering(address: str) -> bool:
    """Return whether it answers for 2 seconds: a node learns of a Service's new port only some time after it is set."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        if not answers(address):
            return False
    return True


def answers(address: str) -> bool:
    try:
        return predict(address, BENIGN).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@BY_MANIFESTS
def test_serving_pods_wait_for_the_first_model_without_a_restart_and_not_ready(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    assert isinstance(installation, ByManifests)
    (job,) = installation.install_all_but("Job")
    pods = installation.namespace.pods
    eventually(lambda: _found_unready(installation) == [ENOUGH, ENOUGH], "the kubelet did not ask the pods")
    assert not any(ready(pod) for pod in pods("serve"))
    assert not answers(address)

    installation.namespace.apply(job)
    applied = time.monotonic()
    eventually(lambda: answers(address), "no answer after the training")
    figure(f"first answer {time.monotonic() - applied:.1f} s after the Job was applied")

    assert [restarts(pod) for pod in pods("serve")] == [0, 0]


def _found_unready(installation: Installation) -> list[int]:
    """Return how often the kubelet has found each serving pod not ready, counting no further than enough."""
    events = installation.namespace.get("events", "--field-selector", "reason=Unhealthy")["items"]
    found = Counter[str]()
    for event in events:
        if "statuscode: 503" in event["message"]:
            found[event["involvedObject"]["name"]] += event.get("count", 1)
    return [min(ENOUGH, found[pod["metadata"]["name"]]) for pod in installation.namespace.pods("serve")]


def test_the_way_installs_in_one_go_and_without_a_warning(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    said: list[str] = []
    fresh = not answers(address)
    begun = time.monotonic()
    installing = threading.Thread(target=lambda: said.append(installation.install()))
    installing.start()
    eventually(lambda: answers(address), "no answer after the installation")
    if fresh:
        figure(f"first answer {time.monotonic() - begun:.1f} s after the command began")
    installing.join()

    eventually(lambda: installation.namespace.settled(2), "there are no two ready pods")
    eventually(lambda: goes_on_answering(address), "the node's port does not go on answering")
    figure(f"all pods ready {time.monotonic() - begun:.1f} s after the command began")
    assert said, "the installation failed"
    assert "warning" not in said[0].lower()
    assert "would violate" not in said[0]
    (job,) = installation.namespace.get("jobs")["items"]
    assert installation.namespace.job_ends_well(job["metadata"]["name"])["status"]["succeeded"] == 1


def test_pods_became_ready_after_the_model_was_published_and_never_restarted(
    installation: Installation, address: str
) -> None:
    eventually(lambda: answers(address), "no answer")
    published = datetime.fromisoformat(httpx.get(f"{address}/").json()["created"]).replace(microsecond=0)

    for pod in installation.namespace.pods("serve"):
        (condition,) = (each for each in pod["status"]["conditions"] if each["type"] == "Ready")
        since = datetime.fromisoformat(condition["lastTransitionTime"]).astimezone(UTC)
        assert since >= published.astimezone(UTC)
        assert restarts(pod) == 0


@pytest.mark.parametrize(("features", "prediction"), [(BENIGN, 1), (MALIGNANT, 0)], ids=["benign", "malignant"])
def test_the_examples_are_answered_through_the_hosts_port_and_through_port_forward(
    installation: Installation, address: str, features: list[float], prediction: int
) -> None:
    with installation.namespace.forwarded("copse") as forwarded:
        through = [predict(way, features).json() for way in (address, forwarded)]

    assert [answer["prediction"] for answer in through] == [prediction, prediction]
    assert through[0] == through[1]


@BY_HELM
def test_the_commands_in_the_notes_work(installation: Installation) -> None:
    assert isinstance(installation, ByHelm)
    commands = [shlex.split(line) for line in installation.notes()]
    curls = [command for command in commands if command[0] == "curl"]
    asked = [command for command in commands if command[0] == "kubectl" and "port-forward" not in command]
    (forward,) = (command for command in commands if "port-forward" in command)

    assert forward[1:] == ["--namespace", installation.namespace.name, "port-forward", "service/copse", "8000:80"]
    for command in asked:
        run(program("kubectl"), *(word for word in command[1:] if word != "--follow"))
    with installation.namespace.forwarded("copse") as address:
        said = [run(*(word.replace("http://127.0.0.1:8000", address) for word in curl)).stdout for curl in curls]
    assert len(said) == 3
    assert '"model":"breast-cancer"' in said[0]
    assert said[1].startswith('{"prediction":1,')
    assert '"model":"breast-cancer"' in said[2]


@BY_HELM
def test_helm_test_passes_and_shows_an_answer(installation: Installation) -> None:
    assert isinstance(installation, ByHelm)
    said = installation.helm("test", "copse", "--logs", "--timeout", "1m")

    assert "Succeeded" in said
    assert "breast-cancer version 1 answers" in said


@BY_HELM
@pytest.mark.parametrize("case", [*CASES, MANIFESTS], ids=lambda path: path.name)
def test_the_api_server_accepts_every_object_strictly_and_without_a_warning(
    installation: Installation, case: Path
) -> None:
    assert isinstance(installation, ByHelm)
    things = manifests(case) if case == MANIFESTS else installed(render_case(case))
    for thing in things:
        if thing["kind"] == "Service" and "nodePort" in thing["spec"]["ports"][0]:
            del thing["spec"]["ports"][0]["nodePort"]  # it may be in use
    known = [thing for thing in things if thing["kind"] not in FOREIGN]

    said = server_side_check(installation.namespace, _under_other_names(known))

    assert len(said.splitlines()) == len(known)
    assert only(known, "Deployment")


def _under_other_names(things: list[Thing]) -> list[Thing]:
    """Return objects that cannot be taken for those which are installed."""
    return [
        {**thing, "metadata": {**thing["metadata"], "name": f"dry-{thing['metadata']['name']}"}} for thing in things
    ]
