"""Which request it is: its id, given by the client or here, and the trace of which it is a part."""

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from serve.ended import Work

REQUEST_ID, TRACEPARENT = b"x-request-id", b"traceparent"
CALLER = "copse.caller"  # under which the scope of a request holds its caller

_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}")
# W3C Trace Context, section 3.2: version, trace, parent and flags; versions after 00 may have more.
_TRACE = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")

_process = secrets.token_hex(4)
_numbers = itertools.count(1)


def new_id() -> bytes:
    """Return an id that no other request has."""
    return b"%b-%x" % (_process.encode(), next(_numbers))


class Identity(NamedTuple):
    """What the headers of a request say of it; without an id that can be used it is given one."""

    request_id: bytes | None
    traceparent: str | None


NAMELESS = Identity(None, None)


def identity(headers: Iterable[tuple[bytes, bytes]]) -> Identity:
    """Return what headers, their names in lower case, say; what is said twice, or in no known form, is not heard."""
    ids = [value.strip(b" \t") for name, value in headers if name == REQUEST_ID]
    traces = [value.strip(b" \t") for name, value in headers if name == TRACEPARENT]
    return Identity(
        ids[0] if len(ids) == 1 and _ID.fullmatch(ids[0]) else None,
        _trace(traces[0]) if len(traces) == 1 else None,
    )


def _trace(value: bytes) -> str | None:
    found = _TRACE.fullmatch(value)
    return value.decode() if found and not (found[1] == b"00" and found[2]) else None


def never_gone() -> bool:
    """Return that a client has not gone, where nothing tells."""
    return False


class Identified(Protocol):
    """A request, as those who are told of it know it."""

    begun: float  # a time of time.monotonic()

    @property
    def request_id(self) -> str:
        """Return its id."""

    @property
    def traceparent(self) -> str | None:
        """Return the trace that it belongs to, if it said so."""

    @property
    def work(self) -> Work | None:
        """Return what a model did for it."""


class Caller:
    """Who waits for the answer to a request: whether they have gone, and what a model did for them."""

    __slots__ = ("begun", "gone", "left", "request_id", "traceparent", "work")

    def __init__(
        self, headers: Iterable[tuple[bytes, bytes]], gone: Callable[[], bool], begun: float | None = None
    ) -> None:
        """Take the headers of a request, what tells whether its client has closed the connection, and when it began."""
        self.begun = begun or time.monotonic()
        found = identity(headers)
        self.request_id = (found.request_id or new_id()).decode()
        self.traceparent = found.traceparent
        self.gone = gone
        self.left = False  # before there was an answer
        self.work: Work | None = None
