"""SIGTERM at random instants under load: whatever was accepted is answered, and the exit code is 0."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.servers import serving
from tests.torture.results import Row
from tests.torture.stage import Stage, port, remove, wait_for_version
from tests.torture.wire import IDLE_CLOSED, NOT_CONNECTED, Plan, Report, Stream, total

WHAT = "SIGTERM under load"
STOPS = 200
DRAINS = ("0", "0.3")
UNDER_LOAD_SECONDS = (0.05, 0.4)
ENDED_SECONDS = 30


def sigterm(stage: Stage) -> Iterator[Row]:
    """Start, load, and stop again and again, half of the times without a time to drain."""
    root = stage.repository(0)
    randomness = random.Random(0)
    reports: dict[str, list[Report]] = {drain: [] for drain in DRAINS}
    codes: Counter[int | str] = Counter()
    stops = stage.smaller(STOPS)
    for number in range(stops):
        drain = DRAINS[number % len(DRAINS)]
        report, code = _stop_once(stage, root, drain, randomness.uniform(*UNDER_LOAD_SECONDS))
        reports[drain].append(report)
        codes[code] += 1
        if number % 20 == 19:
            stage.say(f"{number + 1} stops, exit codes {dict(codes)}")
    remove(root)
    everything = [tally for several in reports.values() for report in several for tally in report.values()]
    tally = total(everything)
    figures = "; ".join(f"drain {drain} s: {_figures(several)}" for drain, several in reports.items())
    yield Row(
        WHAT,
        tally.sent,
        tally.lost(IDLE_CLOSED, NOT_CONNECTED) + codes.total() - codes[0],
        f"{stops} stops, exit code 0 {codes[0]} times; {figures}"
        + "".join(f"; {example}" for example in tally.examples if NOT_CONNECTED not in example),
    )


def _stop_once(stage: Stage, root: Path, drain: str, seconds: float) -> tuple[Report, int | str]:
    with serving(root, "--drain-seconds", drain, "--shutdown-seconds", "10") as running:
        wait_for_version(running, 1)
        with stage.generator.load(_plan(stage, port(running))) as report:
            time.sleep(seconds)
            running.process.send_signal(signal.SIGTERM)
            try:
                code: int | str = running.process.wait(ENDED_SECONDS)
            except subprocess.TimeoutExpired:
                code = "none"
    return report, code


def _plan(stage: Stage, port: int) -> Plan:
    """Return streams of each kind; large bodies are answered in threads."""
    single, large = stage.questions("single", {1: 0}), stage.questions("large", {1: 0})
    return Plan(
        port,
        {
            "kept": Stream(single, 64, rate=300),
            "new": Stream(single, 64, keep=False, rate=150),
            "large": Stream(large, 4, rate=10),
            "in two parts": Stream(single, 32, rate=50, pause_seconds=0.05),
        },
    )


def _figures(reports: list[Report]) -> str:
    """Return how many were lost by kind of stream, and how many met an idle connection that was being closed."""
    parts = []
    for name in reports[0] if reports else ():
        tally = total([report[name] for report in reports])
        parts.append(f"{name} {tally.lost(IDLE_CLOSED, NOT_CONNECTED):,} lost of {tally.sent:,}")
    everything = total([tally for report in reports for tally in report.values()])
    met = everything.outcomes.get(IDLE_CLOSED, 0)
    return f"{', '.join(parts)}, {met:,} unread on kept connections that the server had closed while idle"
