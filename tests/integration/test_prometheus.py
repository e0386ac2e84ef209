"""A real Prometheus reads a real server under load: what it has is what the docs say and what the clients sent.

And what people will ask it, in the dashboard and in the alerts, has an answer.
"""

import json
import math
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np

from model_repository import PublishedVersion, publish
from serve.errors import OVERLOADS
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.infer_bodies import Sent, infer_body
from tests.mixed_models import NAME as SHAPES
from tests.mixed_models import ROWS as SHAPES_ROWS
from tests.mixed_models import publish_mixed
from tests.programs import ROOT, prometheus
from tests.prometheus import RunningPrometheus, watching
from tests.remote_calls import Caller, infer_raw, raw
from tests.servers import RunningServer, eventually, serving
from train.builtin import built_in

ALERTS = ROOT / "helm" / "copse" / "files" / "alerts.yaml"
DASHBOARD = ROOT / "helm" / "copse" / "files" / "dashboard.json"
DOCS = (ROOT / "docs" / "monitoring.md").read_text()
DOCUMENTED = {
    name: set() if labels == "-" else set(labels.split(", "))
    for name, labels in re.findall(r"^\| `((?:copse|process)_\w+)` \| ([\w, -]+) \|", DOCS, re.MULTILINE)
}
HISTOGRAM = re.compile(r"_(bucket|count|sum)$")
# What the dashboard asks of all pods, over the whole test.
ASKED = {"$namespace": ".*", "$pod": ".*", "$model": ".*", "$__rate_interval": "5m", "[1m]": "[5m]"}
OFTEN = "min(count_over_time(copse_drift_index[1m]) and copse_drift_index) > 1"
FLAGS = (
    *("--model", MODEL, "--grpc-port", "0", "--shadow-share", "1", "--watch-seconds", "60"),
    *("--waiting-requests", "1", "--prediction-log-share", "1"),
)
PREDICT, PREDICT_OF, INFER = "/predict", "/models/{name}/predict", "/v2/models/{name}/infer"
GRPC = "/inference.GRPCInferenceService/ModelInfer"


class Clients:
    """All clients of a server, and what they sent and were answered."""

    def __init__(self, running: RunningServer) -> None:
        self._address = running.address
        self._lock = threading.Lock()
        self.requests: Counter[tuple[str, str, str]] = Counter()  # by route, method and status
        self.rows: Counter[tuple[str, str]] = Counter()  # by model and version
        self.refused: Counter[tuple[str]] = Counter()  # by reason

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Connect a client of one thread."""
        with httpx.Client(base_url=self._address, timeout=30) as client:
            yield client

    def ask(
        self,
        client: httpx.Client,
        route: str,
        *,
        path: str = "",
        method: str = "POST",
        rows: int = 1,
        reason: str | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Send a request of some rows, and note its answer; `reason` is that of its refusal, if it is not overload."""
        answer = client.request(method, path or route, **body)
        with self._lock:
            self.requests[route, method if method in ("GET", "POST") else "other", str(answer.status_code)] += 1
            if "x-model-version" in answer.headers and answer.is_success and method == "POST":
                self.rows[answer.headers["x-model-name"], answer.headers["x-model-version"]] += rows
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                (reason,) = (name for name, text in OVERLOADS.items() if text in answer.text)
            if reason:
                self.refused[(reason,)] += 1
        return answer

    def called(self, rows: int, model: str, version: str) -> None:
        """Note a prediction over gRPC that was answered."""
        self.requests[GRPC, "POST", "200"] += 1
        self.rows[model, version] += rows


def good_requests(clients: Clients, running: RunningServer) -> None:
    many = np.array([BENIGN] * 3, np.float32)
    tensor = Sent("input", "FP32", [3, 30], many.ravel().tolist())
    with clients.client() as client:
        for count in range(1, 6):
            clients.ask(client, PREDICT, json={"features": BENIGN})
            body = {"instances": [BENIGN] * count}
            clients.ask(client, PREDICT_OF, path=f"/models/{MODEL}/predict", rows=count, json=body)
            clients.ask(client, "/explain", json={"features": BENIGN})
            clients.ask(client, "/v1/models/{name}:predict", path=f"/v1/models/{MODEL}:predict", rows=count, json=body)
            for form in (infer_body([tensor]), infer_body([tensor], "binary")):
                sent: dict[str, Any] = {"content": form.content, "headers": form.headers}
                clients.ask(client, INFER, path=f"/v2/models/{MODEL}/infer", rows=3, **sent)
        clients.ask(client, PREDICT, rows=1500, json={"instances": [BENIGN] * 1500})
        for path in ("/", "/livez", "/readyz"):
            clients.ask(client, path, method="GET")
    with Caller.of(running) as caller:
        answer = caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", many)))
    clients.called(3, MODEL, answer.model_version)


def bad_requests(clients: Clients) -> None:
    with clients.client() as client:
        clients.ask(client, PREDICT, json={"features": [1]}, reason="wrong_values")
        clients.ask(client, PREDICT, content=b"{", headers={"content-type": "application/json"}, reason="malformed")
        clients.ask(client, PREDICT, content=b"x", headers={"content-type": "text/csv"}, reason="wrong_media_type")
        body = {"features": BENIGN}
        clients.ask(client, PREDICT_OF, path="/models/nobody/predict", json=body, reason="no_such_model")
        clients.ask(client, "unmatched", path="/nobody/knows", method="GET")
        clients.ask(client, PREDICT, method="DELETE")


def storm(clients: Clients) -> None:
    """Ask for more than is answered at a time, until somebody is turned away."""

    def many(_: int) -> None:
        with clients.client() as client:
            for _ in range(8):
                clients.ask(client, PREDICT, rows=100, json={"instances": [BENIGN] * 100})

    def turned_away() -> bool:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(many, range(16)))
        return any(status == "503" for _, _, status in clients.requests)

    eventually(turned_away, lambda: "nobody is turned away")


@contextmanager
def steady(clients: Clients) -> Iterator[None]:
    """Have somebody ask again and again while something happens."""
    enough = threading.Event()

    def one_after_another() -> None:
        with clients.client() as client:
            while not enough.wait(0.005):
                clients.ask(client, PREDICT, json={"features": BENIGN})

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(one_after_another)
        try:
            yield
        finally:
            enough.set()
            asking.result()


def versions(
    clients: Clients, running: RunningServer, repository: Path, published: PublishedVersion, other: PublishedVersion
) -> None:
    """Swap to version 2, refuse version 3, go back from version 4, and propose version 5."""
    with steady(clients):
        publish(repository, other.manifest, other.onnx, other.explanation)
        running.says(f"serving {MODEL} version 2")
        wrong = msgspec.structs.replace(published.manifest, golden=other.manifest.golden)
        publish(repository, wrong, published.onnx, published.explanation)
        running.says("version 2 goes on serving")
    columns = [msgspec.structs.replace(column, name=f"new {column.name}") for column in published.manifest.columns]
    renamed = msgspec.structs.replace(published.manifest, columns=columns, importances=None)
    publish(repository, renamed, published.onnx, published.explanation)
    running.says(f"serving {MODEL} version 4")
    names = [column.name for column in published.manifest.columns]
    with clients.client() as client:
        for _ in range(20):
            body = {"features": dict(zip(names, BENIGN, strict=True))}
            assert clients.ask(client, PREDICT, json=body, reason="wrong_values").status_code == 422
    running.says("back to version 2")
    publish(repository, published.manifest, published.onnx, published.explanation, candidate=True)
    running.says("comparing candidate 5")


def the_world_changes(clients: Clients) -> None:
    """Send rows that are not as in training: numbers larger, texts unknown, values missing."""
    rows = built_in("breast-cancer").rows.copy()
    rows[:, 0] *= 2
    with clients.client() as client:
        clients.ask(client, PREDICT, rows=len(rows), json={"instances": rows.tolist()})
        for _ in range(3):
            body = {"instances": SHAPES_ROWS * 40}
            clients.ask(client, PREDICT_OF, path=f"/models/{SHAPES}/predict", rows=len(SHAPES_ROWS) * 40, json=body)


def test_prometheus_has_what_the_docs_say_and_what_was_sent_and_every_question_has_an_answer(
    repository: Path, published: PublishedVersion, other: PublishedVersion, tmp_path: Path
) -> None:
    publish_mixed(repository, "classes")
    log = tmp_path / "predictions.jsonl"
    with (
        serving(repository, *FLAGS, "--prediction-log", str(log)) as running,
        watching(running.address, ALERTS, tmp_path) as reading,
    ):
        eventually(lambda: reading.value("copse_ready") == 1, reading.failure)
        clients = Clients(running)
        good_requests(clients, running)
        bad_requests(clients)
        storm(clients)
        versions(clients, running, repository, published, other)
        the_world_changes(clients)
        all_is_read(reading, clients)
        with steady(clients):  # so that what has just appeared is read more than once
            eventually(lambda: reading.query(OFTEN), lambda: str(reading.query("copse_drift_index")))
        all_is_read(reading, clients)

        the_series_are_those_of_the_docs(reading)
        the_counts_are_those_of_the_clients(reading, clients)
        the_log_has_every_row(reading, clients, log)
        every_query_of_the_dashboard_has_data(reading)
        every_alert_is_evaluated(reading)
        the_exposition_follows_the_conventions(running)


def all_is_read(reading: RunningPrometheus, clients: Clients) -> None:
    """Wait until Prometheus has read what came last."""
    rows = clients.rows.total()
    expected = {
        'sum(copse_requests_total{route!="/metrics"})': clients.requests.total(),
        "sum(copse_rows_total)": rows,
        "copse_prediction_log_rows_total": rows,
    }

    def read() -> dict[str, float | None]:
        return {query: reading.value(query) for query in expected}

    eventually(lambda: read() == expected, lambda: f"{read()} and not {expected}; {reading.failure()}")


def the_series_are_those_of_the_docs(reading: RunningPrometheus) -> None:
    found = {name: labels for name, labels in reading.labels().items() if name.startswith(("copse_", "process_"))}
    histograms = {name.removesuffix("_bucket") for name in found if name.endswith("_bucket")}
    told: dict[str, set[str]] = {}
    for name, labels in found.items():
        whole = HISTOGRAM.sub("", name)
        told.setdefault(whole if whole in histograms else name, set()).update(labels - {"le"})

    assert len(DOCUMENTED) > 30
    assert told == DOCUMENTED


def the_counts_are_those_of_the_clients(reading: RunningPrometheus, clients: Clients) -> None:
    requests = reading.counted('copse_requests_total{route!="/metrics"}', "route", "method", "status")

    assert requests == clients.requests
    assert reading.counted("copse_rows_total", "model", "version") == clients.rows
    assert reading.counted("copse_refused_requests_total", "reason") == clients.refused
    assert {reason for (reason,) in clients.refused} >= {"full", "malformed", "no_such_model", "wrong_values"}
    assert clients.rows.keys() == {(MODEL, "1"), (MODEL, "2"), (SHAPES, "1")}
    by_route: Counter[tuple[str]] = Counter()
    for (route, _, _), count in clients.requests.items():
        by_route[(route,)] += count
    timed = reading.counted('copse_request_duration_seconds_count{route!="/metrics"}', "route")
    overload = clients.requests[PREDICT, "POST", "503"]  # of which those have no duration that were told by their head
    assert by_route[(PREDICT,)] - overload <= timed.pop((PREDICT,)) <= by_route.pop((PREDICT,))
    assert timed == by_route
    assert reading.query('copse_requests_total{route="/metrics"} + 1 >= on () count_over_time(copse_ready[10m])')
    assert reading.counted("copse_batch_rows_sum", "model", "version") == clients.rows
    assert reading.counted("copse_model_swaps_total", "model") == {(MODEL,): 2}
    assert reading.counted("copse_model_rollbacks_total", "model") == {(MODEL,): 1}
    assert reading.counted("copse_model_refusals_total", "reason") == {("check",): 1, ("errors",): 1}


def the_log_has_every_row(reading: RunningPrometheus, clients: Clients, log: Path) -> None:
    assert len(log.read_bytes().splitlines()) == clients.rows.total()
    assert not reading.counted("copse_prediction_log_dropped_rows_total", "reason")


def every_query_of_the_dashboard_has_data(reading: RunningPrometheus) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries = [target["expr"] for target in [*targets, *dashboard["annotations"]["list"]]]

    assert len(queries) > 40
    for query in queries:
        asked = query
        for variable, value in ASKED.items():
            asked = asked.replace(variable, value)
        assert "$" not in asked
        assert any(math.isfinite(value) for _, value in reading.query(asked)), f"no data: {asked}"


def every_alert_is_evaluated(reading: RunningPrometheus) -> None:
    """And those fire, or are about to, whose reason was there."""
    (group,) = reading.get("rules")["groups"]
    states = {rule["name"]: rule["state"] for rule in group["rules"]}

    for rule in group["rules"]:
        assert (rule["health"], rule.get("lastError", "")) == ("ok", "")
        reading.query(rule["query"])
    for name in ("CopseSlow", "CopseOverloaded"):  # how slow and how much too much depends on the machine
        assert states.pop(name) in ("inactive", "pending")
    assert states == {
        "CopseNotAnswering": "inactive",
        "CopseErrors": "inactive",
        "CopseModelRefused": "pending",
        "CopseRolledBack": "firing",
        "CopseDrift": "pending",
    }


def the_exposition_follows_the_conventions(running: RunningServer) -> None:
    text = httpx.get(f"{running.address}/metrics").text
    command = [prometheus("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
