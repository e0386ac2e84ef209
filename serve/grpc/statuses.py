"""How errors are told over gRPC: a code for each status of HTTP, the same sentence, and when to come again."""

import grpc

from serve.errors import RequestError, retry_after

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,  # what gRPC itself says of a message that is too large
    422: grpc.StatusCode.INVALID_ARGUMENT,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}

Metadata = tuple[tuple[str, str], ...]


def code_of(error: RequestError) -> grpc.StatusCode:
    """Return the code that says what the error's status says over HTTP."""
    return CODES.get(error.status, grpc.StatusCode.UNKNOWN)


def trailer_of(error: RequestError, poll_seconds: float) -> Metadata:
    """Return the metadata that says when to come again, for people in seconds, and for a client's retry policy."""
    seconds = retry_after(error, poll_seconds)
    if seconds is None:
        return ()
    return ("retry-after", str(seconds)), ("grpc-retry-pushback-ms", str(1000 * seconds))
