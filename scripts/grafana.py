"""Dashboards as Grafana reads them, made from sections of lines of panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["timeseries", "stat", "table", "bargauge"]

SCHEMA_VERSION = 39  # of Grafana 11; a newer one reads it, too
WIDTH = 24  # Grafana divides the width of a dashboard into so many parts
HEIGHTS: dict[Kind, int] = {"timeseries": 8, "stat": 4, "table": 7, "bargauge": 8}
COLOURS = ("green", "orange", "red")
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass
class Panel:
    """One panel; `queries` are expressions by their legend, and its colour changes above each bound of `warns_at`."""

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    kind: Kind = "timeseries"
    warns_at: tuple[float, ...] = ()


Sections = Mapping[str, Sequence[Sequence[Panel]]]


def panels_of(sections: Sections) -> list[Json]:
    """Return all panels: each section and each line below the other; those of a line have the same width."""
    made: list[Json] = []
    top = 0
    for title, lines in sections.items():
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        row = {"type": "row", "title": title, "collapsed": False, "panels": []}
        made.append({"id": len(made) + 1, "gridPos": place} | row)
        top += 1
        for line in lines:
            width, height = WIDTH // len(line), max(HEIGHTS[panel.kind] for panel in line)
            for number, panel in enumerate(line):
                place = {"x": number * width, "y": top, "w": width, "h": height}
                made.append({"id": len(made) + 1, "gridPos": place} | _panel(panel))
            top += height
    return made


def variable(name: str, label: str, query: str) -> Json:
    """Return a variable with which people choose some values of a label, or all."""
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


def mark(name: str, colour: str, query: str, text: str) -> Json:
    """Return an annotation: a line in all panels where a query has a value."""
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": query,
        "step": "60s",
        "titleFormat": name,
        "textFormat": text,
    }


def _panel(panel: Panel) -> Json:
    bounds = (None, *panel.warns_at)
    steps = [{"color": colour, "value": bound} for colour, bound in zip(COLOURS, bounds, strict=False)]
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            _target(name, legend, query, panel.kind)
            for name, (legend, query) in zip("ABCDEF", panel.queries.items(), strict=False)
        ],
    }
    return made | ({"transformations": [_columns()]} if panel.kind == "table" else {})


def _target(name: str, legend: str, query: str, kind: Kind) -> Json:
    instant = kind in ("table", "bargauge")
    return {
        "refId": name,
        "datasource": SOURCE,
        "expr": query,
        "legendFormat": legend,
        "instant": instant,
        "range": not instant,
        "format": "table" if kind == "table" else "time_series",
    }


def _columns() -> Json:
    """Return which labels of a pod's series are columns of a table, and in which order."""
    hidden = ("Time", "container", "endpoint", "job", "service")
    order = ("namespace", "pod", "instance", "model", "version", "Value", "sha256")
    options = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {name: place for place, name in enumerate(order)},
        "renameByName": {"Value": "serves since"},
    }
    return {"id": "organize", "options": options}
