"""One HTTP connection of the load generator, which checks each answer byte for byte."""

import asyncio
import os
import re
import socket
import time
from collections.abc import Callable
from typing import NamedTuple, cast

from tests.torture.wire import IDLE_CLOSED, LATE, REFUSED, REFUSED_SILENTLY, RESET, RIGHT, WRONG, Question

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
VERSION = re.compile(rb"\r\nx-model-version: *(\d+)", re.IGNORECASE)
RETRY_AFTER = re.compile(rb"\r\nretry-after: *[1-9]\d*\r", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
RESET_FOLLOWS_SECONDS = 0.05


class Ending(NamedTuple):
    """How a request ended, after how long, and what was seen if it was not right."""

    outcome: str
    seconds: float
    version: str = ""
    detail: str = ""


class Connection(asyncio.Protocol):
    """Sends one request at a time; `ended` is told how each one ended, `gone` when the connection is of no more use."""

    def __init__(
        self, ended: Callable[["Connection", Ending], None], gone: Callable[["Connection"], None], pause: float
    ) -> None:
        self._ended, self._gone, self._pause = ended, gone, pause
        self._question: Question | None = None
        self._received = b""
        self._answered = 0
        self.asked_at = 0.0
        self.usable = True
        self.idled = False  # it was open before its request was due

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no base in common with asyncio's

    def ask(self, question: Question, request: bytes) -> None:
        """Send a request."""
        self._question, self._received, self.asked_at = question, b"", time.perf_counter()
        if self._pause:
            cut = len(request) // 3
            self._transport.write(request[:cut])
            asyncio.get_running_loop().call_later(self._pause, self._send_rest, request[cut:])
        else:
            self._transport.write(request)

    def _send_rest(self, rest: bytes) -> None:
        if self._question:
            self._transport.write(rest)

    def data_received(self, data: bytes) -> None:
        """Judge the answer once it is whole."""
        if not self._question:
            self.close()  # nothing was asked
            return
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[: end + 2]
        length = LENGTH.search(head)
        if not length:
            self.usable = False
            self._end(WRONG, detail="an answer without content-length")
            self.close()
        elif len(self._received) >= end + 4 + int(length[1]):
            self._answered += 1
            self.usable = self.usable and not CLOSE.search(head)
            self._end(*_judge(self._question, head, self._received[end + 4 :]))

    def eof_received(self) -> bool:
        """Wait a moment if there is no answer: a reset that follows tells that the request was never read."""
        self.usable = False
        if self._question:
            asyncio.get_running_loop().call_later(RESET_FOLLOWS_SECONDS, self._judge_close)
        return self._question is not None

    def connection_lost(self, error: Exception | None) -> None:
        """Count a request that has no answer."""
        self.usable = False
        self._unanswered(unread=isinstance(error, OSError))
        self._gone(self)

    def give_up(self) -> None:
        """Count the request as late."""
        self.usable = False
        self._end(LATE)
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.usable = False
        self._transport.abort()

    def _judge_close(self) -> None:
        if not self._transport.is_closing():
            plug = self._transport.get_extra_info("socket")
            self._unanswered(unread=plug.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0)
            self.close()

    def _unanswered(self, *, unread: bool) -> None:
        """Tell a connection that was closed while idle, its request unread, from a request that was dropped."""
        idle = unread and self.idled and not self._received
        if self._question:
            cut = f"{'unread' if unread else 'read'}, after {self._answered} answers, {len(self._received)} bytes came"
            self._end(IDLE_CLOSED if idle else RESET, detail="" if idle else cut)

    def _end(self, outcome: str, version: str = "", detail: str = "") -> None:
        if self._question:
            self._question = None
            self._ended(self, Ending(outcome, time.perf_counter() - self.asked_at, version, detail))


def _judge(question: Question, head: bytes, body: bytes) -> tuple[str, str, str]:
    status, found = int(head[9:12]), VERSION.search(head)
    version = found[1].decode() if found else ""
    if status == 503 and question.status != 503:
        return (REFUSED if RETRY_AFTER.search(head) else REFUSED_SILENTLY), version, ""
    if status != question.status:
        return WRONG, version, f"status {status} instead of {question.status}: {body[:200]!r}"
    if body != question.answers.get(version):
        return WRONG, version, f"version {version or '-'} answered {len(body)} bytes that are not its answer"
    return RIGHT, version, ""


def strerror(error: OSError) -> str:
    """Return the name of an error."""
    return os.strerror(error.errno) if error.errno else type(error).__name__
