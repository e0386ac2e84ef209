"""What Prometheus reads: requests by route, their duration, rows, and which versions serve or were refused."""

import time
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.admission import Admission
from serve.errors import OVERLOADS
from serve.watcher import Watcher

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
METHODS = frozenset({"GET", "HEAD", "POST"})

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all series, which nobody reads


class Metrics:
    """The counters of one application, in a registry of their own. No label can grow without bound."""

    def __init__(self, watcher: Watcher, admission: Admission) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "copse_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._duration = Histogram(
            "copse_request_duration_seconds",
            "From a request's first line to its answer's, by route.",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._rows = Counter("copse_rows", "Rows answered.", ["model"], registry=self._registry)
        self._refused = Counter(
            "copse_overloads", "Requests refused because too much was asked.", ["reason"], registry=self._registry
        )
        for reason in OVERLOADS:
            self._refused.labels(reason)
        rows = Gauge(
            "copse_queued_rows",
            "Rows of requests that wait for their turn or are worked on.",
            ["state"],
            registry=self._registry,
        )
        rows.labels("waiting").set_function(admission.rows_waiting)
        rows.labels("under_way").set_function(admission.rows_under_way)
        self._registry.register(_Models(watcher))
        ProcessCollector(registry=self._registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request by the template of its path."""
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._duration.labels(route).observe(seconds)

    def predicted(self, model: str, rows: int) -> None:
        """Count rows that a model answered."""
        self._rows.labels(model).inc(rows)

    def overloaded(self, reason: str) -> None:
        """Count a request that was refused because too much was asked."""
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """Return all series in Prometheus' text format."""
        return generate_latest(self._registry)


class _Models(Collector):
    """The state of each model, read when Prometheus asks, so that a version that is gone leaves no series."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one series for each version that serves and each that was refused."""
        serving = GaugeMetricFamily(
            "copse_model_info", "The version that serves.", labels=["model", "version", "sha256"]
        )
        refused = GaugeMetricFamily("copse_model_refused", "A version that was refused.", labels=["model", "version"])
        for slot in self._watcher.slots.values():
            if slot.serving:
                serving.add_metric([slot.name, str(slot.serving.version), slot.serving.manifest.onnx.sha256], 1)
            if slot.refused:
                refused.add_metric([slot.name, str(slot.refused)], 1)
        yield serving
        yield refused


class CountRequests:
    """ASGI middleware that counts each answer once it has begun."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def send_counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                self._metrics.answered(route, scope["method"], message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, send_counting)
