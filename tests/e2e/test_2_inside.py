"""What the pods can and cannot do, asked from inside."""

import json
import time
from collections.abc import Callable

import httpx
import pytest

from tests.e2e.cluster import Namespace, eventually, restarts
from tests.e2e.installs import Installation

pytestmark = pytest.mark.cluster

PROBE = """
import json, os, pathlib
def writes(path):
    try:
        pathlib.Path(path, "probe").touch()
    except OSError as error:
        return error.strerror
    return "written"
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "root": writes("/"), "volume": writes("/models"),
    "token": os.path.exists("/var/run/secrets/kubernetes.io"),
    "links": [name for name in os.environ if name.startswith("COPSE_PORT_") or name.endswith("_SERVICE_HOST")],
    "threads": os.environ["COPSE_THREADS"],
    **{name: status[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")},
}))
"""


def inside(namespace: Namespace, target: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(namespace.kubectl("exec", target, "--", "python", "-c", PROBE))
    return found


def test_a_serving_pod_can_write_nothing_and_knows_nothing_of_the_cluster(installation: Installation) -> None:
    found = inside(installation.namespace, "deployment/copse")

    links = found.pop("links")
    assert set(links) <= {"KUBERNETES_SERVICE_HOST"}  # type: ignore[call-overload]
    assert found == {
        "user": [10001, 10001],
        "root": "Read-only file system",
        "volume": "Read-only file system",
        "token": False,
        "threads": "1",
        "CapEff": "0000000000000000",
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }


def test_a_pod_that_is_not_locked_down_is_refused_by_the_namespace(installation: Installation) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "loose"},
        "spec": {"containers": [{"name": "loose", "image": "copse-serve:0.1.0"}]},
    }

    with pytest.raises(AssertionError, match='violates PodSecurity "restricted'):
        installation.namespace.apply(pod)


def test_the_log_is_json_and_its_level_changes_in_running_pods_without_a_restart(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    namespace = installation.namespace
    before = {pod["metadata"]["name"]: restarts(pod) for pod in namespace.pods("serve")}

    def in_the_logs(words: str) -> int:
        return sum(words in namespace.kubectl("logs", name) for name in before)

    begun = time.monotonic()
    installation.set_log_level("debug")
    anew = "the settings of the log were read anew"
    eventually(lambda: in_the_logs(anew) == len(before), "not every pod has read the level", 240)
    figure(f"in all pods after {time.monotonic() - begun:.0f} s")
    assert httpx.get(f"{address}/", headers={"x-request-id": "told-in-the-log"}).status_code == 200
    eventually(lambda: in_the_logs('"request_id":"told-in-the-log"') == 1, "the request has no line")

    installation.set_log_level("info")
    assert {pod["metadata"]["name"]: restarts(pod) for pod in namespace.pods("serve")} == before
    for name in before:
        assert all(isinstance(json.loads(line), dict) for line in namespace.kubectl("logs", name).splitlines())
