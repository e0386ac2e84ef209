"""Reading a request's body: only JSON, and never more bytes than allowed, of one or of all requests together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message

from starlette.datastructures import Headers
from starlette.requests import Request

from serve.errors import Overloaded, TooLarge, TooSlow, WrongMediaType


class Held:
    """The bytes that one request keeps in memory, as a part of those that all may keep."""

    def __init__(self, memory: "BodyMemory") -> None:
        self._memory = memory
        self.size = 0

    def add(self, size: int) -> None:
        """Take so many bytes more.

        Raises:
            Overloaded: all requests together would hold more than allowed.

        """
        if self._memory.held + size > self._memory.most:
            raise Overloaded("memory", 1)
        self._memory.held += size
        self.size += size


class BodyMemory:
    """A bound on the bytes of all bodies in memory at the same time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def holding(self) -> Iterator[Held]:
        """Give back all that a request took when it is answered."""
        held = Held(self)
        try:
            yield held
        finally:
            self.held -= held.size


async def read_json_body(request: Request, held: Held, largest: int, seconds: float) -> bytes:
    """Return the body.

    Raises:
        Overloaded: it does not fit into memory beside the others.
        TooSlow: it did not come whole within `seconds`.
        WrongMediaType: it is declared to be something else than JSON in UTF-8, or compressed.
        TooLarge: it is longer than `largest` bytes, by its own account or by counting.

    """
    _check_media_type(request.headers)
    if int(request.headers.get("content-length", "0")) > largest:
        raise _too_large(largest)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, held, largest)
    except TimeoutError:
        raise TooSlow(f"the body did not come within {seconds:g} seconds") from None


async def _read(request: Request, held: Held, largest: int) -> bytes:
    chunks = []
    async for chunk in request.stream():
        if held.size + len(chunk) > largest:
            raise _too_large(largest)
        held.add(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def _check_media_type(headers: Headers) -> None:
    declared = Message()
    declared["content-type"] = headers.get("content-type", "application/json")
    if declared.get_content_type() != "application/json":
        raise WrongMediaType("the body must be JSON: send it with content-type: application/json")
    if declared.get_content_charset("utf-8") not in ("utf-8", "utf8", "us-ascii"):
        raise WrongMediaType("the body must be JSON in UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongMediaType("the body must not be compressed")


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"the body is too large; at most {largest} bytes are read")
