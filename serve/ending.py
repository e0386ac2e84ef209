"""How a connection ends: never under a request, but after whatever keeps the server waiting for too long."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serve.connections import MOST_LEAVING, Connections
from serve.errors import Overloaded, RequestError, TooSlow
from serve.framing import Framing
from serve.identity import new_id
from serve.listener import readable
from serve.refusal import refusal

LINGER_SECONDS = 2.0


class EndingConnection(HttpToolsProtocol):
    """uvicorn's connection, with its ways to end. No timers: `check` looks at its waiting about once a second."""

    def __init__(self, shared: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._shared = shared
        self._limits = shared.settings
        self._framing = Framing(shared.settings.max_head_bytes)
        self._since = self.loop.time()  # when it was opened, its head began, its request was answered, or it was ended
        self._begun = False  # a part of a head has come
        self._fresh = True  # no request has come yet
        self._deaf = False  # whatever still comes is thrown away
        self._held = b""  # came after a request that is not answered yet
        self._answers = 0
        self._unsent: tuple[int, float] | None = None

    @property
    def _under_way(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be read or written, as far as the kernel knows."""
        return not self.transport.get_write_buffer_size() and not self._unread()

    def _unread(self) -> bool:
        return not self.transport.is_closing() and readable(self.transport.get_extra_info("socket").fileno())

    def more(self) -> bool:
        """Return whether the client has sent more than the request that is being answered."""
        return bool(self._held) or (not self._framing.in_body and self._unread())

    def _close_after_answer(self) -> None:
        """Close once the client has stopped sending: a reset could overtake the answer on its way."""
        if self._framing.in_body or self.more():
            self._leave()
        else:
            self._close()

    def _close(self) -> None:
        self._deaf = True
        self._shared.idle.pop(self, None)
        self.transport.close()

    def _leave(self) -> None:
        """Send no more, and throw away what still comes, until the client closes or some time has passed."""
        lingers = self.transport.can_write_eof() and len(self._shared.leaving) < MOST_LEAVING
        if self.transport.is_closing() or not lingers:
            self._close()
            return
        self._deaf, self._held, self._since = True, b"", self.loop.time()
        self._shared.idle.pop(self, None)
        self._shared.leaving[self] = None
        self.transport.write_eof()
        self.flow.resume_reading()

    def _refuse(self, error: RequestError) -> None:
        """Answer what never reaches the application, and end the connection."""
        self._shared.refused(error.reason)
        self.transport.write(refusal(error, self.server_state.default_headers, new_id()))
        self._leave()

    def _fail(self, error: RequestError) -> None:
        """Give up parsing: the head, or the body of the request that is under way, is wrong."""
        self._deaf = True
        if self._under_way and self.cycle.response_started:
            self.cycle.keep_alive = False
        elif self._under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._refuse(error)
        elif self._framing.in_body:
            self._leave()
        else:
            self._refuse(error)

    def make_room(self) -> None:
        """End an idle connection, so that another may be."""
        if self._begun:
            self._refuse(Overloaded("connections", 1))
        else:
            self._close()
            self.connections.discard(self)

    def shutdown(self) -> None:
        """Close the connection unless a request, or the beginning of one, has come that is not answered yet."""
        if self._deaf or self._under_way or self._begun:
            return
        if self._framing.in_body:
            self._leave()
        elif not self.more():
            self._close()

    def give_up(self) -> None:
        """Tell a client that its request did not come in time for the server's end."""
        if self._begun and not self._deaf:
            self._refuse(TooSlow("the request did not come whole before the server ended"))

    def check(self, now: float) -> None:
        """End the connection if it has kept the server waiting for too long."""
        waited = now - self._since
        if self._stuck(now) or (waited > LINGER_SECONDS and self in self._shared.leaving):
            self.transport.abort()
        elif self._deaf or self._under_way or self.transport.is_closing() or waited <= self._patience():
            return
        elif self._begun:
            self._refuse(TooSlow(f"the head did not come within {self._limits.head_seconds:g} seconds"))
        else:
            self._close()

    def _patience(self) -> float:
        """Return how many seconds may pass before the next request is complete."""
        if self._begun or self._fresh:
            return self._limits.head_seconds
        return self._limits.body_seconds if self._framing.in_body else self._limits.idle_seconds

    def _stuck(self, now: float) -> bool:
        """Return whether the client has left the same answer untaken for too long."""
        if not self.transport.get_write_buffer_size():
            self._unsent = None
        elif self._unsent is None or self._unsent[0] != self._answers:
            self._unsent = (self._answers, now)
        return self._unsent is not None and now - self._unsent[1] > self._limits.answer_seconds
