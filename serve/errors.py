"""What can be wrong with a request, and the HTTP status that says so: the one place for both.

RequestError                the client's doing, or the moment's
├── Malformed         400   no HTTP, or the body is not JSON of the documented form
├── Unauthorized      401   no valid bearer token, where tokens are asked for
├── Forbidden         403   something that this server was not told to allow
├── NoSuchModel       404   no model of that name, or it is not clear which
├── NoSuchService     404   the health of something that this server does not have
├── NotExplained      404   the answers of this model are not explained
├── NotInstalled      404   the path needs a package that is not installed
├── TooSlow           408   the head or the body did not come in time
├── TooLarge          413   too many bytes or too many rows
├── WrongMediaType    415   not application/json
├── WrongValues       422   well-formed, but not rows of this model
├── HeadTooLarge      431   the request line and headers have too many bytes
├── ModelFailed       500   the model that is served cannot answer these rows
├── NotReady          503   no model is loaded yet
└── Overloaded        503   more is asked for than can be answered; Retry-After says when to come again

ModelRefused                a published version failed a check; it is not served
"""

import math
import re
from typing import Any

OVERLOADS = {
    "full": "too many requests wait already",
    "late": "the request's turn did not come in time",
    "memory": "too many bytes of requests are in memory",
    "connections": "too many connections are open",
}


class RequestError(Exception):
    """Base of all errors that are answered; its text is one sentence and never holds a value that was sent.

    `reason` is its kind, under which it is counted.
    """

    status = 500
    reason = "unexpected"

    def __init__(self, sentence: str, **where: Any) -> None:
        super().__init__(sentence)
        self.where = where

    def __init_subclass__(cls) -> None:
        cls.reason = re.sub("(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def body(self) -> dict[str, Any]:
        """Return the answer: the sentence, then where and what was expected."""
        return {"error": str(self), **self.where}

    def in_full(self) -> str:
        """Return the sentence with where and what was expected in it, for clients that show nothing else."""
        where = ", ".join(f"{name} {value}" for name, value in self.where.items())
        return f"{self} ({where})" if where else str(self)


class Malformed(RequestError):
    """The body cannot be read."""

    status = 400


class Unauthorized(RequestError):
    """No valid bearer token was presented. Holds the challenge, which says how one is to be."""

    status = 401

    def __init__(self, sentence: str, challenge: str) -> None:
        super().__init__(sentence)
        self.challenge = challenge


class Forbidden(RequestError):
    """Something was asked for that is allowed by a setting, which is off."""

    status = 403


class NoSuchModel(RequestError):
    """There is no model of that name, or none was named and there are several."""

    status = 404


class NoSuchService(RequestError):
    """The health of another service than this server's was asked for."""

    status = 404


class NotInstalled(RequestError):
    """The path needs a package that is not installed."""

    status = 404


class NotExplained(RequestError):
    """The answers of this model are not explained."""

    status = 404


class TooSlow(RequestError):
    """The client took too long to send its request."""

    status = 408


class TooLarge(RequestError):
    """The body has too many bytes or rows."""

    status = 413


class WrongMediaType(RequestError):
    """The body is declared to be something else than JSON."""

    status = 415


class WrongValues(RequestError):
    """The body is well-formed and its values are not rows of this model."""

    status = 422


class HeadTooLarge(RequestError):
    """The request line and headers, called the head, have too many bytes."""

    status = 431


class ModelFailed(RequestError):
    """The model fails on rows that are good."""

    status = 500


class NotReady(RequestError):
    """No model is loaded yet."""

    status = 503


class Overloaded(RequestError):
    """More is asked for than can be answered in time. Holds the reason, and the seconds after which to come again."""

    status = 503

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(f"the server is busy: {OVERLOADS[reason]}; try again in {retry_after} s")
        self.reason = reason
        self.retry_after = retry_after


_KINDS: list[type[RequestError]] = [RequestError, *RequestError.__subclasses__()]
REASONS = [kind.reason for kind in _KINDS if kind is not Overloaded]


def retry_after(error: RequestError, poll_seconds: float) -> int | None:
    """Return in how many seconds to come again, where that is known; models are looked for every `poll_seconds`."""
    if isinstance(error, Overloaded):
        return error.retry_after
    return math.ceil(poll_seconds) if isinstance(error, NotReady) else None


class ModelRefused(Exception):
    """A published version failed a check before going live; its text is the reason."""
