"""Ordinary predictions, answered straight from their connection: no task and no ASGI cycle is made for them.

Ordinary is a request that comes whole within a moment, asks for nothing but an answer, and gets one. All others
go the usual way through the application, also those which turn out to be wrong only when it is their turn: there each
error has its answer.
"""

import time
from collections.abc import Sequence
from typing import Protocol

from starlette.datastructures import State

from serve.access import Tokens, refuse
from serve.admission import Admission, ClientGone
from serve.body import BINARY, JSON, BodyMemory, Held
from serve.drain import Drain
from serve.ended import Work
from serve.errors import Overloaded, RequestError
from serve.heads import Head, KnownHeads, Way, way_of
from serve.identity import identity, new_id
from serve.model import LoadedModel
from serve.observer import Observer
from serve.questions import Answered, Question
from serve.refusal import refusal
from serve.routes import predict, v2
from serve.routes.state import named
from serve.service import Service, work_of
from serve.settings import Settings
from serve.watcher import Watcher

Headers = Sequence[tuple[bytes, bytes]]

OK = 200

_JSON, _LENGTH = JSON.encode(), v2.LENGTH.encode()
_UNUSUAL = frozenset({b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"})
_ASKED = {
    **dict.fromkeys((predict.PREDICT, predict.PREDICT_OF, predict.PREDICT_V1), (predict.question, {_JSON})),
    **dict.fromkeys((predict.INFER, predict.INFER_VERSION), (v2.question, {_JSON, BINARY.encode()})),
}


class Line(Protocol):
    """The connection that a request came on."""

    @property
    def default_headers(self) -> Headers:
        """Return the headers of every answer."""

    def closed(self) -> bool:
        """Return whether the client has gone."""

    def answer(self, head: bytes, content: bytes) -> None:
        """Send a whole answer."""

    def go_the_usual_way(self, body: bytes) -> None:
        """Have the application answer the request, whose body is this."""


class Direct:
    """Knows which requests are ordinary, and answers them."""

    def __init__(self, state: State) -> None:
        settings: Settings = state.settings
        self.max_rows = settings.max_rows
        self._largest = settings.max_body_bytes
        self.drain: Drain = state.drain
        self._tokens: Tokens | None = state.tokens
        self._watcher: Watcher = state.watcher
        self.bodies: BodyMemory = state.bodies
        self.admission: Admission = state.admission
        self.service: Service = state.service
        self.observer: Observer = state.observer
        self._default_headers: Headers = ()
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._known = KnownHeads()

    def exchange(self, line: Line, target: bytes, headers: Headers, written: bytes) -> "Exchange | None":
        """Return the exchange that the head of a POST request begins, or None if it is no ordinary prediction.

        `written` is the whole head as it came, or empty. It is kept, so that the next like it need not be parsed, but
        for one with a token in it.
        """
        way = way_of(target)
        head = self._read(way, headers) if way else None
        if head is None or (self._tokens and refuse(headers, self._tokens)):
            return None
        if not self._tokens:
            self._known.keep(written, head)
        return self._begin(line, head)

    def recall(self, line: Line, data: bytes) -> "Exchange | None":
        """Return the exchange of bytes that are one whole request whose head is known, with its body; else None."""
        found = self._known.find(data)
        exchange = self._begin(line, found[0]) if found else None
        if found and exchange:
            exchange.body = found[1]
        return exchange

    def _read(self, way: Way, headers: Headers) -> Head | None:
        """Return what a head says, or None if it asks for anything unusual."""
        given = dict(headers)
        if len(given) != len(headers) or not _UNUSUAL.isdisjoint(given) or b"text/" in given.get(b"accept", b""):
            return None
        media_type, body_bytes = given.get(b"content-type", _JSON), int(given.get(b"content-length", b"0"))
        if media_type not in _ASKED[way.template][1] or body_bytes > self._largest:
            return None
        try:
            json_bytes = v2.json_length(_text(given.get(_LENGTH)), media_type.decode())
        except RequestError:
            return None
        return Head(*way, body_bytes, json_bytes, _text(given.get(b"accept-encoding")), identity(headers))

    def _begin(self, line: Line, head: Head) -> "Exchange | None":
        try:
            model = self._watcher.served(head.name, head.version)
        except RequestError:
            return None
        return Exchange(self, line, head, model)

    def head(self, default_headers: Headers, model: LoadedModel, headers: dict[str, str]) -> bytes:
        """Return the head of an answer up to the id of its request; with the date it is made anew each second."""
        if default_headers is not self._default_headers:  # another date
            self._default_headers, self._heads = default_headers, {}
        key = (model.name, model.version, *headers.items())  # not the model, which may be removed
        if key not in self._heads:
            own = [(name.encode(), value.encode("latin-1")) for name, value in (named(model) | headers).items()]
            lines = b"".join([b"%b: %b\r\n" % header for header in (*default_headers, *own)])
            self._heads[key] = b"HTTP/1.1 200 OK\r\n%bx-request-id: " % lines
        return self._heads[key]


class Exchange:
    """One request and its answer: it is asked once its body is there, and waits for its turn."""

    def __init__(self, direct: Direct, line: Line, head: Head, model: LoadedModel) -> None:
        self.body = b""
        self.asked = False
        self._parts: list[bytes] = []
        self._direct, self._line, self._head, self._model = direct, line, head, model
        self._held = Held(direct.bodies)
        self._answered: Answered | None = None
        self._waiting = 0.0
        self.request_id = ""
        self.begun = self._asked_at = time.monotonic()

    def take(self, part: bytes) -> bool:
        """Take a part of the body, if there is memory for it."""
        try:
            self._held.add(len(part))
        except Overloaded:
            return False
        self._parts.append(part)
        return True

    def leave(self) -> bytes:
        """Hold no more memory; return what of the body has come."""
        self._held.give_back()
        return self.body or b"".join(self._parts)

    def ask_at_the_door(self) -> None:
        """Ask, unless it is a request too many: of one whose head was recalled that was not seen yet."""
        drain, lane = self._direct.drain, self._direct.admission.inline
        if not drain.begun and (refusal := lane.refuse_at_the_door()):
            self.set_exception(refusal)
        else:
            self.ask()

    def ask(self) -> None:
        """Wait for the turn of the request, which has come whole."""
        self.asked, self._asked_at = True, time.monotonic()
        direct, head, question = self._direct, self._head, _ASKED[self._head.template][0]
        if direct.drain.begun:
            self._line.go_the_usual_way(self.leave())
            return
        if self._parts:
            self.body, self._parts = b"".join(self._parts), []
        rows, decode = question(self.body, head.json_bytes, self._model, direct.max_rows, head.accepted)
        try:
            self._held.add(len(self.body) - self._held.size)  # a body that came with a known head is not counted yet
            direct.service.ask(Question(self._model, decode), len(self.body), rows, self._line.closed, self)
        except Overloaded as error:
            self.set_exception(error)

    def done(self) -> bool:
        """Return that the answer is waited for, as long as nobody has told one."""
        return False

    def set_result(self, answered: Answered) -> None:
        """Send the answer."""
        self._held.give_back()
        seconds = time.monotonic() - self._asked_at
        content, headers = answered.content
        head = self._direct.head(self._line.default_headers, self._model, headers)
        named = b"%b%b\r\ncontent-length: %d\r\n\r\n" % (head, self._name(), len(content))
        self._line.answer(named, content)
        self._waiting = self._direct.service.count(self._model, answered, seconds, self.request_id)
        self._answered = answered
        self._direct.observer.ended("POST", self._head.template, OK, self)

    def set_exception(self, error: Exception) -> None:
        """Tell when to come again, or have the application say what is wrong."""
        self._held.give_back()
        if isinstance(error, Overloaded):
            self._line.answer(refusal(error, self._line.default_headers, self._name(), close=False), b"")
            self._direct.observer.metrics.refused(error.reason)
            self._direct.observer.ended("POST", self._head.template, error.status, self)
        elif not isinstance(error, ClientGone):
            self._line.go_the_usual_way(self.body)

    def _name(self) -> bytes:
        """Return the id of the request, which it has from when it is answered."""
        name = self._head.identity.request_id or new_id()
        self.request_id = name.decode()
        return name

    @property
    def traceparent(self) -> str | None:
        """Return the trace that the request belongs to, if it said so."""
        return self._head.identity.traceparent

    @property
    def work(self) -> Work | None:
        """Return what the model did for it."""
        return work_of(self._model, self._answered, self._waiting) if self._answered else None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
