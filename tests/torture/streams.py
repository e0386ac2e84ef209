"""Sending a stream of requests: open loop (due at random times) or closed loop (each after the one before)."""

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict, deque

from tests.torture.client import Connection, Ending, strerror
from tests.torture.wire import NOT_CONNECTED, RIGHT, UNSENT, Stream, Tally, p99_of_a_second, percentiles

CONNECT_AGAIN_SECONDS = 0.05
AT_ONCE = 64
EXAMPLES = 2  # of each outcome


class Sender:
    """Sends a stream until it is stopped, and counts how each request ends."""

    def __init__(self, stream: Stream, port: int, late_seconds: float) -> None:
        self._stream, self._port, self._late = stream, port, late_seconds
        requests = [(question, question.request(keep=stream.keep)) for question in stream.questions]
        self._next = itertools.cycle(requests)
        self._free: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = True
        self._outcomes: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._examples: list[str] = []
        self._latencies: dict[int, list[float]] = defaultdict(list)  # by the second in which they were answered
        self._lags: list[float] = []
        self._begun = time.perf_counter()
        self.heard = asyncio.Event()

    async def run(self) -> None:
        """Send until stopped."""
        self._begun = time.perf_counter()
        if self._stream.rate is None:
            for _ in range(self._stream.connections):
                self._send()
            while self._running:
                await self._sweep()
        else:
            if self._stream.keep:
                await self._open_all()
            await asyncio.gather(self._open_loop(self._stream.rate), self._sweep_on())

    async def stop(self) -> Tally:
        """Send no more, wait for what is under way, and return the counts."""
        self._running = False
        seconds = time.perf_counter() - self._begun
        while self._busy or self._tasks:
            await self._sweep()
        for connection in [*self._free]:
            connection.close()
        latencies = list(itertools.chain.from_iterable(self._latencies.values()))
        p50, p99 = percentiles(latencies)
        return Tally(
            dict(self._outcomes),
            dict(self._versions),
            self._examples,
            seconds,
            p50,
            p99,
            p99_of_a_second(self._latencies),
            1000 * max(latencies, default=0.0),
            percentiles(self._lags)[1],
        )

    async def _open_all(self) -> None:
        """Open all connections, a few at a time, so that their number is the same from the start."""
        while self._open < self._stream.connections and self._running:
            count = min(AT_ONCE, self._stream.connections - self._open)
            self._open += count
            await asyncio.gather(*(self._connect(ask=False) for _ in range(count)))
            if not self._free:
                return  # nobody listens

    async def _open_loop(self, rate: float) -> None:
        randomness, due = random.Random(0), time.perf_counter()
        for count in itertools.count(1):
            due += randomness.expovariate(rate)
            wait = due - time.perf_counter()
            if wait > 0 or count % AT_ONCE == 0:
                await asyncio.sleep(max(0.0, wait))
            if not self._running:
                return
            self._lags.append(max(0.0, time.perf_counter() - due))
            self._send()

    async def _sweep_on(self) -> None:
        while self._running:
            await self._sweep()

    async def _sweep(self) -> None:
        """Give up what is late."""
        await asyncio.sleep(0.05)
        oldest = time.perf_counter() - self._late
        for connection in [connection for connection in self._busy if connection.asked_at < oldest]:
            connection.give_up()

    def _send(self) -> None:
        while self._free:
            connection = self._free.popleft()
            if connection.usable:
                connection.idled = True
                self._ask(connection)
                return
        if self._open >= self._stream.connections:
            self._outcomes[UNSENT] += 1
            return
        self._open += 1
        task = asyncio.get_running_loop().create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, *, ask: bool = True) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self._ended, self._gone, self._stream.pause_seconds), "127.0.0.1", self._port
            )
        except OSError as error:
            self._open -= 1
            self._count(Ending(NOT_CONNECTED, 0.0, detail=strerror(error)))
            if self._stream.rate is None:
                loop.call_later(CONNECT_AGAIN_SECONDS, self._send_on)
            return
        if ask:
            self._ask(connection)
        else:
            self._free.append(connection)

    def _ask(self, connection: Connection) -> None:
        self._busy.add(connection)
        connection.ask(*next(self._next))

    def _ended(self, connection: Connection, ending: Ending) -> None:
        self._busy.discard(connection)
        self._count(ending)
        if connection.usable and self._stream.keep and self._running:
            self._free.append(connection)
            self._go_on()
        else:
            connection.close()  # once it is gone there is room for another

    def _gone(self, _: Connection) -> None:
        self._open -= 1
        self._go_on()

    def _go_on(self) -> None:
        """In a closed loop, send the next request soon."""
        if self._stream.rate is None:
            asyncio.get_running_loop().call_soon(self._send_on)

    def _send_on(self) -> None:
        if self._running:
            self._send()

    def _count(self, ending: Ending) -> None:
        self._outcomes[ending.outcome] += 1
        self.heard.set()
        if ending.outcome == RIGHT:
            self._versions[ending.version] += 1
            self._latencies[int(time.perf_counter() - self._begun)].append(ending.seconds)
        elif ending.detail and self._outcomes[ending.outcome] <= EXAMPLES:
            self._examples.append(f"{ending.outcome}: {ending.detail}")
