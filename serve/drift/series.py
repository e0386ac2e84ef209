"""The drift of all versions that answer, as series for Prometheus. Only a scrape loads this."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from serve.drift.monitor import Compared
from serve.slot import Slot

MOST_COLUMNS = 200  # of a version; of more, those which have drifted most

_OF_COLUMNS = {
    "copse_drift_index": "How far a column's last values are from those in training; above 0.25 they have shifted.",
    "copse_drift_out_of_range_share": "Share of the last rows whose number is outside of the range in training.",
    "copse_drift_missing_share": "Share of the last rows whose value is missing.",
    "copse_drift_unknown_share": "Share of the last rows whose text is none that training saw.",
}


def series(slots: Iterable[Slot]) -> Iterator[Metric]:
    """Yield what is known of each version that has answered a row, and still answers."""
    of_version, of_column = ["model", "version"], ["model", "version", "column"]
    rows = GaugeMetricFamily(
        "copse_drift_window_rows", "Last rows that were compared with training.", labels=of_version
    )
    prediction = GaugeMetricFamily(
        "copse_drift_prediction_index",
        "How far the last predictions are from those of held-out rows; above 0.25 they have shifted.",
        labels=of_version,
    )
    families = {name: GaugeMetricFamily(name, text, labels=of_column) for name, text in _OF_COLUMNS.items()}
    for slot in slots:
        if not slot.serving or not slot.drift:
            continue
        version, drift = [slot.name, str(slot.serving.version)], slot.drift.drift()
        rows.add_metric(version, drift.rows)
        if drift.prediction:
            prediction.add_metric(version, drift.prediction.index)
        for column in drift.most_drifted(MOST_COLUMNS):
            for name, value in _values(column).items():
                families[name].add_metric([*version, column.bins.name], value)
    yield from (rows, prediction, *families.values())


def _values(column: Compared) -> dict[str, float]:
    """Return the values of the series of a column; texts have no range, and numbers none that is unknown."""
    beyond = "copse_drift_unknown_share" if column.bins.texts else "copse_drift_out_of_range_share"
    return {
        "copse_drift_index": column.index,
        "copse_drift_missing_share": column.missing,
        beyond: column.unseen,
    }
