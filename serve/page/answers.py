"""Answers that bring their own security headers: pages for people, and the files that these load."""

from collections.abc import Callable, Collection, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FOR_EVER = "max-age=31536000, immutable"


class WithOwnHeaders(Response):
    """An answer whose headers stand in place of the server's defaults of the same names."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; two content security policies would both hold, and two cache controls contradict each other."""
        leave_out: Callable[[Collection[bytes]], None] | None = scope.get("extensions", {}).get("copse.leave_out")
        if leave_out:
            leave_out({name for name, _ in self.raw_headers})
        await super().__call__(scope, receive, send)


def html(content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page; it is one of several forms, chosen by what the client accepts."""
    policy = {"content-security-policy": PAGE_POLICY, "vary": "accept"}
    return WithOwnHeaders(content, status, policy | dict(headers or {}), media_type="text/html")


def asset(content: bytes, media_type: str) -> Response:
    """Return a file whose name changes with its content."""
    headers = {"content-security-policy": PAGE_POLICY, "cache-control": FOR_EVER}
    return WithOwnHeaders(content, headers=headers, media_type=media_type)
