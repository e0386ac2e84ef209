"""GET /livez and /readyz: for the kubelet. The status is the answer; the body is for people."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.errors import NotReady
from serve.routes.state import draining, served_model


async def livez(_: Request) -> Response:
    """Say that the event loop turns; this depends on no model."""
    return Response(b'{"live":true}', media_type="application/json")


async def readyz(request: Request) -> Response:
    """Say that a model is loaded and has answered its golden rows; 503 until then, and again once told to stop."""
    if draining(request):
        raise NotReady("not ready: the server is stopping")
    model = served_model(request)
    body = {"ready": True, "model": model.name, "version": model.version}
    return Response(orjson.dumps(body), media_type="application/json")


ROUTES = [Route("/livez", livez, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
