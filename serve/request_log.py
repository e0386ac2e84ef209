"""One line a request, at level debug: what was asked for, what was answered, and how long each stage took."""

import logging
from typing import Any

from serve.access import OPEN_PATHS
from serve.ended import Ended
from serve.identity import CALLER

log = logging.getLogger("copse")

_SERVICE = "/inference.GRPCInferenceService/"
PROBES = OPEN_PATHS | {"/grpc.health.v1.Health/Check", f"{_SERVICE}ServerLive", f"{_SERVICE}ServerReady"}


def log_ended(ended: Ended) -> None:
    """Write the line of a request, unless it is a probe's. Times are in milliseconds. No value of a row is in it."""
    if ended.route not in PROBES:
        log.debug("request", extra=_told(ended))


def caller_of(scope: Any) -> dict[str, str]:
    """Return which request an ASGI scope is of, as far as it is known, as extra of a line about it."""
    caller = scope.get(CALLER)
    return named(caller.request_id, caller.traceparent) if caller else {}


def named(request_id: str, traceparent: str | None) -> dict[str, str]:
    """Return which request it is, and of which trace if it is part of one, as extra of a line about it."""
    trace = {"trace_id": traceparent.split("-")[1]} if traceparent else {}
    return {"request_id": request_id, **trace}


def _told(ended: Ended) -> dict[str, Any]:
    told: dict[str, Any] = {
        "method": ended.method,
        "route": ended.route,
        "status": ended.status,
        "milliseconds": _milliseconds(ended.seconds),
        **named(ended.request_id, ended.traceparent),
    }
    if ended.work:
        told |= {"model": ended.work.model, "version": ended.work.version, "rows": ended.work.rows}
        stages = ended.work.stages._asdict().items()
        told |= {f"{stage}_milliseconds": _milliseconds(seconds) for stage, seconds in stages}
    return told


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
