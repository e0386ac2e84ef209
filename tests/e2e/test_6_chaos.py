"""Everything at once: pods deleted, the node drained, versions published, broken and rolled back, under load."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.charts import ROOT, Thing, extra
from tests.e2e.cluster import eventually
from tests.e2e.installs import BY_HELM, ByHelm, Installation
from tests.e2e.load import load

pytestmark = pytest.mark.cluster

MODEL = "breast-cancer"
CONNECTIONS = 12
BREAK = """
import pathlib, shutil, sys
model = pathlib.Path(sys.argv[1])
newest = max(int(folder.name) for folder in model.iterdir() if folder.name.isdigit())
broken = model / str(newest + 1)
shutil.copytree(model / str(newest), broken)
graph = broken / "model.onnx"
graph.write_bytes(graph.read_bytes()[:-1] + b"!")
(model / "CURRENT").write_text(f"{newest + 1}\\n")
print(f"version {newest + 1} is current")
"""


def index(address: str) -> list[list[Thing]]:
    """Return the repository index of many connections, and so of every pod."""
    return [httpx.get(f"{address}/v2/repository/index").json() for _ in range(CONNECTIONS)]


def serve_only(address: str, version: int) -> bool:
    return all(
        [entry["version"] for entry in entries if entry["state"] == "READY"] == [str(version)]
        for entries in index(address)
    )


def refuse(address: str, version: int) -> bool:
    """Return whether every pod refuses a version and says why."""
    refused = [[entry for entry in entries if entry["state"] == "UNAVAILABLE"] for entries in index(address)]
    return all(entries and entries[0]["version"] == str(version) and entries[0]["reason"] for entries in refused)


class Chaos:
    """What is done to an installation, in turns."""

    def __init__(self, installation: Installation, address: str) -> None:
        self._installation = installation
        self._namespace = installation.namespace
        self._address = address
        self._jobs = 0
        self._first = self._good = max(int(entries[0]["version"]) for entries in index(address))

    def delete_a_pod(self) -> None:
        victim = self._namespace.pods("serve")[0]["metadata"]["name"]
        self._namespace.kubectl("delete", "pod", victim, "--wait=false")
        eventually(lambda: victim not in self._names(), "the pod is still there")
        self._settle()

    def drain_the_node(self) -> None:
        """Evict what may be evicted; the budget keeps one pod, since no other node takes the evicted one."""
        (node,) = {pod["spec"]["nodeName"] for pod in self._namespace.pods("serve")}
        before = self._names()
        try:
            with pytest.raises(AssertionError, match="disruption budget"):
                self._namespace.kubectl(
                    "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=20s",
                    "--pod-selector=app.kubernetes.io/component=serve",
                )  # fmt: skip
            assert len(before & self._names()) == 1
        finally:
            self._namespace.kubectl("uncordon", node)
        self._settle()

    def publish(self) -> None:
        self._jobs += 1
        name = f"copse-chaos-train-{self._jobs}"
        self._installation.train_again(name, f"--seed={100 + self._jobs}", "--trees=20")
        self._good = self._made_current_by(name)
        eventually(lambda: serve_only(self._address, self._good), "not every pod serves the new version")

    def break_a_version(self) -> None:
        broken = self._made_current_by(self._job("break", ["python", "-c", BREAK, f"/models/{MODEL}"]))
        eventually(lambda: refuse(self._address, broken), "not every pod refuses the broken version")
        assert serve_only(self._address, self._good)

    def roll_back(self) -> None:
        self._good = self._first
        command = ["python", "-m", "model_repository.cli", "--models", "/models", "use", MODEL, str(self._good)]
        assert self._made_current_by(self._job("use", command)) == self._good
        eventually(lambda: serve_only(self._address, self._good), "not every pod went back")

    def _job(self, what: str, command: list[str]) -> str:
        """Run a command beside the volume, and return the name of its Job."""
        self._jobs += 1
        job = extra("use-version.yaml")
        name: str = f"copse-chaos-{what}-{self._jobs}"
        job["metadata"]["name"] = name
        job["metadata"]["labels"]["app.kubernetes.io/component"] = "chaos"  # it is no training to be done again
        container = job["spec"]["template"]["spec"]["containers"][0]
        container["command"], container["args"] = command[:1], command[1:]
        self._namespace.apply(job)
        return name

    def _made_current_by(self, job: str) -> int:
        """Wait for a Job, and return the version that it says is current now."""
        self._namespace.job_ends_well(job)
        said = re.search(r"version (\d+) is current", self._namespace.kubectl("logs", f"job/{job}"))
        assert said
        return int(said[1])

    def _names(self) -> set[str]:
        return {pod["metadata"]["name"] for pod in self._namespace.pods("serve")}

    def _settle(self) -> None:
        eventually(lambda: self._namespace.settled(2), "there are no 2 ready pods and only these")


@BY_HELM
def test_chaos_loses_no_request(installation: Installation, address: str, figure: Callable[[str], None]) -> None:
    assert isinstance(installation, ByHelm)
    installation.allow_one_disruption()
    chaos = Chaos(installation, address)
    done = []
    with load(address) as running:
        for _ in range(2):
            for act in (
                chaos.publish,
                chaos.delete_a_pod,
                chaos.break_a_version,
                chaos.drain_the_node,
                chaos.roll_back,
            ):
                act()
                done.append(act.__name__.replace("_", " "))

    figure(running.figures())
    _keep(running.sent, sum(counter.total() for counter in running.lost.values()), done)
    assert running.sent > 500
    assert not running.lost, running.figures()


def _keep(tried: int, lost: int, done: list[str]) -> None:
    """Keep the figures for the table in docs/reliability.md."""
    row = {
        "what": "On a kind cluster: pods deleted, the node drained, versions published, broken and rolled back",
        "tried": tried,
        "lost": lost,
        "seen": f"in turn, twice: {', '.join(done[: len(done) // 2])}",
    }
    path = ROOT / "build" / "reliability-cluster.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(row))
