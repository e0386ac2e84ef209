"""The real application behind connections without a network; it loads nothing that the server does not."""

import asyncio
import gc
import itertools
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from model_repository import NotPublished, current_version, models, read_version
from serve.app import create_app
from serve.connections import Connections
from serve.direct import Direct
from serve.model import LoadedModel
from serve.protocol import Connection
from serve.server import SECURITY_HEADERS
from serve.settings import Settings
from serve.slot import Slot

DATE = ("date", "Thu, 01 Jan 2026 00:00:00 GMT")  # the server has another each second
HTTP, OK = b"HTTP/1.1 ", b"HTTP/1.1 200 "


@dataclass
class Tally:
    """How many answers there were, how many of them were 200, and how many the application gave."""

    answers: int = 0
    good: int = 0
    by_application: int = 0


class Wire(asyncio.Transport):
    """A transport that counts answers; the socket is only there to be asked about."""

    def __init__(self, asked: socket.socket, tally: Tally) -> None:
        super().__init__({"socket": asked, "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._tally = tally

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a whole answer, or its head, or its body."""
        self._tally.answers += data[: len(HTTP)] == HTTP
        self._tally.good += data[: len(OK)] == OK

    def is_closing(self) -> bool:
        """Return that it is open."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return that all was sent."""
        return 0

    def pause_reading(self) -> None:
        """Have nothing to pause."""

    def resume_reading(self) -> None:
        """Have nothing to resume."""


class Served:
    """One application with one model, and connections to it."""

    def __init__(self, repository: Path, connections: int) -> None:
        settings = Settings(models=repository)
        self._app = create_app(settings)
        for name in models(repository):
            slot = Slot(name)
            slot.take(_loaded(repository, name))
            self._app.state.watcher.slots[name] = slot
        shared = Connections(settings, connections, lambda _: None, lambda _: None, Direct(self._app.state))
        config = uvicorn.Config(self._count, log_config=None, lifespan="off", interface="asgi3")
        config.load()
        state = ServerState()
        state.default_headers = [(name.encode(), value.encode()) for name, value in (DATE, *SECURITY_HEADERS)]
        self._tally = Tally()
        self._socket, self._other = socket.socketpair()
        self._connections = [self._connected(shared, config, state) for _ in range(connections)]

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._tally.by_application += 1
        await self._app(scope, receive, send)

    def _connected(self, shared: Connections, config: uvicorn.Config, state: ServerState) -> Connection:
        connection = Connection(shared, config=config, server_state=state, app_state={})
        connection.connection_made(Wire(self._socket, self._tally))
        return connection

    async def ask(self, requests: Sequence[bytes], turns: int) -> Tally:
        """Send a request on each connection at once, so many times; return what came of them."""
        ordered, tally = itertools.cycle(requests), self._tally
        tally.answers = tally.good = tally.by_application = 0
        for turn in range(1, turns + 1):
            for connection in self._connections:
                connection.data_received(next(ordered))
            while tally.answers < turn * len(self._connections):  # noqa: ASYNC110 - an event would be counted, too
                await asyncio.sleep(0)
        return tally


def _loaded(repository: Path, name: str) -> LoadedModel:
    version = current_version(repository, name)
    if version is None:
        raise NotPublished(f"{name} has no current version")
    return LoadedModel(read_version(repository, name, version))


def garbage_as_in_the_server() -> None:
    """Look through what is there now, and never again: copse-serve does so before it serves."""
    gc.collect()
    gc.freeze()
