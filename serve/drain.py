"""The time between being told to stop and no longer listening, in which clients move elsewhere.

Not ready at once, still answering, each connection closed with its answer: a client that reuses connections is never
surprised by one that was closed under its request.
"""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Drain:
    """Begins once, and is over after the set number of seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def begin(self) -> None:
        """Start the drain."""
        self._until = time.monotonic() + self._seconds

    @property
    def begun(self) -> bool:
        """Whether the server was told to stop."""
        return self._until is not None

    @property
    def over(self) -> bool:
        """Whether it is time to stop listening."""
        return self._until is not None and time.monotonic() >= self._until


class CloseWhileDraining:
    """ASGI middleware that ends each connection with its answer once the drain has begun."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, with `connection: close` on answers while draining."""

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.begun:
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_closing if scope["type"] == "http" else send)
