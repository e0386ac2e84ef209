"""One row a request: over 1, 16 and 64 connections, and at half of the capacity."""

import http.client
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

import numpy as np

from benchmarks import forms
from benchmarks.contenders import BY_NAME, COPSE, STARLETTE
from benchmarks.load import Bodies
from benchmarks.model import real_rows
from benchmarks.processes import Running
from benchmarks.results import Paced, Point
from benchmarks.stage import Stage, rotated, say

CONNECTIONS = (1, 16, 64)
PAIR = (STARLETTE, COPSE)
OTHER_FORMS = (forms.V2, forms.V2_BINARY)  # beside /predict
MOST = 64
PACED_CONNECTIONS = 256


def points(stage: Stage, servers: Sequence[Running]) -> None:
    """Measure servers that run at the same time: at each number of connections one after the other."""
    bodies = Bodies(servers[0].contender.form, real_rows())
    for connections in CONNECTIONS:
        for server in servers:
            _point(stage, server, bodies, connections)


def other_forms(stage: Stage, servers: Sequence[Running]) -> None:
    """Measure the Open Inference Protocol, and Starlette's echo of the same bytes."""
    for form in OTHER_FORMS:
        bodies = Bodies(form, real_rows())
        for server in servers:
            if server.contender.name in PAIR:
                _point(stage, server, bodies, MOST)


def _point(stage: Stage, server: Running, bodies: Bodies, connections: int) -> None:
    load = bodies.wrk(server.port, connections, stage.plan.seconds, stage.load_cpu)
    measured = (connections, stage.round, load.rate, load.p50, load.p99, load.failed)
    stage.results.points.append(Point(server.contender.name, bodies.form.name, *measured))


def paced(stage: Stage) -> None:
    """Ask Starlette's echo and Copse at the same rate: half of what the slower of both bears."""
    rate = min(_capacity(stage, name) for name in PAIR) / 2
    say(f"half of the capacity, {rate:,.0f} requests/s")
    bodies = Bodies(forms.PREDICT, real_rows())
    with ExitStack() as stack:
        servers = [stack.enter_context(stage.serving(BY_NAME[name])) for name in PAIR]
        for server in servers:
            warm(server)
        for number in range(stage.plan.rounds):
            for server in rotated(servers, number):
                _paced(stage, server, bodies, rate, number)


def warm(server: Running) -> None:
    """Wait for a server's first answer."""
    server.first_answer(server.contender.form.ask(real_rows(1)))


def _paced(stage: Stage, server: Running, bodies: Bodies, rate: float, number: int) -> None:
    shots = bodies.vegeta(server.port, rate, stage.plan.seconds, stage.load_cpu, most=PACED_CONNECTIONS)
    times = [shot.milliseconds for shot in shots if shot.status == http.client.OK]
    p50, p99 = (float(np.percentile(times, share)) for share in (50, 99))
    stage.results.paced.append(Paced(server.contender.name, rate, number, p50, p99, len(shots) - len(times)))


def _capacity(stage: Stage, server: str) -> float:
    wanted = (server, forms.PREDICT.name, MOST)
    return median(each.rate for each in stage.results.points if (each.server, each.form, each.connections) == wanted)
