"""What is counted for Prometheus: requests by route, their duration, rows, and what was refused."""

import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.admission import Admission
from serve.errors import OVERLOADS
from serve.watcher import Watcher

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
METHODS = frozenset({"GET", "HEAD", "POST"})


@dataclass
class Durations:
    """How many requests took up to each of SECONDS and more than the one before it, or longer; all their seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0


class Metrics:
    """The counters of one application, for its event loop alone. No label can grow without bound."""

    def __init__(self, watcher: Watcher, admission: Admission) -> None:
        self.watcher = watcher
        self.admission = admission
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)  # by route, method and status
        self.durations: dict[str, Durations] = defaultdict(Durations)  # by route
        self.rows: dict[str, int] = defaultdict(int)  # by model
        self.overloads = dict.fromkeys(OVERLOADS, 0)  # by reason

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request by the template of its path."""
        self.requests[route, method if method in METHODS else "other", status] += 1
        durations = self.durations[route]
        durations.counts[bisect_left(SECONDS, seconds)] += 1
        durations.total += seconds

    def predicted(self, model: str, rows: int) -> None:
        """Count rows that a model answered."""
        self.rows[model] += rows

    def overloaded(self, reason: str) -> None:
        """Count a request that was refused because too much was asked."""
        self.overloads[reason] += 1


class CountRequests:
    """ASGI middleware that counts each answer once it has begun."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def send_counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path_format", "unmatched")
                self._metrics.answered(route, scope["method"], message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, send_counting)
