"""The load generator, a process of its own: reads a plan a line, says when load has begun, and answers with a report.

A line "stop" ends a plan early. Load goes to 127.0.0.1 only.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import uvloop

from tests.torture.streams import Sender
from tests.torture.wire import LONGEST_SECONDS, Plan, Report

HOME = Path(__file__).parents[2]
BEGUN, STOP = b"begun\n", b"stop\n"
LONGEST_LINE = 2**28


class Generator:
    """The generator's process, seen from the program that gives it plans."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=HOME,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        assert self.process.stdout
        self.process.stdout.close()

    def run(self, plan: Plan) -> Report:
        """Send a plan that has an end, and return what became of it."""
        assert plan.seconds
        self._start(plan)
        return self._report()

    @contextlib.contextmanager
    def load(self, plan: Plan) -> Iterator[Report]:
        """Send while the block runs; the report is filled when it is left."""
        report: Report = {}
        self._start(plan)
        try:
            yield report
        finally:
            self._write(STOP)
            report.update(self._report())

    def _start(self, plan: Plan) -> None:
        self._write(msgspec.json.encode(plan) + b"\n")
        assert self._read() == BEGUN

    def _report(self) -> Report:
        return msgspec.json.decode(self._read(), type=Report)

    def _write(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def _read(self) -> bytes:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the load generator has ended"
        return line


async def _serve_plans() -> None:
    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        if line != STOP:  # a plan that ended by itself is stopped in vain
            _say(msgspec.json.encode(await _carry_out(msgspec.json.decode(line, type=Plan), lines)) + b"\n")


async def _carry_out(plan: Plan, lines: asyncio.StreamReader) -> Report:
    senders = {name: Sender(stream, plan.port, plan.late_seconds) for name, stream in plan.streams.items()}
    running = [asyncio.create_task(sender.run()) for sender in senders.values()]
    await asyncio.wait([asyncio.create_task(sender.heard.wait()) for sender in senders.values()], timeout=2)
    _say(BEGUN)
    if plan.seconds:
        await asyncio.sleep(plan.seconds)
    else:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(lines.readline(), LONGEST_SECONDS)
    report = dict(zip(senders, await asyncio.gather(*(sender.stop() for sender in senders.values())), strict=True))
    await asyncio.gather(*running)
    return report


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_serve_plans())
