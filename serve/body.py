"""Reading a request's body: only JSON, and never more bytes than allowed."""

import asyncio
from email.message import Message

from starlette.datastructures import Headers
from starlette.requests import Request

from serve.errors import TooLarge, TooSlow, WrongMediaType


async def read_json_body(request: Request, largest: int, seconds: float) -> bytes:
    """Return the body.

    Raises:
        TooSlow: it did not come whole within `seconds`.
        WrongMediaType: it is declared to be something else than JSON in UTF-8, or compressed.
        TooLarge: it is longer than `largest` bytes, by its own account or by counting.

    """
    _check_media_type(request.headers)
    if int(request.headers.get("content-length", "0")) > largest:
        raise _too_large(largest)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, largest)
    except TimeoutError:
        raise TooSlow(f"the body did not come within {seconds:g} seconds") from None


async def _read(request: Request, largest: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > largest:
            raise _too_large(largest)
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
