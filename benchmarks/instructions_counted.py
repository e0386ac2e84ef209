"""The process whose instructions are counted: asks its own application, in process and without a network.

    python -m benchmarks.instructions_counted FOLDER

FOLDER has a model repository in `models` and what is asked in `asked`. A call of `mark` is seen by callgrind, which
then writes down what it has counted since the one before; there is one before and one after each situation.
Nothing depends on time: the clock goes on by a microsecond whenever it is looked at, however slow the process is.
"""

import itertools
import os
import sys
import time
from pathlib import Path

import msgspec
import uvloop

WARM_UP_TURNS = 100  # before anything is counted


class Situation(msgspec.Struct):
    """Whole requests to be sent in turn, so many in one turn of the loop; and whether the application has no part."""

    name: str
    requests: list[bytes]
    together: int
    turns: int
    direct: bool = True

    @property
    def count(self) -> int:
        """Return how many requests are counted."""
        return self.together * self.turns


def mark() -> None:
    """Call a function of the C library that nothing else calls: callgrind is told its name."""
    os.getloadavg()


async def ask(folder: Path) -> None:
    """Ask all that is written down in the folder.

    Raises:
        SystemExit: an answer is not 200, or was not given by what should have given it.

    """
    from benchmarks.instructions_served import Served, garbage_as_in_the_server  # noqa: PLC0415 - once the clock is ours

    asked = msgspec.msgpack.decode((folder / "asked").read_bytes(), type=list[Situation])
    served = [Served(folder / "models", each.together) for each in asked]
    for each, situation in zip(served, asked, strict=True):
        await each.ask(situation.requests, WARM_UP_TURNS)
    garbage_as_in_the_server()
    for each, situation in zip(served, asked, strict=True):
        mark()
        tally = await each.ask(situation.requests, situation.turns)
        mark()
        check(situation, tally.good, tally.by_application)


def check(situation: Situation, good: int, by_application: int) -> None:
    """Raise SystemExit unless all answers were good and given by what should have given them."""
    expected = 0 if situation.direct else situation.count
    if (good, by_application) != (situation.count, expected):
        sys.exit(
            f"{situation.name}: of {situation.count} requests {good} were answered with 200, and {by_application} by "
            f"the application; expected were {situation.count} and {expected}"
        )


def main() -> None:
    """Ask with a clock of our own."""
    time.monotonic = time.perf_counter = itertools.count(1.0, 1e-6).__next__
    uvloop.run(ask(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
