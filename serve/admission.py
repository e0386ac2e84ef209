"""Which requests are worked on now, which wait for their turn, and which are refused because too much is asked.

Small requests take turns on the event loop, large ones in threads: two lanes, so that neither waits for the other.
In each lane a bounded number of requests wait in order, for a bounded time. Once one was refused, and until none was
for a moment, that time is short: those who are let in are answered about as fast as ever, the others are told at once
when to come again. The idea is that of controlled delay (B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
"""

import asyncio
import functools
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from serve.errors import Overloaded
from serve.pace import Pace

SHORTEST_TURN, LONGEST_TURN = 0.002, 0.02  # seconds of work before the loop looks at its connections again
SHORTEST_WAIT = 0.005  # seconds; in overload, or four requests' time where that is longer
OVERLOADED_REQUESTS, PATIENT_REQUESTS = 4, 16  # a wait is never shorter than the time that so many requests take


class ClientGone(Exception):
    """The client closed its connection before its turn came; nothing was computed."""


@dataclass(slots=True)
class Ticket:
    """A request that waits: its number of rows, what is to be done, and whether its client has gone."""

    rows: int
    work: Callable[[], Any]
    gone: Callable[[], bool]
    since: float
    done: "asyncio.Future[Any]"


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

    def take(self, blind_seconds: float = 0.0) -> Ticket | None:
        """Return the next request whose client is still there and whose wait was not too long.

        `blind_seconds` were spent since requests were last taken; that wait is nobody's fault and is not counted.
        """
        longest = self._longest_wait() + blind_seconds
        while self.waiting:
            ticket = self.waiting.popleft()
            self.rows_waiting -= ticket.rows
            if ticket.done.done():
                continue
            if ticket.gone():
                ticket.done.set_exception(ClientGone())
            elif time.monotonic() - ticket.since > longest:
                ticket.done.set_exception(Overloaded("late", self._refuse(ticket.rows)))
            else:
                self.rows_under_way += ticket.rows
                return ticket
        return None

    def finish(self, ticket: Ticket, begun: float) -> None:
        """Count a request that was worked on since `begun`, a time of time.monotonic()."""
        self.rows_under_way -= ticket.rows
        now = time.monotonic()
        self.pace.answered(ticket.rows, now - begun, now, standing=bool(self.waiting))

    def refuse_at_the_door(self) -> Overloaded | None:
        """Return the refusal of a request that is not even read: in overload, beyond what can wait. Else None."""
        if not self.pace.overloaded(time.monotonic()):
            return None
        before = len(self.waiting) + self.let_in
        seconds = 2 * before * self.pace.request_seconds  # half of the time goes to connections
        if before >= OVERLOADED_REQUESTS and seconds >= self._longest_wait():
            return Overloaded("late", self._refuse(1))
        self.let_in += 1
        if self.let_in == 1:
            asyncio.get_running_loop().call_soon(self._all_in)
        return None

    def _all_in(self) -> None:
        """Begin to count anew: those let in while the loop read from its connections wait from now on."""
        self.let_in = 0

    def _longest_wait(self) -> float:
        turn = self.pace.request_seconds / self.workers
        if self.pace.overloaded(time.monotonic()):
            return max(SHORTEST_WAIT, OVERLOADED_REQUESTS * turn)
        return max(self.wait_seconds, PATIENT_REQUESTS * turn)

    def _refuse(self, rows: int) -> int:
        return self.pace.refused(rows, self.rows_waiting + self.rows_under_way, time.monotonic())


class Admission:
    """The two lanes of one application. To be used on its event loop only."""

    def __init__(self, threads: ThreadPoolExecutor, workers: int, under_way: int, waiting: int, seconds: float) -> None:
        """Bound the rows under way in threads, the rows that wait in each lane, and the seconds that they wait."""
        self.inline = Lane(waiting, seconds, 1)
        self.threaded = Lane(waiting, seconds, workers)
        self._threads = threads
        self._most_under_way = under_way
        self._busy = 0
        self._turning = False
        self._turn_ends = self._worked_until = self._blind = 0.0

    def rows_waiting(self) -> int:
        """Return the rows that wait for their turn."""
        return self.inline.rows_waiting + self.threaded.rows_waiting

    def rows_under_way(self) -> int:
        """Return the rows that are worked on."""
        return self.inline.rows_under_way + self.threaded.rows_under_way

    async def on_loop(self, rows: int, work: Callable[[], Any], gone: Callable[[], bool]) -> Any:
        """Return what `work` returns, called on the event loop when its turn has come.

        Raises:
            Overloaded: too much is asked for.
            ClientGone: nobody waits for the answer any more.

        """
        ticket = _ticket(rows, work, gone)
        self.inline.add(ticket)
        if not self._turning:
            self._begin_turn()
        self._work()
        return await ticket.done

    async def in_thread(self, rows: int, work: Callable[[], Any], gone: Callable[[], bool]) -> Any:
        """Return what `work` returns, called in a thread when its turn has come; raises as `on_loop` does."""
        ticket = _ticket(rows, work, gone)
        self.threaded.add(ticket)
        self._fill_threads()
        return await ticket.done

    def _turn(self) -> None:
        """Go on with those who wait since the turn before was over."""
        self._turning = False
        if self.inline.waiting:
            self._begin_turn()
            self._work()

    def _begin_turn(self) -> None:
        """Work for a moment, or for as long as the loop was busy with its connections, then let it see to them."""
        now = time.monotonic()
        self._blind = now - self._worked_until
        self._turn_ends = now + min(LONGEST_TURN, max(SHORTEST_TURN, self._blind))
        self._turning = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _work(self) -> None:
        """Answer those who wait, in their order, until the turn is over."""
        while (begun := time.monotonic()) < self._turn_ends and (ticket := self.inline.take(self._blind)):
            try:
                ticket.done.set_result(ticket.work())
            except Exception as error:  # noqa: BLE001 - raised again where the request is answered
                ticket.done.set_exception(error)
            self.inline.finish(ticket, begun)
            self._worked_until = time.monotonic()

    def _fill_threads(self) -> None:
        lane = self.threaded
        while self._busy < lane.workers and lane.waiting:
            if lane.rows_under_way and lane.rows_under_way + lane.waiting[0].rows > self._most_under_way:
                return
            if ticket := lane.take():
                self._busy += 1
                working = asyncio.get_running_loop().run_in_executor(self._threads, ticket.work)
                working.add_done_callback(functools.partial(self._worked, ticket, time.monotonic()))

    def _worked(self, ticket: Ticket, begun: float, working: "asyncio.Future[Any]") -> None:
        self._busy -= 1
        self.threaded.finish(ticket, begun)
        if working.cancelled():
            ticket.done.cancel()
        elif not ticket.done.done():
            error = working.exception()
            ticket.done.set_exception(error) if error else ticket.done.set_result(working.result())
        self._fill_threads()


def _ticket(rows: int, work: Callable[[], Any], gone: Callable[[], bool]) -> Ticket:
    return Ticket(rows, work, gone, time.monotonic(), asyncio.get_running_loop().create_future())
