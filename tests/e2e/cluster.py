"""A namespace of a real cluster, through kubectl and its current context."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.charts import Thing, program

DEADLINE_SECONDS = 120.0
LABELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def run(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program that must succeed; what it says is in the error if it does not."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=2 * DEADLINE_SECONDS
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done


def eventually(holds: Callable[[], object], complaint: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something holds; fail with the complaint when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{complaint} (after {seconds:.0f} s)"
        time.sleep(0.25)


class Namespace:
    """A namespace that enforces Pod Security `restricted`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create(self) -> None:
        """Create it with its labels."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": LABELS}}
        run(program("kubectl"), "apply", "-f", "-", stdin=json.dumps(manifest))

    def delete(self) -> None:
        """Delete it with all that is in it, and wait until it is gone."""
        run(program("kubectl"), "delete", "namespace", self.name, "--timeout=120s")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what kubectl says."""
        return run(program("kubectl"), "--namespace", self.name, *arguments, stdin=stdin).stdout

    def apply(self, *things: Thing) -> str:
        """Apply objects as a person would; return all that kubectl says, warnings too."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(things)}
        done = run(program("kubectl"), "--namespace", self.name, "apply", "-f", "-", stdin=json.dumps(listed))
        return done.stdout + done.stderr

    def get(self, *arguments: str) -> Any:
        """Return what `kubectl get` finds, as JSON."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def pods(self, component: str, instance: str = "copse") -> list[Thing]:
        """Return the pods of a component, those that are ending too."""
        selector = f"app.kubernetes.io/instance={instance},app.kubernetes.io/component={component}"
        found: list[Thing] = self.get("pods", "--selector", selector)["items"]
        return found

    def settled(self, replicas: int) -> bool:
        """Return whether so many serving pods are there, all ready, none of them ending."""
        pods = self.pods("serve")
        return len(pods) == replicas and all(ready(pod) and not ending(pod) for pod in pods)

    def job_ends_well(self, name: str) -> Thing:
        """Wait until a Job is complete, and fail at once if it has failed; return it."""

        def complete() -> bool:
            conditions = self.get("job", name).get("status", {}).get("conditions", [])
            true = {condition["type"] for condition in conditions if condition["status"] == "True"}
            assert "Failed" not in true, f"Job {name} failed: {conditions}"
            return "Complete" in true

        eventually(complete, f"Job {name} is not complete")
        found: Thing = self.get("job", name)
        return found

    @contextmanager
    def forwarded(self, service: str) -> Iterator[str]:
        """Forward a free local port to a Service's port 80; yield its address."""
        command = [program("kubectl"), "--namespace", self.name, "port-forward", f"service/{service}", ":80"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert process.stdout
            said = process.stdout.readline()
            assert said.startswith("Forwarding from 127.0.0.1:"), said
            yield f"http://127.0.0.1:{said.split(':')[1].split()[0]}"
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE_SECONDS)

    def dump(self) -> str:
        """Return what one needs to see after a failure: objects, events, descriptions and logs."""
        name = ["--namespace", self.name]
        questions = [
            [*name, "get", "all,pvc", "--output", "wide"],
            [*name, "get", "events", "--sort-by", ".metadata.creationTimestamp"],
            [*name, "describe", "pods,jobs,deployments,pvc"],
            [*name, "logs", "--selector", "app.kubernetes.io/name=copse", "--prefix", "--tail", "-1"],
            [*name, "logs", "--selector", "app.kubernetes.io/name=copse", "--prefix", "--tail", "-1", "--previous"],
            ["describe", "nodes"],
        ]
        return "\n".join(_ask(question) for question in questions)


def _ask(question: list[str]) -> str:
    done = subprocess.run([program("kubectl"), *question], capture_output=True, text=True, check=False, timeout=60)
    return f"$ kubectl {' '.join(question)}\n{done.stdout}{done.stderr}"


def ready(pod: Thing) -> bool:
    """Return whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ending(pod: Thing) -> bool:
    """Return whether a pod has been told to end."""
    return "deletionTimestamp" in pod["metadata"]


def restarts(pod: Thing) -> int:
    """Return how often the containers of a pod were started again."""
    return sum(status["restartCount"] for status in pod.get("status", {}).get("containerStatuses", []))
