"""What Prometheus reads: requests by route, their duration, rows, and which versions serve or were refused."""

import itertools
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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.admission import Admission
from serve.errors import OVERLOADS
from serve.shadow import DIFFERENCES
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

    def collect(self) -> Iterator[Metric]:
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
        yield from self._candidates()

    def _candidates(self) -> Iterator[Metric]:
        """Yield what is known of each candidate, and how often a new version had to give way."""
        labels = ["model", "version"]
        rows = CounterMetricFamily(
            "copse_candidate_rows", "Rows answered by current version and candidate.", labels=labels
        )
        others = CounterMetricFamily("copse_candidate_disagreements", "Rows with another label.", labels=labels)
        dropped = CounterMetricFamily("copse_candidate_dropped_rows", "Rows that it had no time for.", labels=labels)
        errors = CounterMetricFamily("copse_candidate_errors", "Blocks of rows that it failed on.", labels=labels)
        sizes = HistogramMetricFamily(
            "copse_candidate_difference",
            "Largest difference between a row's probabilities, or that between its predictions.",
            labels=labels,
        )
        rollbacks = CounterMetricFamily("copse_model_rollbacks", "Returns to the version before.", labels=["model"])
        for slot in self._watcher.slots.values():
            rollbacks.add_metric([slot.name], slot.rollbacks)
            if slot.shadow:
                named, seen = [slot.name, str(slot.shadow.candidate.version)], slot.shadow.comparison
                rows.add_metric(named, seen.rows)
                others.add_metric(named, seen.disagreements)
                dropped.add_metric(named, seen.dropped_rows)
                errors.add_metric(named, seen.errors)
                sizes.add_metric(named, _cumulative(seen.buckets), seen.difference_sum)
        yield from (rows, others, dropped, errors, sizes, rollbacks)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    """Return a histogram's buckets as Prometheus counts them: all that is not above each bound."""
    bounds = [*map(floatToGoString, DIFFERENCES), "+Inf"]
    return list(zip(bounds, itertools.accumulate(buckets), strict=True))


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
                route = getattr(scope.get("route"), "path_format", "unmatched")
                self._metrics.answered(route, scope["method"], message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, send_counting)
