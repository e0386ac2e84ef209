"""Running the application with uvicorn: the socket, the signals, and what is said on the terminal."""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.applications import Starlette

from serve.access import curl_options
from serve.app import create_app
from serve.connections import Connections
from serve.direct import Direct
from serve.drain import Drain
from serve.grpc import grpc_server
from serve.handshakes import Handshakes
from serve.listener import listen, most_connections, stop_accepting
from serve.logs import level_from, writes_json
from serve.memory import keep_for_large_requests
from serve.overload_log import OverloadLog
from serve.protocol import Connection
from serve.rotation import Rotating
from serve.routes.predict import refuse_at_the_door
from serve.settings import Settings
from serve.tls import Certificate, certificate_from
from serve.trial import child_at_start
from serve.watcher import Watcher
from serve.welcome import address_of, welcome

if TYPE_CHECKING:
    from serve.grpc.server import GrpcServer
    from serve.prediction_log.log import PredictionLog

log = logging.getLogger("copse")

SECURITY_HEADERS = [
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
]
ONLY_TLS = ("strict-transport-security", "max-age=31536000")
SWITCH_SECONDS = 0.001  # after which a thread that decodes a large request lets the event loop have the interpreter
TICKS_A_SWEEP = 10  # of a tenth of a second
ACCEPTED_A_TURN = 16  # connections; the loop accepts one a turn from each descriptor of the listening socket


class VolumeThreads(ThreadPoolExecutor):
    """Threads that look at files; one that hangs on a dead network volume does not keep the server from ending."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - never waits
        """Let go of the threads."""
        super().shutdown(wait=False, cancel_futures=True)


class Server(uvicorn.Server):
    """uvicorn's server, which says where it listens, drains after SIGTERM, and takes a signal for a good end."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: Starlette,
        shared: Connections,
        certificate: Certificate | None,
        remote_calls: "Callable[[], GrpcServer] | None",
    ) -> None:
        super().__init__(config)
        self._settings: Settings = app.state.settings
        self._watcher: Watcher = app.state.watcher
        self._drain: Drain = app.state.drain
        self._prediction_log: PredictionLog | None = app.state.prediction_log
        self._rotating: Sequence[Rotating[Any]] = app.state.rotating
        self._shared = shared
        self._certificate = certificate
        self._handshakes: Handshakes | None = None
        self._remote_calls = remote_calls
        self._grpc: GrpcServer | None = None
        self._look_now = False
        self._overload_log = OverloadLog(app.state.metrics.overloads)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say where."""
        asyncio.get_running_loop().set_default_executor(VolumeThreads())
        self._grpc = self._remote_calls() if self._remote_calls else None
        await super().startup([] if self._certificate else sockets)
        if self._grpc and not self.should_exit:
            await self._grpc.start()
        if sockets and self._certificate:
            self._handshakes = self._accept_tls(sockets[0], self._certificate)
        if sockets and not self.should_exit:
            self._welcoming = asyncio.create_task(self._welcome(address_of(sockets[0], self._settings)))

    def _accept_tls(self, listener: socket.socket, certificate: Certificate) -> Handshakes:
        given = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        protocol = functools.partial(Connection, self._shared, **given)
        handshakes = Handshakes(certificate, self._shared, self.server_state.connections, protocol)
        handshakes.accept_from(listener)
        return handshakes

    async def _welcome(self, address: str) -> None:
        """Say where the server listens, and what it serves, once the models were looked at."""
        await self._watcher.looked.wait()
        if writes_json(self._settings.log_format):
            log.info("listening on %s", address)
            if self._grpc:
                log.info("listening for gRPC on %s", self._grpc.address)
            return
        if self._grpc:
            print(f"serve    gRPC on {self._grpc.address}")
        print(welcome(address, self._watcher, curl_options(self._settings)), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """End with exit code 0: SIGTERM drains first, Ctrl-C does not, and a second signal waits for nothing."""
        self.force_exit = self._drain.begun
        if sig == signal.SIGTERM and not self.force_exit:
            self._drain.begin()
        else:
            self._drain.end()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGHUP, too: it asks to look at the repository now."""

        def look_now(*_: object) -> None:
            self._look_now = True

        signal.signal(signal.SIGHUP, look_now)
        with super().capture_signals():
            yield
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, and stop listening when the drain is over; uvicorn asks ten times a second."""
        if counter % TICKS_A_SWEEP == 0:
            self._sweep()
        if self._look_now:
            self._look_now = False
            log.info("SIGHUP: looking at the model repository now")
            self._watcher.wake()
            for each in self._rotating:
                each.wake()
        self.should_exit = self.should_exit or self._drain.over
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        self._overload_log.look(now)
        for connection in self._connections():
            connection.check(now)

    def _connections(self) -> list[Connection]:
        return list(cast("set[Connection]", self.server_state.connections))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer every request of which a byte has come, and end."""
        await stop_accepting(sockets or [])
        if sockets and self._handshakes:
            await self._handshakes.end(sockets[0])
        self._shared.ending = True
        ending = asyncio.create_task(self._end_connections())
        ending_grpc = self._grpc and asyncio.create_task(
            self._grpc.stop(self._settings.shutdown_seconds, lambda: self.force_exit)
        )
        await super().shutdown(sockets)
        ending.cancel()
        for connection in self._connections():
            connection.give_up()
        if ending_grpc:
            await ending_grpc
        if self._prediction_log and not self.force_exit:
            await self._prediction_log.close()  # nothing is answered any more

    async def _end_connections(self) -> None:
        """Close each connection once nothing of it is left to answer."""
        while True:
            self._sweep()
            for connection in self._connections():
                connection.shutdown()
            await asyncio.sleep(0.1)


def serve(settings: Settings) -> None:
    """Serve until a signal.

    Raises:
        CannotListen: the address or port cannot be used.
        SettingError: a file with tokens, certificate or key cannot be used, or gRPC is asked for and not installed.

    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    child = child_at_start()  # before there are threads, tokens, keys or sockets
    keep_for_large_requests()
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create_app(settings)
    app.state.watcher.trials.ready = child
    protocols = 1 if settings.grpc_port is None else 2
    most = most_connections(protocols * settings.max_connections) // protocols
    door = functools.partial(refuse_at_the_door, app.state)
    shared = Connections(settings, most, app.state.metrics.refused, door, Direct(app.state))
    certificate = certificate_from(settings)
    if certificate:
        app.state.rotating.append(certificate)
    if settings.log_level_file:
        app.state.rotating.append(level_from(settings.log_level_file, settings.log_level))
    config = uvicorn.Config(
        app,
        http=functools.partial(Connection, shared),  # type: ignore[arg-type]  # called as the class is
        headers=[*SECURITY_HEADERS, ONLY_TLS] if certificate else SECURITY_HEADERS,
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        proxy_headers=False,  # nobody asks for the address of a client
        lifespan="on",
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    remote_calls = grpc_server(app.state, certificate)
    listener = listen(settings.host, settings.port)
    copies = 0 if certificate else ACCEPTED_A_TURN - 1  # handshakes are begun by a reader of our own
    Server(config, app, shared, certificate, remote_calls).run([listener, *(listener.dup() for _ in range(copies))])
    _leave(app.state.threads)


def _leave(threads: ThreadPoolExecutor) -> None:
    """End now even if a request is still in a thread, whose client was told so, or a look at a dead volume."""
    threads.shutdown(wait=False, cancel_futures=True)
    working = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    for thread in working:
        thread.join(0.2)
    if any(thread.is_alive() for thread in working):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
