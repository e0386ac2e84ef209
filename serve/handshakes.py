"""Connections whose TLS handshake is under way: bounded in time and, together with all others, in number."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Collection

from serve.connections import Connections
from serve.tls import Certificate

log = logging.getLogger("copse")

LEAST = 64  # handshakes that may be under way however many connections there are
MOST_A_TURN = 64  # connections accepted before others have their turn
GOODBYE_SECONDS = 2.0  # for a client to answer that its connection is closed, and for the last handshakes
REQUEST_SECONDS = 0.1  # between the end of a handshake and its client's request
PAUSE_SECONDS = 1.0  # in which descriptors may become free again


class Handshakes:
    """Accepts connections, and has a protocol take over those whose handshake is done.

    Each is shown the certificate that is current. uvicorn's own servers would know of a connection only after its
    handshake, so that clients that hang in theirs could take all memory.
    """

    def __init__(
        self,
        certificate: Certificate,
        shared: Connections,
        present: Collection[object],
        protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        self._certificate = certificate
        self._shared = shared
        self._present = present
        self._protocol = protocol
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[socket.socket, None] = {}  # the longest first

    def accept_from(self, listener: socket.socket) -> None:
        """Begin to accept connections."""
        listener.settimeout(0)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(MOST_A_TURN):
            try:
                accepted, _address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection can be accepted (%s); trying again in 1 s", error.strerror)
                loop.remove_reader(listener)
                loop.call_later(PAUSE_SECONDS, self._go_on, listener)
                return
            self._begin(accepted)

    def _go_on(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0 and not self._shared.ending:
            self.accept_from(listener)

    def _begin(self, accepted: socket.socket) -> None:
        self._under_way[accepted] = None
        task = asyncio.create_task(self._shake_hands(accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if len(self._under_way) > LEAST and not self._shared.holds(len(self._present) + len(self._under_way)):
            self._shared.refused("connections")
            self._give_up(next(iter(self._under_way)))

    def _give_up(self, accepted: socket.socket) -> None:
        """End a handshake as if its client had; uvloop lets one that is cancelled go on."""
        del self._under_way[accepted]
        with contextlib.suppress(OSError):
            accepted.shutdown(socket.SHUT_RDWR)

    async def _shake_hands(self, accepted: socket.socket) -> None:
        accepted.settimeout(0)
        with contextlib.suppress(OSError):  # what was sent is no TLS, or nothing was, or the client has gone
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                accepted,
                ssl=self._certificate.current.context,
                ssl_handshake_timeout=self._shared.settings.head_seconds,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        self._under_way.pop(accepted, None)

    async def end(self, listener: socket.socket) -> None:
        """Accept no more, and let handshakes that are under way come to their end."""
        asyncio.get_running_loop().remove_reader(listener)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GOODBYE_SECONDS)
            await asyncio.sleep(REQUEST_SECONDS)
        for accepted in list(self._under_way):
            self._give_up(accepted)
