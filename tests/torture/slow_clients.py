"""A thousand clients of each kind that are too slow: others are served as if they were not there."""

import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.servers import RunningServer, serving
from tests.torture.measure import pin
from tests.torture.results import Row
from tests.torture.slow import KINDS
from tests.torture.stage import Stage, port, remove, wait_for_version
from tests.torture.wire import Plan, Stream, Tally, total

HOME = Path(__file__).parents[2]
WHAT = "A thousand slow clients of each kind"
SLOW, FEW = 1000, 100
ROUNDS, ROUND_SECONDS = 5, 6.0
FEW_ROUNDS, SHORT_SECONDS = 2, 2.0
CONNECTIONS = 8
DESCRIPTORS = 8192
WITHOUT, ALL = "without", "all three"


def slow_clients(stage: Stage) -> Iterator[Row]:
    """Measure the rate of others without and with slow clients, in turn."""
    root = stage.repository(0)
    tallies: dict[str, list[Tally]] = {name: [] for name in (WITHOUT, *KINDS, ALL)}
    held: dict[str, list[str]] = {name: [] for name in tallies}
    with _many_descriptors(), serving(root, "--poll-seconds", "2") as running:
        wait_for_version(running, 1)
        pin(running.process.pid, 0)
        pin(stage.generator.process.pid, 1)
        for _ in range(FEW_ROUNDS if stage.short else ROUNDS):
            for name, measured in tallies.items():
                kinds = {WITHOUT: (), ALL: KINDS}.get(name, (name,))
                with _slow(running, kinds, FEW if stage.short else SLOW) as told:
                    measured.append(_measure(stage, running))
                held[name] += told
                stage.say(f"{name}: {measured[-1].rate:,.0f}/s; {'; '.join(told)}")
    remove(root)
    tally = total([entry for several in tallies.values() for entry in several])
    rates = {name: median(entry.rate for entry in several) for name, several in tallies.items()}
    shares = ", ".join(f"{rates[name] / rates[WITHOUT]:.2f} with {name}" for name in tallies if name != WITHOUT)
    yield Row(
        WHAT,
        tally.sent,
        tally.lost(),
        f"{rates[WITHOUT]:,.0f} requests/s without; of this {shares} (medians of {len(tallies[ALL])} rounds in turn)"
        + "".join(f"; {text}" for text in [*held[ALL][-1:], *tally.examples]),
    )


def _measure(stage: Stage, running: RunningServer) -> Tally:
    seconds = SHORT_SECONDS if stage.short else ROUND_SECONDS
    stream = Stream(stage.questions("single", {1: 0}), CONNECTIONS)
    return stage.generator.run(Plan(port(running), {"others": stream}, seconds))["others"]


@contextlib.contextmanager
def _slow(running: RunningServer, kinds: tuple[str, ...], count: int) -> Iterator[list[str]]:
    """Hold slow clients open while the block runs; what is yielded says afterwards what became of them."""
    told: list[str] = []
    if not kinds:
        yield told
        return
    command = [sys.executable, "-m", "tests.torture.slow", str(port(running)), str(count), *kinds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOME) as process:
        assert process.stdin
        assert process.stdout
        pin(process.pid, 1)
        process.stdout.readline()  # all are connected
        yield told
        process.stdin.close()
        told.append(process.stdout.readline().strip())


@contextlib.contextmanager
def _many_descriptors() -> Iterator[None]:
    """Let server and clients have enough descriptors, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
