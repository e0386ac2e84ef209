"""The chart and the plain manifests as objects, for tests that look at them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "copse"
MANIFESTS = ROOT / "k8s"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
NEWEST_KUBERNETES = "1.37.0"
FOREIGN = frozenset({"HTTPRoute", "PodMonitor", "PrometheusRule", "ServiceMonitor"})  # kinds that a bare cluster lacks

Thing = dict[str, Any]


class Refused(Exception):
    """Helm refused to render; the text is what it said."""


def program(name: str) -> str:
    """Return a program's path; skip the test where there is none, which on CI is a failure."""
    found = shutil.which(name)
    if not found:
        complaint = f"{name} is not installed"
        if os.environ.get("CI"):
            pytest.fail(complaint)
        pytest.skip(complaint)
    return found


def render(*arguments: str | Path, release: str = "copse") -> list[Thing]:
    """Return the objects of the chart.

    Raises:
        Refused: these values are refused.

    """
    command = [program("helm"), "template", release, str(CHART), "--kube-version", NEWEST_KUBERNETES, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def render_case(case: Path) -> list[Thing]:
    """Return the objects of the chart with one of its ci/*-values.yaml."""
    return render("--values", case)


def installed(things: list[Thing]) -> list[Thing]:
    """Return the objects without hooks such as `helm test`."""
    return [thing for thing in things if "helm.sh/hook" not in thing["metadata"].get("annotations", {})]


def manifests(folder: Path = MANIFESTS) -> list[Thing]:
    """Return the objects that `kubectl apply -f` finds in a folder, in its order, not looking into folders below."""
    return [thing for path in sorted(folder.glob("*.yaml")) for thing in yaml.safe_load_all(path.read_text())]


def extra(name: str) -> Thing:
    """Return the object in a file of k8s/extra/."""
    thing: Thing = yaml.safe_load((MANIFESTS / "extra" / name).read_text())
    return thing


def of_kind(things: list[Thing], kind: str) -> list[Thing]:
    """Return the objects of a kind."""
    return [thing for thing in things if thing["kind"] == kind]


def only(things: list[Thing], kind: str) -> Thing:
    """Return the only object of a kind."""
    found = of_kind(things, kind)
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def pod_templates(things: list[Thing]) -> Iterator[Thing]:
    """Yield metadata and spec of every pod that these objects lead to."""
    for thing in things:
        if thing["kind"] in ("Deployment", "Job"):
            yield thing["spec"]["template"]
        elif thing["kind"] == "CronJob":
            yield thing["spec"]["jobTemplate"]["spec"]["template"]
        elif thing["kind"] == "Pod":
            yield thing


def pods(things: list[Thing]) -> list[Thing]:
    """Return the spec of every pod that these objects lead to."""
    return [template["spec"] for template in pod_templates(things)]


def containers(things: list[Thing]) -> list[Thing]:
    """Return all containers, those that come before the others too."""
    return [
        container for pod in pods(things) for container in [*pod.get("initContainers", []), *pod.get("containers", [])]
    ]


def service(things: list[Thing]) -> Thing:
    """Return the Service that has an address of its own."""
    (found,) = [each for each in of_kind(things, "Service") if each["spec"].get("clusterIP") != "None"]
    return found


def selects(labels: dict[str, str], template: Thing) -> bool:
    """Return whether a selector's labels are all on a pod template."""
    carried: dict[str, str] = template["metadata"]["labels"]
    return labels.items() <= carried.items()
