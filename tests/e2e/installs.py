"""The two ways to install, with one face: the chart by Helm, and the manifests by kubectl."""

import json
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from tests.charts import CHART, MANIFESTS, ROOT, Thing, manifests, of_kind, only, program
from tests.e2e.cluster import Namespace, run

BY_HELM = pytest.mark.parametrize("installation", ["helm"], indirect=True, scope="session")
BY_MANIFESTS = pytest.mark.parametrize("installation", ["manifests"], indirect=True, scope="session")


class Installation(ABC):
    """Copse in a namespace, with its Service on a port of the node."""

    kind = ""

    def __init__(self, namespace: Namespace, node_port: int) -> None:
        self.namespace = namespace
        self.node_port = node_port

    @abstractmethod
    def install(self) -> str:
        """Install everything in the way's own order; return what was said."""

    @abstractmethod
    def upgrade_image(self, tag: str) -> None:
        """Have the serving pods run another tag of their image."""

    @abstractmethod
    def set_log_level(self, level: str) -> None:
        """Have the serving pods log at another level."""

    def train_again(self, name: str, *arguments: str) -> None:
        """Start a Job that is the installed training Job but for its name and some arguments."""
        (job, *_) = self.namespace.get("jobs", "--selector", "app.kubernetes.io/component=train")["items"]
        spec = {key: value for key, value in job["spec"].items() if key != "selector"}
        template = spec["template"]
        template["metadata"]["labels"] = {
            key: value
            for key, value in template["metadata"]["labels"].items()
            if "job-name" not in key and "uid" not in key
        }
        container = template["spec"]["containers"][0]
        named = {argument.partition("=")[0] for argument in arguments}
        kept = [argument for argument in container["args"] if argument.partition("=")[0] not in named]
        container["args"] = [*kept, *arguments]
        metadata = {"name": name, "labels": job["metadata"]["labels"]}
        self.namespace.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})


class ByManifests(Installation):
    """`kubectl apply -f k8s/`, the Service replaced by the one with a node port."""

    kind = "manifests"

    def install(self) -> str:
        """Apply what the folder holds, then the Service with a node port."""
        said = run(program("kubectl"), "--namespace", self.namespace.name, "apply", "-f", str(MANIFESTS))
        return said.stdout + said.stderr + self.open_port()

    def install_all_but(self, kind: str) -> list[Thing]:
        """Apply all objects but those of a kind, and return these."""
        self.namespace.apply(*(thing for thing in manifests() if thing["kind"] != kind))
        self.open_port()
        return of_kind(manifests(), kind)

    def open_port(self) -> str:
        """Apply the Service with this test's node port."""
        service = only(manifests(MANIFESTS / "extra"), "Service")
        service["spec"]["ports"][0]["nodePort"] = self.node_port
        return self.namespace.apply(service)

    def upgrade_image(self, tag: str) -> None:
        """Set the image, as a person would."""
        self.namespace.kubectl("set", "image", "deployment/copse", f"serve=copse-serve:{tag}")

    def set_log_level(self, level: str) -> None:
        """Patch the ConfigMap, as a person would."""
        self.namespace.kubectl("patch", "configmap", "copse-log", "--patch", json.dumps({"data": {"level": level}}))


class ByHelm(Installation):
    """`helm install copse helm/copse`."""

    kind = "helm"

    def helm(self, *arguments: str) -> str:
        """Return what helm says, warnings too."""
        done = run(program("helm"), "--namespace", self.namespace.name, *arguments)
        return done.stdout + done.stderr

    def install(self) -> str:
        """Install and wait for pods and Job."""
        return self.release("copse", *self._port(), "--wait", "--wait-for-jobs", "--timeout", "2m")

    def release(self, name: str, *arguments: str) -> str:
        """Install the chart as a release, or bring the release up to date."""
        return self.helm("upgrade", "--install", name, str(CHART), *arguments)

    def upgrade_image(self, tag: str) -> None:
        """Upgrade the release with another tag."""
        self.release("copse", *self._port(), "--set", f"serve.image.tag={tag}")

    def set_log_level(self, level: str) -> None:
        """Upgrade the release with another level."""
        self.release("copse", *self._port(), "--set", f"serve.logLevel={level}")

    def allow_one_disruption(self) -> None:
        """Upgrade the release with a budget for disruptions, so that a drain takes one pod at a time."""
        self.helm(
            "upgrade", "copse", str(CHART), "--reuse-values", "--set", "podDisruptionBudget.enabled=true", "--wait"
        )

    def notes(self) -> list[str]:
        """Return the commands in the release's notes."""
        return [line.strip() for line in self.helm("get", "notes", "copse").splitlines() if line.startswith("  ")]

    def _port(self) -> list[str]:
        return ["--set", f"service.type=NodePort,service.nodePort={self.node_port}"]


def server_side_check(namespace: Namespace, rendered: list[Thing]) -> str:
    """Return what the API server says to objects that are checked strictly and not kept."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": rendered})
    command = ["apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-"]
    return namespace.kubectl(*command, stdin=listed)


def version() -> str:
    """Return the project's version, which is the tag of the images."""
    line = next(line for line in Path(ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version"))
    return line.split('"')[1]
