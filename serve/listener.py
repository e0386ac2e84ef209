"""The listening socket: its address, its descriptors, and how it stops without losing who has come already."""

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import select
import socket
import stat
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger("copse")

SPARE_DESCRIPTORS = 192  # for models, logs, children, and connections that are being refused
HANDSHAKE_SECONDS = 0.1
QUEUE_SECONDS = 1.0

_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, which the socket module does not name
_NO_NEW_CONNECTION = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in [
        (0x30, 0, 0, 13),  # load the TCP flags
        (0x45, 0, 1, 0x02),  # is it a SYN?
        (0x06, 0, 0, 0),  # then drop it
        (0x06, 0, 0, 0xFFFFFFFF),  # else take it whole
    ]
)


class CannotListen(Exception):
    """The address or port cannot be used; its text says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        CannotListen: the address or port cannot be used.

    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if isinstance(error, socket.gaierror):
            raise CannotListen(f"cannot listen on {host}: no such address; another is chosen with --host") from None
        reason = os.strerror(error.errno or 0)
        raise CannotListen(f"cannot listen on {host} port {port}: {reason}; another is chosen with --port") from None


def most_connections(wanted: int) -> int:
    """Return how many connections there are descriptors for, raising the process's limit as far as needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    most = max(soft - SPARE_DESCRIPTORS, soft // 2)
    log.warning("%d file descriptors are enough for %d connections; %d were wanted", soft, most, wanted)
    return most


async def stop_accepting(listeners: Sequence[socket.socket]) -> None:
    """Let nobody new in, and wait until everybody who is in the kernel's queue has been accepted."""
    for listener in listeners:
        _drop_new_connections(listener)
    await asyncio.sleep(HANDSHAKE_SECONDS)
    loop, queues = asyncio.get_running_loop(), [listener.fileno() for listener in listeners]
    deadline = loop.time() + QUEUE_SECONDS
    while loop.time() < deadline and any(map(readable, queues)):  # noqa: ASYNC110 - accepting sets no event
        await asyncio.sleep(0)


def listening_on(port: int) -> list[socket.socket]:
    """Return duplicates of the sockets with which this process listens on a port; for what listens by itself."""
    found = []
    for entry in Path("/proc/self/fd").iterdir() if sys.platform.startswith("linux") else ():
        descriptor = int(entry.name)
        with contextlib.suppress(OSError):  # the descriptor with which they are listed is closed by now
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            candidate = socket.socket(fileno=os.dup(descriptor))
            if candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and candidate.getsockname()[1] == port:
                found.append(candidate)
            else:
                candidate.close()
    return found


def readable(descriptor: int) -> bool:
    """Return whether something has come that was not read yet: bytes, an end, or a new connection."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _drop_new_connections(listener: socket.socket) -> None:
    """Have the kernel drop SYNs: a connection made between the last accept() and close() would be reset."""
    if not sys.platform.startswith("linux"):
        return
    program = ctypes.create_string_buffer(_NO_NEW_CONNECTION, len(_NO_NEW_CONNECTION))
    length = len(_NO_NEW_CONNECTION) // struct.calcsize("HBBI")
    try:
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", length, ctypes.addressof(program)))
    except OSError:
        log.debug("new connections cannot be held off while listening ends", exc_info=True)
