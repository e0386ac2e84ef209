"""The answers that say what is wrong, made from serve/errors.py."""

import inspect
from collections.abc import Iterable
from typing import Any

from serve.errors import HeadTooLarge, Malformed, Overloaded, RequestError, TooSlow, Unauthorized
from serve.openapi.rows import reference

ALWAYS = (Malformed, TooSlow, HeadTooLarge, Overloaded)  # whatever is asked for

_HEADERS = {
    401: {"www-authenticate": {"required": True, "schema": {"type": "string", "pattern": "^Bearer"}}},
    503: {
        "retry-after": {
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
            "description": "seconds after which to come again",
        }
    },
}


def responses() -> dict[str, Any]:
    """Return one response for each status that an error has, by the status."""
    by_status: dict[int, list[type[RequestError]]] = {}
    kind: type[RequestError]
    for kind in RequestError.__subclasses__():
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def failures(errors: Iterable[type[RequestError]], *, protected: bool) -> dict[str, Any]:
    """Return references to the responses for some errors, and for those that any path answers with, by status."""
    kinds: list[type[RequestError]] = [*ALWAYS, *errors, *([Unauthorized] if protected else [])]
    statuses = {kind.status for kind in kinds}
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}


def _response(status: int, kinds: Iterable[type[RequestError]]) -> dict[str, Any]:
    sentences = [(inspect.getdoc(kind) or "").partition(".")[0] for kind in kinds]
    response: dict[str, Any] = {
        "description": "; or: ".join(sentences),
        "content": {"application/json": {"schema": reference("Error")}, "text/html": {"schema": {"type": "string"}}},
    }
    return response | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
