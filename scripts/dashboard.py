"""The dashboard for Grafana, made from a table of panels: title, what it tells, unit, and queries by their legends."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

ROW_WIDTH = 24  # Grafana divides the width of a dashboard into so many parts
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
WHERE = 'namespace=~"$namespace",pod=~"$pod"'
MODELS = f'{WHERE},model=~"$model"'
PREDICTIONS = f'{WHERE},route=~".*(predict|infer|Infer)"'
OVERLOAD = f'{WHERE},reason=~"full|late|memory|connections"'
QUANTILES = ("0.5", "0.95", "0.99")


@dataclass
class Panel:
    """One panel; `queries` are expressions by their legend."""

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    kind: Literal["timeseries", "stat", "table", "bargauge"] = "timeseries"
    width: int = 12
    height: int = 8
    warns_at: tuple[float, ...] = ()


def rate(series: str, where: str = WHERE, *, by: str = "") -> str:
    """Return how fast a counter grows a second, summed over all pods."""
    added = f"sum by ({by}) " if by else "sum"
    return f"{added}(rate({series}{{{where}}}[$__rate_interval]))"


def quantile(share: str, series: str, where: str, *, by: str = "") -> str:
    """Return a quantile of a histogram over all pods."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{series}_bucket', where, by=labels)})"


def quantiles(series: str, where: str, *, by: str = "") -> dict[str, str]:
    """Return the median, and what 95 and 99 of 100 stay below, each with its legend."""
    legend = f"{{{{{by}}}}} " if by else ""
    return {f"{legend}p{float(share) * 100:.0f}": quantile(share, series, where, by=by) for share in QUANTILES}


def own_process(series: str) -> str:
    """Return a series that every process has, of Copse's alone."""
    return f"{series} and on (job, instance) copse_ready{{{WHERE}}}"


REQUESTS = rate("copse_requests_total")
FAILED = rate("copse_requests_total", f'{WHERE},status=~"5..",status!="503"')

SECTIONS: dict[str, list[Panel]] = {
    "Does it answer": [
        Panel("Ready", "Pods that answer predictions", "none", {"": f"sum(copse_ready{{{WHERE}}})"}, "stat", 4, 4),
        Panel("Requests", "A second, with those of probes", "reqps", {"": REQUESTS}, "stat", 4, 4),
        Panel(
            *("Errors", "Share of requests that the server failed on; overload is not among them", "percentunit"),
            *({"": f"({FAILED} or vector(0)) / {REQUESTS}"}, "stat", 4, 4, (0.01,)),
        ),
        Panel(
            *("Turned away", "Share of requests that were refused because too much was asked", "percentunit"),
            *({"": f"{rate('copse_refused_requests_total', OVERLOAD)} / {REQUESTS}"}, "stat", 4, 4, (0.01,)),
        ),
        Panel(
            *("Time of predictions", "99 of 100 take no longer", "s"),
            *({"": quantile("0.99", "copse_request_duration_seconds", PREDICTIONS)}, "stat", 4, 4),
        ),
        Panel("Rows", "Answered a second", "none", {"": rate("copse_rows_total", MODELS)}, "stat", 4, 4),
        Panel(
            *("Versions", "What each pod serves, and since when", "dateTimeAsIso"),
            {
                "": f"copse_model_loaded_timestamp_seconds{{{MODELS}}} * 1000 * on (instance, model, version) "
                f"group_left (sha256) copse_model_info{{{MODELS}}}"
            },
            *("table", 24, 7),
        ),
    ],
    "Requests": [
        Panel("By status", "", "reqps", {"{{status}}": rate("copse_requests_total", by="status")}, width=8),
        Panel("By route", "", "reqps", {"{{route}}": rate("copse_requests_total", by="route")}, width=8),
        Panel(
            *("Refused, by reason", "full, late, memory and connections are overload", "reqps"),
            {"{{reason}}": rate("copse_refused_requests_total", by="reason")},
            width=8,
        ),
        Panel(
            *("Time of predictions", "From a request's first line to its answer's", "s"),
            quantiles("copse_request_duration_seconds", PREDICTIONS),
        ),
        Panel(
            *("Time by stage", "Waiting for its turn, decoding, inference, encoding", "s"),
            quantiles("copse_stage_duration_seconds", MODELS, by="stage"),
        ),
        Panel(
            *("Rows", "Answered a second, by version", "none"),
            {"{{model}} {{version}}": rate("copse_rows_total", MODELS, by="model, version")},
            width=8,
        ),
        Panel(
            *("Rows of one run of the model", "More than those of one request where several are answered together"),
            *("none", quantiles("copse_batch_rows", MODELS)),
            width=8,
        ),
        Panel(
            *("Rows in the queue", "Of requests that wait for their turn, and that are worked on", "none"),
            {"{{state}}": f"sum by (state) (copse_queued_rows{{{WHERE}}})"},
            width=8,
        ),
    ],
    "Models": [
        Panel(
            *(
                "Swaps, refusals, rollbacks",
                "New versions that were taken, that were refused, and that gave way",
                "none",
            ),
            {
                f"{what} {legend}": f"sum by ({by}) (increase({series}{{{MODELS}}}[$__rate_interval]))"
                for what, legend, by, series in [
                    ("swap", "{{model}}", "model", "copse_model_swaps_total"),
                    ("refusal", "{{model}} {{reason}}", "model, reason", "copse_model_refusals_total"),
                    ("rollback", "{{model}}", "model", "copse_model_rollbacks_total"),
                ]
            },
        ),
        Panel(
            *("Refused versions", "Pods that refuse a version; the repository index tells why", "none"),
            {"{{model}} {{version}}": f"sum by (model, version) (copse_model_refused{{{MODELS}}})"},
        ),
        Panel(
            *(
                "Candidates: another answer",
                "Share of compared rows with another label, or another number",
                "percentunit",
            ),
            {
                "{{model}} {{version}}": " / ".join(
                    rate(f"copse_candidate_{series}", MODELS, by="model, version")
                    for series in ("disagreements_total", "rows_total")
                )
            },
            width=8,
        ),
        Panel(
            *("Candidates: difference", "Of a row's probabilities or predictions; 99 of 100 rows differ less", "none"),
            {"{{model}} {{version}}": quantile("0.99", "copse_candidate_difference", MODELS, by="model, version")},
            width=8,
        ),
        Panel(
            *("Candidates: rows", "Compared, left out for lack of time, and blocks that failed, a second", "none"),
            {
                f"{what} {{{{model}}}} {{{{version}}}}": rate(f"copse_candidate_{series}", MODELS, by="model, version")
                for what, series in [
                    ("compared", "rows_total"),
                    ("left out", "dropped_rows_total"),
                    ("failed", "errors_total"),
                ]
            },
            width=8,
        ),
    ],
    "Drift": [
        Panel(
            *("Columns that have moved most", "Population stability index: above 0.1 look, above 0.25 act", "none"),
            {"{{model}} {{column}}": f"topk(10, max by (model, column) (copse_drift_index{{{MODELS}}}))"},
            *("bargauge", 8),
            warns_at=(0.1, 0.25),
        ),
        Panel(
            *("Predictions", "Population stability index of what is predicted, against training", "none"),
            {"{{model}} {{version}}": f"max by (model, version) (copse_drift_prediction_index{{{MODELS}}})"},
            width=8,
        ),
        Panel(
            *("Values that training did not see", "Shares of the window's values: out of range, missing, no category"),
            "percentunit",
            {
                f"{what} {{{{model}}}} {{{{column}}}}": f"topk(5, max by (model, column) ({series}{{{MODELS}}}))"
                for what, series in [
                    ("out of range", "copse_drift_out_of_range_share"),
                    ("missing", "copse_drift_missing_share"),
                    ("unknown", "copse_drift_unknown_share"),
                ]
            },
            width=8,
        ),
        Panel(
            *("Rows in the window", "Of which the drift is told; few tell little", "none"),
            {"{{model}} {{version}} {{pod}}": f"copse_drift_window_rows{{{MODELS}}}"},
        ),
        Panel(
            *("Prediction log", "Rows a second that were written, and that were dropped", "none"),
            {
                "written": rate("copse_prediction_log_rows_total"),
                "dropped, {{reason}}": rate("copse_prediction_log_dropped_rows_total", by="reason"),
            },
        ),
    ],
    "Process": [
        Panel(
            *("Memory", "Resident", "bytes"),
            {"{{pod}}": own_process(f"process_resident_memory_bytes{{{WHERE}}}")},
            width=8,
        ),
        Panel(
            *("CPU", "Seconds a second", "none"),
            {"{{pod}}": own_process(f"rate(process_cpu_seconds_total{{{WHERE}}}[$__rate_interval])")},
            width=8,
        ),
        Panel(
            *("Descriptors", "Open files and connections, and how many may be open", "none"),
            {
                "open {{pod}}": own_process(f"process_open_fds{{{WHERE}}}"),
                "most {{pod}}": own_process(f"process_max_fds{{{WHERE}}}"),
            },
            width=8,
        ),
    ],
}

MARKS = {
    "New version": ("green", "copse_model_swaps_total"),
    "Refused version": ("orange", "copse_model_refusals_total"),
    "Back to the version before": ("red", "copse_model_rollbacks_total"),
}


def dashboard() -> Json:
    """Return the dashboard as Grafana reads it."""
    return {
        "uid": "copse",
        "title": "Copse",
        "description": "Whether it answers, how fast, which version, and whether the world still looks as in training.",
        "tags": ["copse"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "annotations": {"list": [_mark(name, *mark) for name, mark in MARKS.items()]},
        "templating": {"list": _variables()},
        "panels": _panels(),
    }


def _mark(name: str, colour: str, series: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": f"sum by (model) (increase({series}{{{MODELS}}}[1m])) > 0",
        "step": "60s",
        "titleFormat": name,
        "textFormat": "{{model}}",
    }


def _variables() -> list[Json]:
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return [
        source,
        _variable("namespace", "Namespace", "label_values(copse_ready, namespace)"),
        _variable("pod", "Pod", 'label_values(copse_ready{namespace=~"$namespace"}, pod)'),
        _variable("model", "Model", f"label_values(copse_model_info{{{WHERE}}}, model)"),
    ]


def _variable(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,  # whenever the time changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # holds for series without such a label, too
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> list[Json]:
    """Return all panels, each section below the other, each panel beside the one before it where there is room."""
    made: list[Json] = []
    top = 0
    for section, panels in SECTIONS.items():
        made.append(
            {
                "id": len(made) + 1,
                "type": "row",
                "title": section,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": top, "w": ROW_WIDTH, "h": 1},
            }
        )
        left, top, height = 0, top + 1, 0
        for panel in panels:
            if left + panel.width > ROW_WIDTH:
                left, top = 0, top + height
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            made.append({"id": len(made) + 1, "gridPos": place} | _panel(panel))
            left, height = left + panel.width, panel.height
        top += height
    return made


def _panel(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    steps += [
        {"color": colour, "value": bound} for colour, bound in zip(("orange", "red"), panel.warns_at, strict=False)
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": {},
        "targets": [
            _target("ABCDEF"[number], legend, query, instant=panel.kind in ("table", "bargauge"))
            for number, (legend, query) in enumerate(panel.queries.items())
        ],
    } | ({"transformations": [_columns_of_versions()]} if panel.kind == "table" else {})


def _target(name: str, legend: str, query: str, *, instant: bool) -> Json:
    return {
        "refId": name,
        "datasource": SOURCE,
        "expr": query,
        "legendFormat": legend,
        "instant": instant,
        "range": not instant,
        "format": "table" if instant and not legend else "time_series",
    }


def _columns_of_versions() -> Json:
    hidden = ("Time", "container", "endpoint", "job", "service")
    order = ("namespace", "pod", "instance", "model", "version", "Value", "sha256")
    return {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(hidden, True),
            "indexByName": {name: place for place, name in enumerate(order)},
            "renameByName": {"Value": "serves since"},
        },
    }
