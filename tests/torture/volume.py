"""The volume fails while its models serve: answers go on, it is reported, and the next version is taken afterwards."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from model_repository import PublishFailed
from tests.servers import RunningServer, eventually, ready, serving
from tests.torture.results import Row
from tests.torture.stage import Stage, noting, port, remove, wait_for_version
from tests.torture.volume_faults import READ_ONLY, ROWS, Fault, faults
from tests.torture.wire import Tally, total

FAILING_SECONDS, BRIEFLY = 15.0, 6.0
LATE_SECONDS = 4.0  # an answer that waits for a file operation that hangs is late


def volume(stage: Stage) -> Iterator[Row]:
    """Let the volume fail in each way, on a server of its own."""
    outcomes = [(fault, *_outlive(stage, fault)) for fault in faults(stage.folder / "control")]
    for what in ROWS:
        mine = [(fault, tally, wrong) for fault, tally, wrong in outcomes if fault.row == what]
        seen = "; ".join(
            f"{fault.name}: p99 {tally.p99:.0f} ms" + "".join(f", {text}" for text in [*wrong, *tally.examples])
            for fault, tally, wrong in mine
        )
        lost = sum(tally.lost() + len(wrong) for _, tally, wrong in mine)
        yield Row(what, sum(tally.sent for _, tally, _ in mine), lost, seen)


def _outlive(stage: Stage, fault: Fault) -> tuple[Tally, list[str]]:
    """Serve, let the volume fail and heal, publish; return the counts and what was not as it must be."""
    root, wrong = stage.repository(0), list[str]()
    with contextlib.ExitStack() as stack:
        stack.enter_context(fault.prepared(root))
        running = stack.enter_context(serving(root, prefix=fault.launcher(root)))
        wait_for_version(running, 1)
        plan = stage.steady(port(running), {1: 0, 2: 1}, late_seconds=LATE_SECONDS)
        with stage.generator.load(plan) as report:
            with fault.lasting(root):
                wrong += _while_failing(stage, running, root, fault)
            with noting(wrong, PublishFailed):
                stage.publish(root, 1)
                wait_for_version(running, 2)
        with noting(wrong):
            assert running.stop() == 0, "the server did not end well"
    remove(root)
    tally = total(list(report.values()))
    stage.say(f"{fault.name}: {tally.sent} requests, {tally.lost()} lost{''.join(f'; {text}' for text in wrong)}")
    return tally, wrong


def _while_failing(stage: Stage, running: RunningServer, root: Path, fault: Fault) -> list[str]:
    """See that the fault is told, that publishing is refused where it must be, and that readiness stays."""
    wrong: list[str] = []
    until = time.monotonic() + (BRIEFLY if stage.short else FAILING_SECONDS)
    with noting(wrong):
        eventually(lambda: fault.says in running.text, lambda: f"the log does not say {fault.says!r}", FAILING_SECONDS)
    if fault.row == READ_ONLY:
        with noting(wrong), contextlib.suppress(PublishFailed):
            raise AssertionError(f"version {stage.publish(root, 1)} was published on a volume that is read-only")
    with noting(wrong):
        while time.monotonic() < until:
            assert ready(running.address), "not ready"
            time.sleep(0.1)
    return wrong
