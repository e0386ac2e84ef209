"""Swaps between two models under load: every answer is that of the version it names, memory and descriptors stay."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from model_repository import use
from tests.servers import RunningServer, serving
from tests.torture.measure import Sample, first_and_last, has_grown, sample
from tests.torture.results import Row
from tests.torture.stage import MODEL, Stage, port, remove, wait_for_version
from tests.torture.wire import total

WHAT = "Swaps under load"
SWAPS, FEW = 1000, 50
SETTLED = 2  # connections come and go


def swaps(stage: Stage) -> Iterator[Row]:
    """Swap to and fro, each swap waited for."""
    root = stage.repository(0, 1)
    count = FEW if stage.short else SWAPS
    with serving(root) as running:
        wait_for_version(running, 2)
        with stage.generator.load(stage.steady(port(running), {1: 0, 2: 1})) as report:
            samples, seconds = _swap(stage, running, root, count)
        code = running.stop()
    remove(root)
    tally = total(list(report.values()))
    memory = first_and_last([entry.memory for entry in samples])
    descriptors = first_and_last([entry.descriptors for entry in samples])
    grown = has_grown([entry.memory for entry in samples]) + (descriptors[1] > descriptors[0] + SETTLED)
    yield Row(
        WHAT,
        tally.sent,
        tally.lost() + grown + (code != 0),
        f"{len(seconds):,} swaps, median {median(seconds):.2f} s; answers by version "
        f"{', '.join(f'{version}: {answers:,}' for version, answers in sorted(tally.versions.items()))}; "
        f"p99 {tally.p99:.0f} ms; memory, median of the first hundred swaps {memory[0]:.0f} MiB, of the last "
        f"{memory[1]:.0f} MiB ({memory[1] / memory[0]:.2f} times); descriptors {descriptors[0]:.0f}, "
        f"{descriptors[1]:.0f}" + "".join(f"; {example}" for example in tally.examples),
    )


def _swap(stage: Stage, running: RunningServer, root: Path, count: int) -> tuple[list[Sample], list[float]]:
    samples, seconds = [], []
    for number in range(count):
        version = 1 + number % 2
        use(root, MODEL, version)
        seconds.append(wait_for_version(running, version))
        samples.append(sample(running.process.pid))
        if number % 100 == 99:
            stage.say(f"{number + 1} swaps, {samples[-1].memory:.0f} MiB, {samples[-1].descriptors} descriptors")
    return samples, seconds
