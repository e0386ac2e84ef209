"""What the prediction log has written and dropped, as Prometheus' client has it. Only a scrape loads this."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

if TYPE_CHECKING:
    from serve.prediction_log.log import PredictionLog


def series(log: "PredictionLog") -> Iterator[Metric]:
    """Yield the series of a log."""
    rows = CounterMetricFamily("copse_prediction_log_rows", "Rows written to the prediction log.")
    rows.add_metric([], log.rows)
    dropped = CounterMetricFamily(
        "copse_prediction_log_dropped_rows", "Rows that were to be written and were not.", labels=["reason"]
    )
    for reason, count in log.dropped.items():
        dropped.add_metric([reason], count)
    yield from (rows, dropped)
