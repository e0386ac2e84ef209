"""Twenty minutes of swaps and mixed input: memory and descriptors stay as they are."""

import time
from collections.abc import Iterator
from pathlib import Path

from model_repository import use
from tests.servers import RunningServer, serving
from tests.torture.measure import Sample, first_and_last, has_grown, slope
from tests.torture.results import Row
from tests.torture.stage import MODEL, MOST_ROWS, Stage, port, remove, wait_for_version
from tests.torture.watching import Watching
from tests.torture.wire import Plan, Stream, total

WHAT = "A soak with swaps and mixed input"
SECONDS = 20 * 60.0
SWAP_SECONDS, SAMPLE_SECONDS = 5.0, 10.0
SAMPLES_AT_LEAST = 30
SETTLED = 4


def soak(stage: Stage, seconds: float) -> Iterator[Row]:
    """Send all kinds of requests while versions are swapped."""
    root = stage.repository(0, 1)
    with serving(root, "--max-rows", str(MOST_ROWS)) as running:
        wait_for_version(running, 2)
        between = min(SAMPLE_SECONDS, seconds / SAMPLES_AT_LEAST)
        load, watch = stage.generator.load(_plan(stage, port(running))), Watching(running.process.pid, between)
        with load as report, watch as watching:
            count = _swap(stage, running, root, seconds, watching)
        code = running.stop()
    remove(root)
    tally = total(list(report.values()))
    memory = [entry.memory for entry in watching.samples]
    descriptors = first_and_last([entry.descriptors for entry in watching.samples])
    grown = has_grown(memory) + (descriptors[1] > descriptors[0] + SETTLED)
    kinds = ", ".join(f"{name} {entry.sent:,}" for name, entry in report.items())
    first, last = first_and_last(memory)
    yield Row(
        WHAT,
        tally.sent,
        tally.lost() + grown + (code != 0),
        f"{seconds / 60:.0f} minutes, {count} swaps; {kinds}; memory, median of the first third {first:.0f} MiB, of "
        f"the last {last:.0f} MiB, trend over the second half {slope(memory, between):+.2f} MiB a minute; descriptors "
        f"{descriptors[0]:.0f}, {descriptors[1]:.0f}" + "".join(f"; {example}" for example in tally.examples),
    )


def _plan(stage: Stage, port: int) -> Plan:
    versions = {1: 0, 2: 1}
    streams = {
        kind: Stream(stage.questions(kind, versions), connections, rate=rate)
        for kind, connections, rate in (
            ("single", 16, 100.0),
            ("batch", 8, 10.0),
            ("large", 4, 1.0),
            ("by name", 8, 30.0),
            ("bad", 8, 20.0),
        )
    }
    new = Stream(stage.questions("single", versions), 64, keep=False, rate=50.0)
    return Plan(port, {**streams, "new connections": new})


def _swap(stage: Stage, running: RunningServer, root: Path, seconds: float, watching: Watching) -> int:
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        version = 1 + count % 2
        use(root, MODEL, version)
        wait_for_version(running, version)
        count += 1
        if count % 12 == 0:
            latest: Sample = watching.samples[-1]
            stage.say(f"{count} swaps, {latest.memory:.0f} MiB, {latest.descriptors} descriptors")
        time.sleep(max(0.0, min(SWAP_SECONDS, until - time.monotonic())))
    return count
