"""What is wrong with a request, as JSON for programs and as a page for people."""

import asyncio
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from serve.page.accept import prefers_html
from serve.page.answers import html
from serve.page.templates import compile_all, render


async def failure(scope: Scope, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return an error in the form that the client prefers."""
    if not prefers_html(Headers(scope=scope)):
        return Response(orjson.dumps(body), status, headers, media_type="application/json")
    await asyncio.to_thread(compile_all)
    sentence = str(body["error"])
    page = render(
        "error.html",
        up=up(scope),
        status=status,
        phrase=HTTPStatus(status).phrase,
        sentence=f"{sentence[0].upper()}{sentence[1:]}.",
        more=[(name, value) for name, value in body.items() if name != "error"],
    )
    return html(page, status, headers)


def up(scope: Scope) -> str:
    """Return the way from a path to the root: it is relative, since a proxy may have moved both."""
    path: str = scope["path"]
    return "../" * (path.count("/") - 1)
