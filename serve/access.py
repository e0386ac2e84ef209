"""Who may ask: bearer tokens from a file, of which only digests are kept."""

import base64
import hashlib
import hmac
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.errors import Unauthorized
from serve.page.accept import prefers_html
from serve.page.failure import failure
from serve.rotation import Rotating, Unusable
from serve.settings import Settings

OPEN_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/metrics"})  # probes have no token
ASSETS = "/assets/"  # style and script of a page that asks for the token, too; nothing of a model is in them
SHORTEST_TOKEN = 16
CHALLENGE_OF_PEOPLE = 'Basic realm="Copse: the token is the password", charset="UTF-8"'

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
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or scope["path"].startswith(ASSETS):
            await self._app(scope, receive, send)
            return
        if refusal := refuse(scope["headers"], self._tokens, scope["method"]):
            scope["app"].state.metrics.refused(refusal.reason)
            answer = await failure(scope, refusal.status, refusal.body(), {"www-authenticate": refusal.challenge})
            if _is_a_person(scope):  # in a line of its own: of several in one line, Chromium reads the first alone
                answer.headers.append("www-authenticate", CHALLENGE_OF_PEOPLE)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_a_person(scope: Scope) -> bool:
    """Return whether a browser may ask its user for a token; programs are not asked."""
    return prefers_html(Headers(scope=scope)) and asked_for_by_its_user(scope["headers"], scope["method"])


def refuse(headers: Iterable[tuple[bytes, bytes]], tokens: Tokens, method: str = "POST") -> Unauthorized | None:
    """Return the error for whoever does not present a valid token in the headers, whose names are in lower case."""
    token = _presented(list(headers), method)
    if token is None:
        return Unauthorized("a bearer token is needed: send it as Authorization: Bearer TOKEN", "Bearer")
    if not _is_one_of(token, tokens.current):
        return Unauthorized("the bearer token is not valid", 'Bearer error="invalid_token"')
    return None


def _presented(headers: Sequence[tuple[bytes, bytes]], method: str = "POST") -> bytes | None:
    """Return what the only Authorization header presents as a bearer token, or as a password, if it does."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        return None
    scheme, _, credentials = values[0].partition(b" ")
    kind = scheme.lower()
    if kind == b"basic" and asked_for_by_its_user(headers, method):
        return _password(credentials)
    return credentials.strip(b" ") or None if kind == b"bearer" else None


def _password(credentials: bytes) -> bytes | None:
    """Return the password of credentials in base64; the name before it may be any."""
    try:
        _, _, password = base64.b64decode(credentials.strip(b" "), validate=True).partition(b":")
    except ValueError:
        return None
    return password or None


def asked_for_by_its_user(headers: Sequence[tuple[bytes, bytes]], method: str) -> bool:
    """Return whether a browser says that its user, or our own page, asks; programs do not say.

    A browser sends a password that it remembers with whatever another site has it ask for. A link there may be
    followed: it only reads, and the other site does not see the answer.
    """
    said = {name: value for name, value in headers if name.startswith(b"sec-fetch-")}
    link = said.get(b"sec-fetch-mode") == b"navigate" and said.get(b"sec-fetch-dest") == b"document"
    return said.get(b"sec-fetch-site", b"none") in (b"same-origin", b"none") or (link and method == "GET")


def _is_one_of(token: bytes, digests: Sequence[bytes]) -> bool:
    """Return whether a token is valid, in a time that does not tell which one it resembles."""
    digest = hashlib.sha256(token).digest()
    found = False
    for each in digests:
        found |= hmac.compare_digest(digest, each)
    return found
