"""Running the application with uvicorn: the socket, the signals, and what is said on the terminal."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import numpy as np
import orjson
import uvicorn

from serve.app import THREADS, create_app
from serve.drain import Drain
from serve.settings import Settings
from serve.watcher import Watcher


class CannotListen(Exception):
    """The address or port cannot be used; its text says why and what to do."""


class Server(uvicorn.Server):
    """uvicorn's server, which says where it listens, drains after SIGTERM, and takes a signal for a good end."""

    def __init__(self, config: uvicorn.Config, watcher: Watcher, drain: Drain) -> None:
        super().__init__(config)
        self._watcher = watcher
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say where."""
        await super().startup(sockets)
        if sockets and not self.should_exit:
            self._welcoming = asyncio.create_task(self._welcome(_address(sockets[0])))

    async def _welcome(self, address: str) -> None:
        """Say where the server listens, and what it serves, once the models were looked at."""
        await self._watcher.looked.wait()
        print(_welcome(address, self._watcher), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """End with exit code 0: SIGTERM drains first, Ctrl-C does not, and a second signal waits for nothing."""
        ending = self._drain.begun or self.should_exit
        if sig == signal.SIGTERM and not ending:
            self._drain.begin()
            return
        self.force_exit = self.force_exit or ending
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Stop listening when the drain is over; uvicorn asks ten times a second."""
        self.should_exit = self.should_exit or self._drain.over
        return await super().on_tick(counter)


def serve(settings: Settings) -> None:
    """Serve until a signal.

    Raises:
        CannotListen: the address or port cannot be used.

    """
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        lifespan="on",
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    listener = _listen(settings.host, settings.port)
    Server(config, app.state.watcher, app.state.drain).run([listener])
    _leave(app.state.threads)


def _leave(threads: ThreadPoolExecutor) -> None:
    """End now even if a request is still in a thread: its client was told that the time is over."""
    threads.shutdown(wait=False, cancel_futures=True)
    working = [thread for thread in threading.enumerate() if thread.name.startswith(THREADS)]
    for thread in working:
        thread.join(0.2)
    if any(thread.is_alive() for thread in working):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if isinstance(error, socket.gaierror):
            raise CannotListen(f"cannot listen on {host}: no such address; another is chosen with --host") from None
        reason = os.strerror(error.errno or 0)
        raise CannotListen(f"cannot listen on {host} port {port}: {reason}; another is chosen with --port") from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _welcome(address: str, watcher: Watcher) -> str:
    """Return the address, and a curl line that works when pasted; the row is a model's first golden row."""
    serving = [slot.serving for slot in watcher.slots.values() if slot.serving]
    if not serving:
        problems = [slot.problem for slot in watcher.slots.values() if slot.problem]
        return f"serve    {address}, not ready: {'; '.join(problems) or watcher.problem}"
    names = ", ".join(f"{model.name} version {model.version}" for model in serving)
    path = "/predict" if len(watcher.slots) == 1 else f"/models/{serving[0].name}/predict"
    row = np.array(serving[0].manifest.golden.rows[0], dtype=np.float32)
    body = orjson.dumps({"features": row}, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    stop = "\n\nCtrl-C stops." if sys.stdin.isatty() else ""
    return (
        f"serve    {names} on {address}\n\n"
        f"curl -s {address}{path} -H 'content-type: application/json' -d '{body}'{stop}"
    )
