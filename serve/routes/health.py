"""GET /livez and /readyz: for the kubelet. The status is the answer; the body is for people."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.errors import NotReady
from serve.routes.state import draining, watcher


async def livez(_: Request) -> Response:
    """Say that the event loop turns; this depends on no model."""
    return Response(b'{"live":true}', media_type="application/json")


async def readyz(request: Request) -> Response:
    """Say that the models have answered their golden rows; 503 until then, and again once told to stop."""
    if draining(request):
        raise NotReady("not ready: the server is stopping")
    watcher(request).check_ready()
    return Response(b'{"ready":true}', media_type="application/json")


ROUTES = [Route("/livez", livez, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
