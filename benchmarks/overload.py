"""Four times the capacity, 100 rows a request: who is answered, and how soon all is well again."""

import http.client
import time
from collections import Counter

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.forms import Form, Numbers
from benchmarks.load import Bodies, Shot
from benchmarks.model import many_rows
from benchmarks.processes import Running
from benchmarks.results import Overload
from benchmarks.small import warm
from benchmarks.stage import Stage, is_right, say

ROWS = 100
CONNECTIONS = 8  # over which the capacity is measured
MOST_CONNECTIONS = 1_000  # what is due while all of them wait is not sent
TIMES = 4
RIGHT, WRONG, REFUSED, FAILED = "right", "wrong", "refused", "failed"


def overload(stage: Stage, contender: Contender) -> None:
    """Measure the capacity of a new server, and then send four times as much."""
    rows = many_rows(ROWS)
    bodies = Bodies(contender.form, rows, ROWS)
    plan = stage.plan
    with stage.serving(contender) as server:
        warm(server)
        stage.check(server, contender.form, rows)
        capacity = bodies.wrk(server.port, CONNECTIONS, plan.seconds, stage.load_cpu).rate
        rate = TIMES * capacity
        shots = bodies.vegeta(
            server.port, rate, plan.overload_seconds, stage.load_cpu, most=MOST_CONNECTIONS, answers=True
        )
        after = _seconds_after(server, rows)
    counts, p99 = judged(contender.form, shots, stage.model.probabilities(rows))
    due = max(len(shots), round(rate * plan.overload_seconds))
    stage.results.overloads.append(
        Overload(
            server=contender.name,
            capacity=capacity,
            due=due,
            sent=len(shots),
            right=counts[RIGHT],
            wrong=counts[WRONG],
            refused=counts[REFUSED],
            failed=counts[FAILED],
            p99=p99,
            seconds_after=after,
        )
    )
    say(f"  {contender.title}: of {due:,} due {dict(counts)}, {due - len(shots):,} not sent, p99 {p99:,.0f} ms")


def judged(form: Form, shots: list[Shot], expected: Numbers) -> tuple[Counter[str], float]:
    """Return how many came to what, and the 99th percentile of the right answers in milliseconds."""
    answers = {shot.answer for shot in shots if shot.status == http.client.OK}
    verdicts = {answer: RIGHT if is_right(form, answer, expected) else WRONG for answer in answers}
    counts: Counter[str] = Counter()
    times = []
    for shot in shots:
        outcome = verdicts[shot.answer] if shot.status == http.client.OK else _without_answer(shot.status)
        counts[outcome] += 1
        if outcome == RIGHT:
            times.append(shot.milliseconds)
    return counts, float(np.percentile(times, 99)) if times else 0.0


def _without_answer(status: int) -> str:
    return REFUSED if status in (http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE) else FAILED


def _seconds_after(server: Running, rows: Numbers) -> float | None:
    """Return how long one question takes after the load has ended, in seconds; None if it fails."""
    form = server.contender.form
    began = time.monotonic()
    try:
        status, _ = server.ask(form, form.ask(rows))
    except (OSError, http.client.HTTPException):
        return None
    return time.monotonic() - began if status == http.client.OK else None
