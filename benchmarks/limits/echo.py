"""Two servers that answer with what they were asked: what HTTP itself costs. Started by uvicorn in this folder."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATHS = ("/predict", "/v2/models/breast-cancer/infer")


async def bare(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer with the body; a plain ASGI application."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/json")


starlette = Starlette(routes=[Route(path, _echo, methods=["POST"]) for path in PATHS])
