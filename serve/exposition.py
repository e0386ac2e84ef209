"""What was counted, in Prometheus' text format. Only a scrape loads this, and with it Prometheus' client."""

import itertools
from collections.abc import Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from serve.metrics import SECONDS, Metrics
from serve.shadow import DIFFERENCES

__all__ = ["CONTENT_TYPE_LATEST", "exposition"]


def exposition(metrics: Metrics) -> bytes:
    """Return all series in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Series(metrics))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Series(Collector):
    """All series, made when Prometheus asks, so that a version that is gone leaves none."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted, and the state of each model."""
        yield from self._requests()
        yield from self._work()
        yield from self._models()

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("copse_requests", "Requests answered.", labels=["route", "method", "status"])
        for (route, method, status), count in self._metrics.requests.items():
            requests.add_metric([route, method, str(status)], count)
        seconds = HistogramMetricFamily(
            "copse_request_duration_seconds",
            "From a request's first line to its answer's, by route.",
            labels=["route"],
        )
        for route, durations in self._metrics.durations.items():
            seconds.add_metric([route], _cumulative(durations.counts, SECONDS), durations.total)
        yield requests
        yield seconds

    def _work(self) -> Iterator[Metric]:
        rows = CounterMetricFamily("copse_rows", "Rows answered.", labels=["model"])
        for model, count in self._metrics.rows.items():
            rows.add_metric([model], count)
        refused = CounterMetricFamily(
            "copse_overloads", "Requests refused because too much was asked.", labels=["reason"]
        )
        for reason, count in self._metrics.overloads.items():
            refused.add_metric([reason], count)
        queued = GaugeMetricFamily(
            "copse_queued_rows", "Rows of requests that wait for their turn or are worked on.", labels=["state"]
        )
        queued.add_metric(["waiting"], self._metrics.admission.rows_waiting())
        queued.add_metric(["under_way"], self._metrics.admission.rows_under_way())
        yield from (rows, refused, queued)

    def _models(self) -> Iterator[Metric]:
        """Yield one series for each version that serves and each that was refused."""
        serving = GaugeMetricFamily(
            "copse_model_info", "The version that serves.", labels=["model", "version", "sha256"]
        )
        refused = GaugeMetricFamily("copse_model_refused", "A version that was refused.", labels=["model", "version"])
        for slot in self._metrics.watcher.slots.values():
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
        for slot in self._metrics.watcher.slots.values():
            rollbacks.add_metric([slot.name], slot.rollbacks)
            if slot.shadow:
                named, seen = [slot.name, str(slot.shadow.candidate.version)], slot.shadow.comparison
                rows.add_metric(named, seen.rows)
                others.add_metric(named, seen.disagreements)
                dropped.add_metric(named, seen.dropped_rows)
                errors.add_metric(named, seen.errors)
                sizes.add_metric(named, _cumulative(seen.buckets, DIFFERENCES), seen.difference_sum)
        yield from (rows, others, dropped, errors, sizes, rollbacks)


def _cumulative(counts: Sequence[int], bounds: Sequence[float]) -> list[tuple[str, float]]:
    """Return a histogram's buckets as Prometheus counts them: all that is not above each bound."""
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, itertools.accumulate(counts), strict=True))
