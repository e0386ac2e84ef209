"""GET /v2/repository/index: for each model the version that answers, the candidate, and what was refused, and why."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import watcher
from serve.slot import Slot, Tried


async def index(request: Request) -> Response:
    """List the versions known here, in the words of the Open Inference Protocol's repository extension."""
    slots = watcher(request).slots
    entries = [entry for name in sorted(slots) for entry in _entries(slots[name])]
    return Response(orjson.dumps(entries), media_type="application/json")


def _entries(slot: Slot) -> list[dict[str, Any]]:
    entries = []
    if slot.serving:
        entries.append({"name": slot.name, "version": str(slot.serving.version), "state": "READY", "reason": ""})
    if slot.problem or slot.refused or not slot.serving:
        entries.append(_unavailable(slot, slot.problem or "not loaded yet"))
    if slot.shadow:
        reason = f"a candidate, compared with version {slot.shadow.live.version}; it is not served"
        version = str(slot.shadow.candidate.version)
        entries.append({"name": slot.name, "version": version, "state": "UNAVAILABLE", "reason": reason})
    elif slot.candidate.problem:
        entries.append(_unavailable(slot.candidate, f"the candidate is not compared: {slot.candidate.problem}"))
    return entries


def _unavailable(tried: Tried, reason: str) -> dict[str, Any]:
    return {"name": tried.name, "version": str(tried.refused or ""), "state": "UNAVAILABLE", "reason": reason}


ROUTES = [Route("/v2/repository/index", index, methods=["GET", "POST"])]
