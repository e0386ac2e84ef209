"""GET /metrics: for Prometheus."""

import asyncio
from types import ModuleType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import metrics


async def exposition(request: Request) -> Response:
    """Return all series."""
    making = await asyncio.to_thread(_making)
    series = list(making.Series(metrics(request), request.app.state.prediction_log))
    content = await asyncio.to_thread(making.exposition, series)  # takes about as long as a hundred predictions
    return Response(content, headers={"content-type": making.CONTENT_TYPE_LATEST})


def _making() -> ModuleType:
    from serve import exposition  # noqa: PLC0415 - here is a thread, and no answer but this one needs it

    return exposition


ROUTES = [Route("/metrics", exposition, methods=["GET"])]
