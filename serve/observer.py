"""Tells metrics, log and traces of each request once it has its answer."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.ended import Ended
from serve.identity import CALLER, REQUEST_ID, Caller, Identified, never_gone
from serve.metrics import Metrics
from serve.request_log import log_ended

if TYPE_CHECKING:
    from serve.spans import Traces

Unexpected = Callable[[Request, Exception], Awaitable[Response]]

log = logging.getLogger("copse")


class Observer:
    """Is told of requests by whatever answers them; to be used on the event loop only."""

    def __init__(self, metrics: Metrics, traces: "Traces | None") -> None:
        """Take traces, if requests are traced."""
        self.metrics = metrics
        self._traces = traces

    def ended(self, method: str, route: str, status: int, request: Identified) -> None:
        """Take note of a request that is answered now."""
        seconds = time.monotonic() - request.begun
        self.metrics.answered(route, method, status, seconds)
        logged = log.isEnabledFor(logging.DEBUG)
        trace = self._traces.trace(route, request.traceparent) if self._traces else None
        if not (logged or trace):
            return
        known = request.request_id, request.traceparent, request.work
        ended = Ended(method, route, status, time.time() - seconds, seconds, *known)
        if logged:
            log_ended(ended)
        if self._traces and trace:
            self._traces.ended(ended, trace)


class Observe:
    """ASGI middleware that gives each request its caller, and each answer the id of its request."""

    def __init__(self, app: ASGIApp, observer: Observer, unexpected: Unexpected) -> None:
        """Take what answers a request that failed for a reason which nothing else has an answer for."""
        self._app = app
        self._observer = observer
        self._unexpected = unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and take note of the answer once it has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extensions = scope.get("extensions", {})
        caller = Caller(scope["headers"], extensions.get("copse.gone", never_gone), extensions.get("copse.begun"))
        scope[CALLER] = caller
        answering = False

        async def send_noting(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                message["headers"] = [*message["headers"], (REQUEST_ID, caller.request_id.encode())]
                if not caller.left:
                    route = getattr(scope.get("route"), "path_format", "unmatched")
                    self._observer.ended(scope["method"], route, message["status"], caller)
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            if answering:
                raise
            answer = await self._unexpected(Request(scope), error)
            await answer(scope, receive, send_noting)
