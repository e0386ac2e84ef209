"""A real Prometheus that reads one server every second, and what it is asked."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.programs import prometheus
from tests.servers import end, eventually

TARGET = {"job": "copse", "namespace": "ml", "pod": "copse-0"}  # as a monitor in a cluster labels a pod
OWN = {"__name__", "instance", *TARGET}
LISTENING = re.compile(r'msg="Listening on".* address=(127\.0\.0\.1:\d+)')

Labels = dict[str, str]


@dataclass
class RunningPrometheus:
    """A Prometheus process, and what it has logged so far."""

    process: subprocess.Popen[str]
    logged: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return http://host:port, once it listens."""
        eventually(lambda: LISTENING.search("".join(self.logged)), lambda: "".join(self.logged))
        found = LISTENING.search("".join(self.logged))
        assert found
        return f"http://{found[1]}"

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what its API tells; fail with what it says is wrong."""
        answer = httpx.get(f"{self.address}/api/v1/{path}", params=parameters, timeout=30)
        told = answer.json()
        assert told["status"] == "success", told
        assert not told.get("warnings"), told
        return told["data"]

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """Return labels and value of each series that an expression has now."""
        found = self.get("query", query=expression)
        assert found["resultType"] == "vector"
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, expression: str) -> float | None:
        """Return the value of an expression that has at most one."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def counted(self, series: str, *names: str) -> dict[tuple[str, ...], float]:
        """Return the value of each series of a name that is not 0, by the values of these labels."""
        return {tuple(labels[name] for name in names): value for labels, value in self.query(series) if value}

    def failure(self) -> str:
        """Return why the server could not be read the last time, if it could not."""
        (target,) = self.get("targets")["activeTargets"]
        told: str = target["lastError"]
        return told

    def labels(self) -> dict[str, set[str]]:
        """Return the names of all series that were ever read, each with the names of its own labels."""
        found: dict[str, set[str]] = {}
        for series in self.get("series", **{"match[]": '{job="copse"}'}):
            found.setdefault(series["__name__"], set()).update(series.keys() - OWN)
        return found


@contextmanager
def watching(address: str, rules: Path, folder: Path) -> Iterator[RunningPrometheus]:
    """Run Prometheus, which reads a server and evaluates rules every second; it is ended when the block is left."""
    scrape = {"job_name": "copse", "static_configs": [{"targets": [address.partition("//")[2]], "labels": TARGET}]}
    timing = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": timing, "scrape_configs": [scrape], "rule_files": [str(rules)]}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    command = [
        prometheus("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    running = RunningPrometheus(process)
    reader = threading.Thread(target=_read, args=(running,))
    reader.start()
    try:
        yield running
    finally:
        end(process)
        reader.join()


def _read(running: RunningPrometheus) -> None:
    assert running.process.stderr
    with running.process.stderr as output:
        running.logged.extend(output)
