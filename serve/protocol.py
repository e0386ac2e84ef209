"""One connection: uvicorn's HTTP/1.1 on httptools, held to limits, and never closed under a request.

Requests are parsed one at a time: what comes after a complete one waits, unread, until that one is answered. So a
client that sends many at once takes no memory for them, and an error is always about the request whose turn it is.
Ordinary predictions are not handed to the application, and not even parsed where their head is known (serve/direct.py).
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serve.connections import Connections
from serve.direct import Exchange, Headers
from serve.ending import EndingConnection
from serve.errors import HeadTooLarge, Malformed, Overloaded
from serve.identity import identity, new_id
from serve.refusal import refusal


class TurnedAway:
    """Stands for the answer to a request that was turned away: it was complete before the application heard of it."""

    response_complete = True
    message_event = asyncio.Event()


TURNED_AWAY = TurnedAway()
WRITTEN_AT_ONCE = 2**16  # bytes that are copied behind their head


class Outlet:
    """What an answer sees of its transport: one whose closing does not cut off the answer."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


class Connection(EndingConnection):
    """A connection: what comes on it, and what goes."""

    def __init__(self, shared: Connections, **given: Any) -> None:
        super().__init__(shared, **given)
        self._exchange: Exchange | None = None  # of the request that is under way, if it is an ordinary prediction
        self._written = b""  # the piece that is parsed, if it is a whole head
        self._recalled = b""  # a whole request that was not parsed
        self._came = 0.0  # a time of time.monotonic(): when the head of the request that is under way had come

    @property
    def _under_way(self) -> bool:
        return self._exchange is not None or super()._under_way

    @property
    def _between_requests(self) -> bool:
        """Whether nothing of a request has come, and answers are taken."""
        return not (self._under_way or self._begun or self._framing.in_body or self._deaf or self.flow.write_paused)

    def leave_out(self, names: Collection[bytes]) -> None:
        """Send the answer that is under way without the default headers of these names: it brings its own."""
        self.cycle.default_headers = [each for each in self.cycle.default_headers if each[0] not in names]

    # What comes from the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Let a connection in, or refuse it if there are too many."""
        super().connection_made(transport)
        self._outlet = Outlet(transport, self._close_after_answer)
        self._extensions: dict[str, object] = {
            "copse.gone": transport.is_closing,
            "copse.more": self.more,
            "copse.leave_out": self.leave_out,
        }
        if self._shared.room(self.connections):
            self._shared.idle[self] = None
        else:
            self._refuse(Overloaded("connections", 1))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and what would keep it in memory."""
        if self._exchange and not self._exchange.asked:  # else its body is in memory until its turn
            self._exchange.leave()
        super().connection_lost(exc)
        self._shared.idle.pop(self, None)
        self._shared.leaving.pop(self, None)
        for name in ("copse.more", "copse.leave_out"):
            self._extensions.pop(name)
        self._outlet.close = self.transport.close
        self._exchange, self._held = None, b""

    def data_received(self, data: bytes) -> None:
        """Parse what has come, up to the end of a request; the rest waits until that is answered."""
        if self._held:
            self._held += data
            self.flow.pause_reading()
            return
        if self._between_requests and (exchange := self._shared.direct.recall(self, data)):
            self._recalled = data
            self._ask(exchange)
            return
        start = 0
        while start < len(data) and not self._deaf:
            if not self._framing.in_body and self._under_way:
                self._held = data[start:]
                self.flow.pause_reading()
                return
            end = self._framing.end(data, start)
            if end == start:
                largest = self._limits.max_head_bytes
                self._fail(HeadTooLarge(f"the head is too large; at most {largest} bytes are read"))
                return
            piece = data[start:end]
            self._written = b"" if self._begun or self._framing.in_body else piece
            self._feed(piece)
            start = end
        if self._shared.ending:
            self.shutdown()

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._upgrade_is_offered:
                self._parse_without_upgrade()
        except httptools.HttpParserError:
            self._fail(Malformed("what was sent is not HTTP"))

    @property
    def _upgrade_is_offered(self) -> bool:
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def _parse_without_upgrade(self) -> None:
        """Parse a head again, as if no other protocol were offered: with the offer, the parser looks for no body."""
        lines = [b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b\r\n" % each for each in self.headers if each[0] != b"upgrade"]
        self._written = b""
        self._feed(b"%b\r\n" % b"".join(lines))

    # What comes from the parser

    def on_message_begin(self) -> None:
        """Begin a request at the first byte of its head."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._since = self.loop.time()
        self._begun = True

    def on_headers_complete(self) -> None:
        """Have a request answered, or turn it away if there are too many."""
        if self._upgrade_is_offered:
            return
        if not self._recalled:
            self._came = time.monotonic()
        asks = self.parser.get_method() == b"POST" and not self._recalled
        if asks and (too_many := self._shared.door(self.url)):
            self._turn_away(too_many)
        else:
            self._shared.idle.pop(self, None)
            self._exchange = self._ordinary()
            if not self._exchange:
                self._begin()
        self._framing.head_ended(self.headers)
        self._begun = self._fresh = False

    def _ask(self, exchange: Exchange) -> None:
        """Have an ordinary request answered that has come whole."""
        self._shared.idle.pop(self, None)
        self._framing.message_ended()  # line ends may have come before it, which begin no head
        self._exchange, self._came, self._fresh = exchange, exchange.begun, False
        exchange.ask_at_the_door()

    def _ordinary(self) -> Exchange | None:
        """Return the exchange of a request that may be answered directly; one that was recalled may not any more."""
        parser = self.parser
        if self._recalled:
            return None
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return None
        if self.flow.write_paused:
            return None
        return self._shared.direct.exchange(self, self.url, self.headers, self._written)

    def _begin(self, body: bytes = b"") -> None:
        """Have the application answer a request whose head, and maybe a part of its body, has come."""
        self._exchange = None
        target, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = target, expected
        self.headers.extend(headers)
        self._extensions["copse.begun"] = self._came
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # ours, not uvicorn's
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", self._outlet)
        if body:
            super().on_body(body)

    def _turn_away(self, error: Overloaded) -> None:
        """Answer a request of which only the head has come, as cheaply as can be; its body will be thrown away."""
        self.cycle = cast("RequestResponseCycle", TURNED_AWAY)
        close = self.expect_100_continue or not self.parser.should_keep_alive()
        request_id = identity(self.headers).request_id or new_id()
        self.transport.write(refusal(error, self.server_state.default_headers, request_id, close=close))
        if close:
            self._leave()
        else:
            self._since = self.loop.time()
            self._shared.idle[self] = None
            self._shared.idle.move_to_end(self)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._framing.body_came()
        if not self._exchange:
            super().on_body(body)
        elif not self._exchange.take(body):
            self._begin(self._exchange.leave() + body)

    def on_message_complete(self) -> None:
        """End a request; its answer may be still to come, or long gone."""
        if self._upgrade_is_offered:
            return
        self._framing.message_ended()
        if self._exchange:
            self._exchange.ask()
        else:
            super().on_message_complete()

    # What comes from the answer

    @property
    def default_headers(self) -> Headers:
        """Return the headers of every answer."""
        return self.server_state.default_headers

    def closed(self) -> bool:
        """Return whether the client has gone."""
        return self.transport.is_closing()

    def answer(self, head: bytes, content: bytes) -> None:
        """Send a whole answer to an ordinary request."""
        self._exchange, self._recalled = None, b""
        if len(content) <= WRITTEN_AT_ONCE:
            self.transport.write(head + content)
        else:
            self.transport.writelines([head, content])
        self.on_response_complete()

    def go_the_usual_way(self, body: bytes) -> None:
        """Have the application answer a request that has come whole."""
        self._exchange = None
        if self._recalled:
            self._feed(self._recalled)
            self._recalled = b""
        else:
            self._begin(body)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what has come meanwhile, or be idle."""
        if self._deaf or self.transport.is_closing():
            return
        self._answers += 1
        self._since = self.loop.time()
        self._shared.idle[self] = None
        self.flow.resume_reading()
        if self._held or self._shared.ending:
            data, self._held = self._held, b""
            self.data_received(data)

    def check(self, now: float) -> None:
        """End the connection if it has kept the server waiting for too long; the application waits for slow bodies."""
        if self._exchange and not self._exchange.asked:
            self._begin(self._exchange.leave())
        super().check(now)
