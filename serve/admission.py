"""Which requests are worked on now, which wait for their turn, and which are refused because too much is asked.

Small requests take turns on the event loop, large ones in threads: two lanes, so that neither waits for the other.
What came in the same turn of the loop is answered together, without waiting for more: one run of the model costs
little more for several rows than for one.
In each lane a bounded number of requests wait in order, for a bounded time. Once one was refused, and until none was
for a moment, that time is short: those who are let in are answered about as fast as ever, the others are told at once
when to come again. The idea is that of controlled delay (B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
"""

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from serve.errors import Overloaded
from serve.pace import Pace

log = logging.getLogger("copse")

SHORTEST_TURN, LONGEST_TURN = 0.002, 0.02  # seconds of work before the loop looks at its connections again
SHORTEST_WAIT = 0.005  # seconds; in overload, or four requests' time where that is longer
OVERLOADED_REQUESTS, PATIENT_REQUESTS = 4, 16  # a wait is never shorter than the time that so many requests take
MOST_ROWS_TOGETHER = 256  # in one run; beyond it a row hardly costs less


class ClientGone(Exception):
    """The client closed its connection before there was an answer, most often before anything was computed."""


class Asker(Protocol):
    """Who waits for an answer; an asyncio.Future is one."""

    def done(self) -> bool:
        """Return whether nobody waits any more."""

    def set_result(self, result: Any, /) -> None:
        """Take the answer."""

    def set_exception(self, exception: Exception, /) -> None:
        """Take the reason why there is none."""


@dataclass(slots=True)
class Ticket:
    """A request that waits: its number of rows, what it asks, whether its client has gone, and who is told."""

    rows: int
    question: Any
    gone: Callable[[], bool]
    asker: Asker
    since: float = field(default_factory=time.monotonic)


# Answers questions: returns for each its answer, or the error that it ends with. Is called on the loop, and in threads.
Answerer = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass
class Lane:
    """Requests that wait in order, and those under way; what takes them from here decides how they are worked on."""

    most_waiting: int
    wait_seconds: float
    workers: int
    waiting: deque[Ticket] = field(default_factory=deque)
    rows_waiting: int = 0
    rows_under_way: int = 0
    pace: Pace = field(default_factory=Pace)
    let_in: int = 0

    def add(self, ticket: Ticket) -> None:
        """Let a request wait.

        Raises:
            Overloaded: as many requests as may wait do so already.

        """
        if len(self.waiting) >= self.most_waiting:
            raise Overloaded("full", self._refuse(ticket.rows))
        self.waiting.append(ticket)
        self.rows_waiting += ticket.rows

    def take(self, most: int, most_rows: int, blind_seconds: float = 0.0) -> list[Ticket]:
        """Return the next requests whose clients are still there and whose wait was not too long, as many as wait.

        They are at most so many, and with the last of them they may have more rows than that. `blind_seconds` were
        spent since requests were last taken; that wait is nobody's fault and is not counted.
        """
        taken: list[Ticket] = []
        rows, now = 0, time.monotonic()
        longest = self._longest_wait(now) + blind_seconds
        while self.waiting and len(taken) < most and rows < most_rows:
            ticket = self.waiting.popleft()
            self.rows_waiting -= ticket.rows
            if ticket.asker.done():
                continue
            if ticket.gone():
                _tell(ticket.asker, ClientGone())
            elif now - ticket.since > longest:
                _tell(ticket.asker, Overloaded("late", self._refuse(ticket.rows)))
                longest = self._longest_wait(now) + blind_seconds
            else:
                taken.append(ticket)
                rows += ticket.rows
        self.rows_under_way += rows
        return taken

    def finish(self, tickets: Sequence[Ticket], begun: float) -> None:
        """Count requests that were worked on together since `begun`, a time of time.monotonic()."""
        rows = sum(ticket.rows for ticket in tickets)
        self.rows_under_way -= rows
        now = time.monotonic()
        self.pace.answered(len(tickets), rows, now - begun, now, standing=bool(self.waiting))

    def refuse_at_the_door(self) -> Overloaded | None:
        """Return the refusal of a request that is not even read: in overload, beyond what can wait. Else None."""
        now = time.monotonic()
        if not self.pace.overloaded(now):
            return None
        before = len(self.waiting) + self.let_in
        seconds = 2 * before * self.pace.request_seconds  # half of the time goes to connections
        if before >= OVERLOADED_REQUESTS and seconds >= self._longest_wait(now):
            return Overloaded("late", self._refuse(1))
        self.let_in += 1
        if self.let_in == 1:
            asyncio.get_running_loop().call_soon(self._all_in)
        return None

    def _all_in(self) -> None:
        """Begin to count anew: those let in while the loop read from its connections wait from now on."""
        self.let_in = 0

    def _longest_wait(self, now: float) -> float:
        turn = self.pace.request_seconds / self.workers
        if self.pace.overloaded(now):
            return max(SHORTEST_WAIT, OVERLOADED_REQUESTS * turn)
        return max(self.wait_seconds, PATIENT_REQUESTS * turn)

    def _refuse(self, rows: int) -> int:
        return self.pace.refused(rows, self.rows_waiting + self.rows_under_way, time.monotonic())


class Admission:
    """The two lanes of one application. To be used on its event loop only."""

    def __init__(
        self,
        answer: Answerer,
        threads: ThreadPoolExecutor,
        *,
        workers: int,
        under_way: int,
        waiting: int,
        seconds: float,
    ) -> None:
        """Bound the rows under way in threads, the requests that wait in each lane, and the seconds that they wait."""
        self.inline = Lane(waiting, seconds, 1)
        self.threaded = Lane(waiting, seconds, workers)
        self._answer = answer
        self._threads = threads
        self._most_under_way = under_way
        self._busy = 0
        self._turning = False
        self._worked_until = 0.0

    def rows_waiting(self) -> int:
        """Return the rows that wait for their turn."""
        return self.inline.rows_waiting + self.threaded.rows_waiting

    def rows_under_way(self) -> int:
        """Return the rows that are worked on."""
        return self.inline.rows_under_way + self.threaded.rows_under_way

    def ask_on_loop(self, ticket: Ticket) -> None:
        """Have a question answered on the event loop, with all others that come in the same turn of it.

        Raises:
            Overloaded: too many wait already.

        """
        self.inline.add(ticket)
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def ask_in_thread(self, ticket: Ticket) -> None:
        """Have a question answered in a thread; raises as `ask_on_loop` does."""
        self.threaded.add(ticket)
        self._fill_threads()

    def _turn(self) -> None:
        """Answer those who wait, for a moment, or for as long as the loop was busy with its connections."""
        begun = time.monotonic()
        blind = begun - self._worked_until
        ends = begun + min(LONGEST_TURN, max(SHORTEST_TURN, blind))
        while self.inline.waiting and begun < ends:
            tickets = self.inline.take(self._most_until(ends - begun), MOST_ROWS_TOGETHER, blind)
            if not tickets:
                break
            for ticket, outcome in zip(tickets, self._answer([ticket.question for ticket in tickets]), strict=True):
                _tell(ticket.asker, outcome)
            self.inline.finish(tickets, begun)
            begun = self._worked_until = time.monotonic()
        self._turning = bool(self.inline.waiting)
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)

    def _most_until(self, seconds: float) -> int:
        """Return how many requests there is time for; of those whose time is not known yet, one."""
        each = self.inline.pace.request_seconds
        return max(1, int(seconds / each)) if each else 1

    def _fill_threads(self) -> None:
        lane = self.threaded
        while self._busy < lane.workers and lane.waiting:
            if lane.rows_under_way and lane.rows_under_way + lane.waiting[0].rows > self._most_under_way:
                return
            for ticket in lane.take(1, 1):
                self._busy += 1
                working = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, [ticket.question])
                working.add_done_callback(functools.partial(self._worked, ticket, time.monotonic()))

    def _worked(self, ticket: Ticket, begun: float, working: "asyncio.Future[Sequence[Any]]") -> None:
        self._busy -= 1
        self.threaded.finish([ticket], begun)
        _tell(ticket.asker, ClientGone() if working.cancelled() or ticket.gone() else working.result()[0])
        self._fill_threads()


def _tell(asker: Asker, outcome: Any) -> None:
    """Give an answer, or an error, to who waits for it; whoever cannot take it harms no other."""
    try:
        if isinstance(outcome, Exception) and not asker.done():
            asker.set_exception(outcome)
        elif not asker.done():
            asker.set_result(outcome)
    except Exception as error:  # noqa: BLE001 - it would end the turn of all others
        log.warning("an answer could not be sent (%s)", type(error).__name__)
