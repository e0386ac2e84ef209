"""Answers to what never reaches the application, in the form of all other errors."""

from collections.abc import Iterable
from http import HTTPStatus

import orjson

from serve.errors import Overloaded, RequestError
from serve.identity import REQUEST_ID


def refusal(
    error: RequestError, default_headers: Iterable[tuple[bytes, bytes]], request_id: bytes, *, close: bool = True
) -> bytes:
    """Return the bytes of an answer, which most often ends its connection."""
    content = orjson.dumps(error.body())
    headers = [
        *default_headers,
        (REQUEST_ID, request_id),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
    ]
    if close:
        headers.append((b"connection", b"close"))
    if isinstance(error, Overloaded):
        headers.append((b"retry-after", b"%d" % error.retry_after))
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", content])
