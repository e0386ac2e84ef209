"""The dashboard of Copse: what each panel tells."""

from scripts.grafana import SCHEMA_VERSION, Json, Panel, mark, panels_of, variable
from scripts.queries import (
    COMPARED,
    DIFFERENCE,
    DISAGREED,
    FAILED,
    LEGEND,
    MODELS,
    PREDICTIONS,
    REQUESTS,
    SERVES_SINCE,
    SLOWEST,
    TURNED_AWAY,
    VERSION,
    WHERE,
    increase,
    most,
    own,
    quantiles,
    rate,
)

ANSWERS = [
    [
        Panel("Ready", "Pods that answer predictions", "none", {"": f"sum(copse_ready{{{WHERE}}})"}, "stat"),
        Panel("Requests", "A second, with those of probes", "reqps", {"": REQUESTS}, "stat"),
        Panel(
            title="Errors",
            description="Share of requests that the server failed on; overload is not among them",
            unit="percentunit",
            queries={"": f"({FAILED} or vector(0)) / {REQUESTS}"},
            kind="stat",
            warns_at=(0.01,),
        ),
        Panel(
            title="Turned away",
            description="Share of requests that were refused because too much was asked",
            unit="percentunit",
            queries={"": f"{TURNED_AWAY} / {REQUESTS}"},
            kind="stat",
            warns_at=(0.01,),
        ),
        Panel("Time of predictions", "99 of 100 take no longer", "s", {"": SLOWEST}, "stat"),
        Panel("Rows", "Answered a second", "none", {"": rate("copse_rows_total", MODELS)}, "stat"),
    ],
    [Panel("Versions", "What each pod serves, and since when", "dateTimeAsIso", {"": SERVES_SINCE}, "table")],
]

LOAD = [
    [
        Panel("By status", "", "reqps", {"{{status}}": rate("copse_requests_total", by="status")}),
        Panel("By route", "", "reqps", {"{{route}}": rate("copse_requests_total", by="route")}),
        Panel(
            title="Refused, by reason",
            description="full, late, memory and connections are overload",
            unit="reqps",
            queries={"{{reason}}": rate("copse_refused_requests_total", by="reason")},
        ),
    ],
    [
        Panel(
            title="Time of predictions",
            description="From a request's first line to its answer's",
            unit="s",
            queries=quantiles("copse_request_duration_seconds", PREDICTIONS),
        ),
        Panel(
            title="Time by stage",
            description="Waiting for its turn, decoding, inference, encoding",
            unit="s",
            queries=quantiles("copse_stage_duration_seconds", MODELS, by="stage"),
        ),
    ],
    [
        Panel("Rows", "Answered a second", "none", {LEGEND: rate("copse_rows_total", MODELS, by=VERSION)}),
        Panel(
            title="Rows of one run of the model",
            description="More than those of one request where several are answered together",
            unit="none",
            queries=quantiles("copse_batch_rows", MODELS),
        ),
        Panel(
            title="Rows in the queue",
            description="Of requests that wait for their turn, and that are worked on",
            unit="none",
            queries={"{{state}}": f"sum by (state) (copse_queued_rows{{{WHERE}}})"},
        ),
    ],
]

VERSIONS = [
    [
        Panel(
            title="Swaps, refusals, rollbacks",
            description="New versions that were taken, that were refused, and that gave way",
            unit="none",
            queries={
                "swap {{model}}": increase("copse_model_swaps_total", by="model"),
                "refusal {{model}} {{reason}}": increase("copse_model_refusals_total", by="model, reason"),
                "rollback {{model}}": increase("copse_model_rollbacks_total", by="model"),
            },
        ),
        Panel(
            title="Refused versions",
            description="Pods that refuse a version; the repository index tells why",
            unit="none",
            queries={LEGEND: f"sum by ({VERSION}) (copse_model_refused{{{MODELS}}})"},
        ),
    ],
    [
        Panel(
            title="Candidates: another answer",
            description="Share of compared rows with another label, or another number",
            unit="percentunit",
            queries={LEGEND: f"{DISAGREED} / {COMPARED}"},
        ),
        Panel(
            title="Candidates: difference",
            description="Of a row's probabilities or predictions; 99 of 100 rows differ less",
            unit="none",
            queries={LEGEND: DIFFERENCE},
        ),
        Panel(
            title="Candidates: rows",
            description="Compared, left out for lack of time, and blocks that failed, a second",
            unit="none",
            queries={
                f"compared {LEGEND}": COMPARED,
                f"left out {LEGEND}": rate("copse_candidate_dropped_rows_total", MODELS, by=VERSION),
                f"failed {LEGEND}": rate("copse_candidate_errors_total", MODELS, by=VERSION),
            },
        ),
    ],
]

WORLD = [
    [
        Panel(
            title="Columns that have moved most",
            description="Population stability index: above 0.1 look, above 0.25 act",
            unit="none",
            queries={"{{model}} {{column}}": f"topk(10, {most('copse_drift_index', by='model, column')})"},
            kind="bargauge",
            warns_at=(0.1, 0.25),
        ),
        Panel(
            title="Predictions",
            description="Population stability index of what is predicted, against training",
            unit="none",
            queries={LEGEND: most("copse_drift_prediction_index", by=VERSION)},
        ),
        Panel(
            title="Values that training did not see",
            description="Shares of the last rows: out of range, missing, no category",
            unit="percentunit",
            queries={
                f"{what} {{{{model}}}} {{{{column}}}}": f"topk(5, {most(series, by='model, column')})"
                for what, series in {
                    "out of range": "copse_drift_out_of_range_share",
                    "missing": "copse_drift_missing_share",
                    "unknown": "copse_drift_unknown_share",
                }.items()
            },
        ),
    ],
    [
        Panel(
            title="Rows in the window",
            description="Of which the drift is told; few tell little",
            unit="none",
            queries={f"{LEGEND} {{{{pod}}}}": f"copse_drift_window_rows{{{MODELS}}}"},
        ),
        Panel(
            title="Prediction log",
            description="Rows a second that were written, and that were dropped",
            unit="none",
            queries={
                "written": rate("copse_prediction_log_rows_total"),
                "dropped, {{reason}}": rate("copse_prediction_log_dropped_rows_total", by="reason"),
            },
        ),
    ],
]

PROCESS = [
    [
        Panel("Memory", "Resident", "bytes", {"{{pod}}": own(f"process_resident_memory_bytes{{{WHERE}}}")}),
        Panel(
            title="CPU",
            description="Seconds a second",
            unit="none",
            queries={"{{pod}}": own(f"rate(process_cpu_seconds_total{{{WHERE}}}[$__rate_interval])")},
        ),
        Panel(
            title="Descriptors",
            description="Open files and connections, and how many may be open",
            unit="none",
            queries={
                "open {{pod}}": own(f"process_open_fds{{{WHERE}}}"),
                "most {{pod}}": own(f"process_max_fds{{{WHERE}}}"),
            },
        ),
    ]
]

SECTIONS = {"Does it answer": ANSWERS, "Requests": LOAD, "Models": VERSIONS, "Drift": WORLD, "Process": PROCESS}


def dashboard() -> Json:
    """Return the dashboard."""
    return {
        "uid": "copse",
        "title": "Copse",
        "description": "Whether it answers, how fast, which version, and whether the world still looks as in training.",
        "tags": ["copse"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,  # the time under the pointer is shown in all panels
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {
            "list": [
                _marked("New version", "green", "copse_model_swaps_total"),
                _marked("Refused version", "orange", "copse_model_refusals_total"),
                _marked("Back to the version before", "red", "copse_model_rollbacks_total"),
            ]
        },
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
                variable("namespace", "Namespace", "label_values(copse_ready, namespace)"),
                variable("pod", "Pod", 'label_values(copse_ready{namespace=~"$namespace"}, pod)'),
                variable("model", "Model", f"label_values(copse_model_info{{{WHERE}}}, model)"),
            ]
        },
        "panels": panels_of(SECTIONS),
    }


def _marked(name: str, colour: str, series: str) -> Json:
    return mark(name, colour, f"sum by (model) (increase({series}{{{MODELS}}}[1m])) > 0", "{{model}}")
