"""GET /v2/repository/index: for each model the version that answers, and the one that was refused, and why."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import watcher
from serve.watcher import Slot


async def index(request: Request) -> Response:
    """List the versions known here, in the words of the Open Inference Protocol's repository extension."""
    slots = watcher(request).slots
    entries = [entry for name in sorted(slots) for entry in _entries(slots[name])]
    return Response(orjson.dumps(entries), media_type="application/json")


def _entries(slot: Slot) -> list[dict[str, Any]]:
    entries = []
    if slot.serving:
        entries.append({"name": slot.name, "version": str(slot.serving.version), "state": "READY", "reason": ""})
    if slot.refused or not slot.serving:
        version, reason = str(slot.refused or ""), slot.problem or "not loaded yet"
        entries.append({"name": slot.name, "version": version, "state": "UNAVAILABLE", "reason": reason})
    return entries


ROUTES = [Route("/v2/repository/index", index, methods=["GET", "POST"])]
