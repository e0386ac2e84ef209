"""What was counted, in Prometheus' text format. Only a scrape loads this, and with it Prometheus' client."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from serve.drift import series as drift
from serve.errors import NotReady
from serve.metrics import Buckets, Metrics
from serve.prediction_log import series as prediction_log
from serve.shadow import DIFFERENCES

if TYPE_CHECKING:
    from serve.prediction_log.log import PredictionLog

__all__ = ["CONTENT_TYPE_LATEST", "Series", "exposition"]


class _Collected(Collector):
    """Series as they were at one moment."""

    def __init__(self, series: Iterable[Metric]) -> None:
        self._series = list(series)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._series


def exposition(series: Iterable[Metric]) -> bytes:
    """Return series, and those of the process, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collected(series))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class Series:
    """All series, made when Prometheus asks, so that a version that is gone leaves none."""

    def __init__(self, metrics: Metrics, prediction_log: "PredictionLog | None" = None) -> None:
        self._metrics = metrics
        self._prediction_log = prediction_log

    def __iter__(self) -> Iterator[Metric]:
        """Yield what was counted, and the state of each model."""
        yield from self._requests()
        yield from self._work()
        yield from self._models()
        yield from drift.series(self._metrics.watcher.slots.values())
        if self._prediction_log:
            yield from prediction_log.series(self._prediction_log)

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
            seconds.add_metric([route], *_buckets(durations))
        refused = CounterMetricFamily("copse_refused_requests", "Requests refused, by reason.", labels=["reason"])
        for reason, count in self._metrics.refusals.items():
            refused.add_metric([reason], count)
        yield from (requests, seconds, refused)

    def _work(self) -> Iterator[Metric]:
        """Yield what each version of a model did."""
        labels = ["model", "version"]
        rows = CounterMetricFamily("copse_rows", "Rows answered.", labels=labels)
        batches = HistogramMetricFamily("copse_batch_rows", "Rows answered by one run of the model.", labels=labels)
        stages = HistogramMetricFamily(
            "copse_stage_duration_seconds",
            "How long a request that was answered spent in each stage.",
            labels=[*labels, "stage"],
        )
        for (model, version), worked in self._metrics.worked.items():
            if model not in self._metrics.watcher.slots:
                continue  # it was removed from the repository
            named = [model, str(version)]
            rows.add_metric(named, worked.rows)
            batches.add_metric(named, *_buckets(worked.batches()))
            for stage, seconds in worked.stages():
                stages.add_metric([*named, stage], *_buckets(seconds))
        queued = GaugeMetricFamily(
            "copse_queued_rows", "Rows of requests that wait for their turn or are worked on.", labels=["state"]
        )
        queued.add_metric(["waiting"], self._metrics.admission.rows_waiting())
        queued.add_metric(["under_way"], self._metrics.admission.rows_under_way())
        yield from (rows, batches, stages, queued)

    def _models(self) -> Iterator[Metric]:
        """Yield one series for each version that serves and each that was refused, and how often that changed."""
        labels = ["model", "version"]
        serving = GaugeMetricFamily("copse_model_info", "The version that serves.", labels=[*labels, "sha256"])
        loaded = GaugeMetricFamily(
            "copse_model_loaded_timestamp_seconds", "When the version that serves was loaded.", labels=labels
        )
        refused = GaugeMetricFamily("copse_model_refused", "A version that is refused.", labels=labels)
        swaps = CounterMetricFamily("copse_model_swaps", "Versions that took over from another.", labels=["model"])
        refusals = CounterMetricFamily(
            "copse_model_refusals", "Versions refused, by the kind of reason.", labels=["model", "reason"]
        )
        rollbacks = CounterMetricFamily("copse_model_rollbacks", "Returns to the version before.", labels=["model"])
        for slot in self._metrics.watcher.slots.values():
            swaps.add_metric([slot.name], slot.swaps)
            rollbacks.add_metric([slot.name], slot.rollbacks)
            for reason, count in slot.refusals.items():
                refusals.add_metric([slot.name, reason], count)
            if model := slot.serving:
                serving.add_metric([slot.name, str(model.version), model.manifest.onnx.sha256], 1)
                loaded.add_metric([slot.name, str(model.version)], model.loaded_at)
            for version in {slot.refused, slot.candidate.refused} - {None}:
                refused.add_metric([slot.name, str(version)], 1)
        yield from (self._ready(), serving, loaded, refused, swaps, refusals, rollbacks)
        yield from self._candidates()

    def _ready(self) -> Metric:
        ready = True
        try:
            self._metrics.watcher.check_ready()
        except NotReady:
            ready = False
        return GaugeMetricFamily("copse_ready", "Whether every model that should answer does.", int(ready))

    def _candidates(self) -> Iterator[Metric]:
        """Yield what is known of each candidate."""
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
        for slot in self._metrics.watcher.slots.values():
            if slot.shadow:
                named, seen = [slot.name, str(slot.shadow.candidate.version)], slot.shadow.comparison
                rows.add_metric(named, seen.rows)
                others.add_metric(named, seen.disagreements)
                dropped.add_metric(named, seen.dropped_rows)
                errors.add_metric(named, seen.errors)
                sizes.add_metric(named, _cumulative(seen.buckets, DIFFERENCES), seen.difference_sum)
        yield from (rows, others, dropped, errors, sizes)


def _buckets(values: Buckets) -> tuple[list[tuple[str, float]], float]:
    """Return a histogram's buckets, and the sum of its values."""
    return _cumulative(values.counts, values.bounds), values.total


def _cumulative(counts: Sequence[int], bounds: Sequence[float]) -> list[tuple[str, float]]:
    """Return a histogram's buckets as Prometheus counts them: all that is not above each bound."""
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, itertools.accumulate(counts), strict=True))
