"""Who may ask: bearer tokens from a file, of which only digests are kept."""

import hashlib
import hmac
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.errors import Unauthorized
from serve.rotation import Rotating, Unusable
from serve.settings import Settings

OPEN_PATHS = frozenset({"/livez", "/readyz", "/metrics"})  # the kubelet and Prometheus have no token
SHORTEST_TOKEN = 16

Digests = tuple[bytes, ...]
Tokens = Rotating[Digests]

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")


def tokens_from(path: Path) -> Tokens:
    """Return the tokens of a file.

    Raises:
        SettingError: the file cannot be used.

    """
    return Rotating("tokens", [path], lambda contents: read_tokens(path, contents[0]))


def read_tokens(path: Path, content: bytes) -> Digests:
    """Return the digests of the tokens that a file holds: one a line, neither blank lines nor those that begin with #.

    Raises:
        Unusable: there is none, or a line is none.

    """
    digests = []
    for number, line in enumerate(content.splitlines(), start=1):
        token = line.strip()
        if not token or token.startswith(b"#"):
            continue
        if len(token) < SHORTEST_TOKEN or not _TOKEN.fullmatch(token):
            raise Unusable(
                f"line {number} of {path} is no token: at least {SHORTEST_TOKEN} letters, digits and -._~+/, then any ="
            )
        digests.append(hashlib.sha256(token).digest())
    if not digests:
        raise Unusable(f"{path} holds no token")
    return tuple(digests)


def curl_options(settings: Settings) -> str:
    """Return what curl needs to trust the certificate and to be let in. A token is read from its file, not shown."""
    options = ""
    if settings.tls_certificate:
        options += f" --cacert {shlex.quote(str(settings.tls_certificate.absolute()))}"
    if settings.tokens_file:
        path = shlex.quote(str(settings.tokens_file.absolute()))
        options += f""" -H "authorization: Bearer $(grep -m 1 '^[^#]' {path})\""""
    return options


class RequireToken:
    """ASGI middleware that answers 401 to whoever does not present a valid token, whatever the path."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        if refusal := refuse(scope["headers"], self._tokens):
            headers = {"www-authenticate": refusal.challenge}
            content = orjson.dumps(refusal.body())
            await Response(content, refusal.status, headers, media_type="application/json")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refuse(headers: Iterable[tuple[bytes, bytes]], tokens: Tokens) -> Unauthorized | None:
    """Return the error for whoever does not present a valid token in the headers, whose names are in lower case."""
    token = _presented(headers)
    if token is None:
        return Unauthorized("a bearer token is needed: send it as Authorization: Bearer TOKEN", "Bearer")
    if not _is_one_of(token, tokens.current):
        return Unauthorized("the bearer token is not valid", 'Bearer error="invalid_token"')
    return None


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return what the only Authorization header presents as a bearer token, if it does."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(b" ")
    return token.strip(b" ") or None if scheme.lower() == b"bearer" else None


def _is_one_of(token: bytes, digests: Sequence[bytes]) -> bool:
    """Return whether a token is valid, in a time that does not tell which one it resembles."""
    digest = hashlib.sha256(token).digest()
    found = False
    for each in digests:
        found |= hmac.compare_digest(digest, each)
    return found
