"""Four times the load that can be borne: what is let in stays fast, the rest is told when to come again."""

import time
from collections.abc import Iterator

from tests.servers import RunningServer, serving
from tests.torture.measure import pin, sample
from tests.torture.results import Row
from tests.torture.stage import Stage, port, remove, wait_for_version
from tests.torture.watching import Watching
from tests.torture.wire import REFUSED, UNSENT, Plan, Report, Stream, Tally

MANY_ROWS = "Four times the capacity, 100 rows a request"
ONE_ROW = "Four times the capacity, one row a request"
ROWS = {"batch": MANY_ROWS, "single": ONE_ROW}

CALIBRATION_SECONDS, CALIBRATION_CONNECTIONS = 4.0, 8
HALF_SECONDS, OVERLOAD_SECONDS = 20, 60
REST_SECONDS = 2.0
CONNECTIONS = 512
TIMES = 4


def overload(stage: Stage) -> Iterator[Row]:
    """Measure half the capacity, four times the capacity, and half again, side by side on one server."""
    for kind, what in ROWS.items():
        root = stage.repository(0)
        with serving(root, "--poll-seconds", "2") as running:
            wait_for_version(running, 1)
            yield _overload(stage, running, kind, what)
        remove(root)


def _overload(stage: Stage, running: RunningServer, kind: str, what: str) -> Row:
    pin(running.process.pid, 0)
    pin(stage.generator.process.pid, 1)
    questions = stage.questions(kind, {1: 0})

    def send(name: str, connections: int, rate: float | None, seconds: float) -> Tally:
        plan = Plan(port(running), {name: Stream(questions, connections, rate=rate)}, seconds)
        tally: Report = stage.generator.run(plan)
        stage.say(f"{kind}, {name}: {_figures(tally[name])}")
        return tally[name]

    capacity = send("capacity", CALIBRATION_CONNECTIONS, None, CALIBRATION_SECONDS).rate
    half_seconds = HALF_SECONDS // (4 if stage.short else 1)
    before = send("half", CONNECTIONS, capacity / 2, half_seconds)
    memory_before = sample(running.process.pid).memory
    with Watching(running.process.pid) as watching:
        above = send("four times", CONNECTIONS, TIMES * capacity, stage.smaller(OVERLOAD_SECONDS))
    time.sleep(REST_SECONDS)
    after = send("half again", CONNECTIONS, capacity / 2, half_seconds)
    lost = sum(tally.lost(REFUSED) for tally in (before, above, after))
    tried = before.sent + above.sent + after.sent
    times = above.p99_of_a_second / before.p99_of_a_second
    refused, unsent = (above.outcomes.get(outcome, 0) for outcome in (REFUSED, UNSENT))
    seen = (
        f"capacity {capacity:,.0f} requests/s; at half of it {_latencies(before)}; at four times {above.rate:,.0f}/s "
        f"answered, {_latencies(above)}, {times:.1f} times the p99 of a second at half, {refused:,} "
        f"({refused / max(1, above.sent):.0%}) refused with Retry-After, {unsent:,} not sent as all {CONNECTIONS} "
        f"connections waited; memory {memory_before:.0f} MiB before, {watching.most:.0f} at most; 2 s after, at half, "
        f"{after.rate / before.rate:.2f} times the rate before, {_latencies(after)}, "
        f"{before.outcomes.get(REFUSED, 0):,} refused before, {after.outcomes.get(REFUSED, 0):,} after; "
        f"the generator sent {above.lag_p99:.1f} ms late (p99)"
    )
    return Row(what, tried, lost, seen + "".join(f"; {example}" for example in above.examples))


def _latencies(tally: Tally) -> str:
    return f"p50 {tally.p50:.1f} ms, p99 {tally.p99:.1f} ms ({tally.p99_of_a_second:.1f} ms of a second)"


def _figures(tally: Tally) -> str:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(tally.outcomes.items()))
    return (
        f"{tally.rate:,.0f}/s right, {_latencies(tally)}, longest {tally.longest:.1f} ms, "
        f"lag p99 {tally.lag_p99:.1f} ms: {counts}"
    )
