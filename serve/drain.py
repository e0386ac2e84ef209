"""The time between being told to stop and no longer listening, in which clients move elsewhere.

Not ready at once, still answering, each connection closed with its answer: a client that reuses connections is never
surprised by one that was closed under its request.
"""

import asyncio
import time

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.errors import NotReady


class Drain:
    """Begins once, and is over after the set number of seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def begin(self) -> None:
        """Start the drain."""
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        """Be over at once, whether or not it was begun."""
        self._until = time.monotonic()

    @property
    def begun(self) -> bool:
        """Whether the server was told to stop."""
        return self._until is not None

    @property
    def over(self) -> bool:
        """Whether it is time to stop listening."""
        return self._until is not None and time.monotonic() >= self._until


class CloseWhileDraining:
    """ASGI middleware that ends each connection with its last answer once the drain has begun."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, with `connection: close` on answers while draining, and answer what is given up."""
        started = False

        async def send_closing(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if self._drain.begun and not _more(scope):
                    message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        try:
            await self._app(scope, receive, send_closing if scope["type"] == "http" else send)
        except asyncio.CancelledError:
            if started or scope["type"] != "http":
                raise
            await _give_up(scope, receive, send_closing)


def _more(scope: Scope) -> bool:
    """Return whether more requests have come on the connection, which must be answered, too."""
    more = scope.get("extensions", {}).get("copse.more")
    return bool(more and more())


async def _give_up(scope: Scope, receive: Receive, send: Send) -> None:
    error = NotReady("the server ended before the request could be answered")
    content = orjson.dumps(error.body())
    await Response(content, error.status, {"retry-after": "1"}, "application/json")(scope, receive, send)
