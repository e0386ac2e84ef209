"""Heads of ordinary predictions: what each says, and those that came before, which need not be parsed again."""

import re
from functools import lru_cache
from typing import NamedTuple

from serve.framing import BLANK_LINE
from serve.identity import NAMELESS, Identity, identity
from serve.routes import predict

MOST_KNOWN, LONGEST_KNOWN = 1024, 1024  # heads, and bytes of one

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:._-")
# The lines of a head that are another's in each request, and say nothing of how it is answered.
_OF_ONE_REQUEST = re.compile(rb"\r\n(x-request-id|traceparent|tracestate): *([!-~]*)(?=\r\n[!-~\r])", re.IGNORECASE)


class Way(NamedTuple):
    """A path of predictions: its template, and the model and the version that it names."""

    template: str
    name: str | None
    version: str | None


@lru_cache(maxsize=256)
def way_of(target: bytes) -> Way | None:
    """Return the way that a request's target is, if it is one of predictions and plainly written."""
    if not _PLAIN.issuperset(target):
        return None
    for template, pattern in predict.PATTERNS.items():
        if found := pattern.match(target.decode()):
            return Way(template, found.groupdict().get("name"), found.groupdict().get("version"))
    return None


class Head(NamedTuple):
    """What is known of an ordinary request by its head alone."""

    template: str
    name: str | None
    version: str | None
    body_bytes: int
    json_bytes: int | None  # of the body, where that is not all of it
    accepted: str | None  # in which encodings an answer is
    identity: Identity = NAMELESS


class KnownHeads:
    """Heads as they were written, without what is another's in each request, and what they say. A bounded number."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def __len__(self) -> int:
        return len(self._known)

    def keep(self, written: bytes, head: Head) -> None:
        """Keep a whole head, if it is not too long; a client that asks again most often writes the same."""
        if not 0 < len(written) <= LONGEST_KNOWN:
            return
        if identity(_own_lines(written)) != head.identity:  # they are written in a way that is not looked for
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[_OF_ONE_REQUEST.sub(b"", written)] = head._replace(identity=NAMELESS)

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return what a head says that came before, and the body, where the bytes are one whole request; else None."""
        end = data.find(BLANK_LINE) + len(BLANK_LINE)
        head = self._known.get(data[:end]) or self._named(data[:end])
        return (head, data[end:]) if head and len(data) == end + head.body_bytes else None

    def _named(self, written: bytes) -> Head | None:
        """Return what a head says that has lines which are its own."""
        if len(written) > 2 * LONGEST_KNOWN:
            return None
        head = self._known.get(_OF_ONE_REQUEST.sub(b"", written))
        lines = _own_lines(written) if head else ()
        return head._replace(identity=identity(lines)) if head and lines else None


def _own_lines(written: bytes) -> list[tuple[bytes, bytes]]:
    """Return the lines of a head that are another's in each request, their names in lower case."""
    return [(name.lower(), value) for name, value in _OF_ONE_REQUEST.findall(written)]
