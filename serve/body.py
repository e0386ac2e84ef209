"""Reading a request's body: of a type that is taken, and never more bytes than allowed, of one or of all requests."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from itertools import islice

from starlette.requests import Request

from serve.compression import PIECE, decompressed, encoding_of
from serve.errors import Overloaded, TooLarge, TooSlow, WrongMediaType

JSON, BINARY = "application/json", "application/octet-stream"
_PIECES = 16  # that a thread decompresses before they are counted


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

    def give_back(self) -> None:
        """Take no more of it."""
        self._memory.held -= self.size
        self.size = 0


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
            held.give_back()


async def read_json_body(request: Request, held: Held, largest: int, seconds: float) -> bytes:
    """Return a body of JSON; see `read_body`."""
    return await read_body(request, held, largest, seconds, (JSON,))


async def read_body(request: Request, held: Held, largest: int, seconds: float, types: Sequence[str]) -> bytes:
    """Return the body, decompressed.

    Raises:
        Malformed: it is not compressed as it is declared to be.
        Overloaded: it does not fit into memory beside the others.
        TooSlow: it did not come whole within `seconds`.
        WrongMediaType: it is declared to be of none of the types, JSON not in UTF-8, or compressed in an unknown way.
        TooLarge: it is longer than `largest` bytes, compressed or not, by its own account or by counting.

    """
    headers = request.headers
    declared = headers.get("content-type", JSON)
    if declared not in types:  # as it nearly always is, word for word
        _check_media_type(declared, types)
    encoding = headers.get("content-encoding")
    compressed = encoding_of(encoding) if encoding is not None else None
    if int(headers.get("content-length", "0")) > largest:
        raise _too_large(largest)
    try:
        async with asyncio.timeout(seconds):
            chunks = await _read(request, held, largest)
    except TimeoutError:
        raise TooSlow(f"the body did not come within {seconds:g} seconds") from None
    return await _decompress(request, held, chunks, compressed, largest) if compressed else b"".join(chunks)


async def _read(request: Request, held: Held, largest: int) -> list[bytes]:
    chunks = []
    async for chunk in request.stream():
        if held.size + len(chunk) > largest:
            raise _too_large(largest)
        held.add(len(chunk))
        chunks.append(chunk)
    return chunks


async def _decompress(request: Request, held: Held, chunks: list[bytes], encoding: str, largest: int) -> bytes:
    """Return a body decompressed: a small one here, a larger one in a thread, a little at a time.

    What is decompressed is counted before there is more, so that a body which grows beyond all bounds never does so.
    """
    found: list[bytes] = []
    size = 0
    pieces = decompressed(chunks, encoding)
    in_thread = held.size > PIECE
    while True:
        if in_thread:
            threads = request.app.state.threads
            some = await asyncio.get_running_loop().run_in_executor(threads, lambda: list(islice(pieces, _PIECES)))
        else:
            some = list(islice(pieces, 1))
        if not some:
            return b"".join(found)
        for piece in some:
            size += len(piece)
            held.add(len(piece))
            found.append(piece)
        if size > largest:
            raise _too_large(largest)
        in_thread = in_thread or size >= PIECE


def _check_media_type(declared: str, types: Sequence[str]) -> None:
    message = Message()
    message["content-type"] = declared
    given = message.get_content_type()
    if given not in types and JSON not in types:
        raise WrongMediaType(f"the body must be a form: send it with content-type: {types[0]}")
    if given not in types:
        or_binary = f", or binary tensors: send them with content-type: {BINARY}" if BINARY in types else ""
        raise WrongMediaType(f"the body must be JSON: send it with content-type: {JSON}{or_binary}")
    if given == JSON and message.get_content_charset("utf-8") not in ("utf-8", "utf8", "us-ascii"):
        raise WrongMediaType("the body must be JSON in UTF-8")


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"the body is too large; at most {largest} bytes are read")
