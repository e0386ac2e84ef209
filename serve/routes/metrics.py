"""GET /metrics: for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import metrics


async def exposition(request: Request) -> Response:
    """Return all series."""
    return Response(metrics(request).text(), headers={"content-type": CONTENT_TYPE_LATEST})


ROUTES = [Route("/metrics", exposition, methods=["GET"])]
