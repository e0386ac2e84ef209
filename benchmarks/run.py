"""One run: rounds of the limits and Copse, all side by side, and of each peer after them, always in another order."""

import http.client
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import batches, small, starts
from benchmarks.contenders import BY_NAME, COPSE, FRONT, PEERS_BY_NAME, Contender
from benchmarks.environments import CannotInstall, Environment, environment
from benchmarks.model import real_rows
from benchmarks.overload import overload
from benchmarks.processes import CannotStart, Running, memory_of
from benchmarks.results import Installed, Results
from benchmarks.stage import Stage, rotated, say

COMPARED = 300  # rows at once, beside one alone
FAULTS = (CannotStart, OSError, http.client.HTTPException, subprocess.SubprocessError)


@dataclass
class Peers:
    """The peers that still take part: one that fails is reported and left out from then on."""

    contenders: list[Contender]
    results: Results

    def leave(self, contender: Contender, why: Exception) -> None:
        """Take a peer out, and remember why."""
        reason = str(why) or type(why).__name__
        say(f"  {contender.title} is left out: {reason}")
        self.results.unmeasured[contender.name] = reason
        self.contenders.remove(contender)


def environments(names: list[str], results: Results) -> dict[str, Environment]:
    """Make the environments of Copse and of these peers; a peer's that cannot be made is reported."""
    made = {}
    for name in (COPSE, *names):
        try:
            made[name] = environment(name)
        except CannotInstall as error:
            if name == COPSE:
                raise
            results.unmeasured[name] = f"cannot be installed: {error}"
            continue
        results.installed.append(Installed(name, made[name].size(), made[name].versions()))
    return made


def run(stage: Stage) -> None:
    """Measure all that the plan asks for."""
    peers = Peers([PEERS_BY_NAME[name] for name in stage.environments if name in PEERS_BY_NAME], stage.results)
    for number in range(stage.plan.rounds):
        stage.round = number
        say(f"round {number + 1} of {stage.plan.rounds}: limits and Copse")
        _front(stage)
        _on_all(stage)
        for contender in rotated(peers.contenders, number):
            say(f"  {contender.title}")
            try:
                _peer(stage, contender)
            except FAULTS as error:
                peers.leave(contender, error)
    small.paced(stage)
    say("four times the capacity")
    for contender in (BY_NAME[COPSE], *peers.contenders):
        try:
            overload(stage, contender)
        except FAULTS as error:
            stage.results.unmeasured[contender.name] = f"at four times the capacity: {error}"


def _front(stage: Stage) -> None:
    """Measure the limits and Copse, which run at the same time and are asked in turn."""
    starts.imports(stage, stage.cpus[:1])
    with ExitStack() as stack:
        servers = []
        for contender in rotated(FRONT, stage.round):
            servers.append(stack.enter_context(stage.serving(contender)))
            starts.started(stage, servers[-1])
        copse = next(server for server in servers if server.contender.name == COPSE)
        _points(stage, servers)
        small.other_forms(stage, servers)
        batches.beside_raw(stage, copse, 1)
    batches.inference(stage)


def _on_all(stage: Stage) -> None:
    """Start Copse, and what it imports at least, on all CPUs, and measure its large requests there."""
    starts.imports(stage, stage.cpus)
    with stage.serving(BY_NAME[COPSE], stage.cpus) as server:
        starts.started(stage, server, len(stage.cpus))
        batches.beside_raw(stage, server, len(stage.cpus))


def _peer(stage: Stage, contender: Contender) -> None:
    with stage.serving(contender) as server:
        starts.started(stage, server)
        _points(stage, [server])
        batches.over_http(stage, server)


def _points(stage: Stage, servers: list[Running]) -> None:
    """Measure memory after the first answer, compare answers, measure one row a request, and memory after that."""
    idle = [memory_of(server.process.pid) for server in servers]
    for server in servers:
        if not server.contender.echoes:
            _compare(stage, server)
    small.points(stage, servers)
    for server, before in zip(servers, idle, strict=True):
        starts.remember(stage, server.contender.name, before, memory_of(server.process.pid))


def _compare(stage: Stage, server: Running) -> None:
    """Compare answers with scikit-learn's before anything is timed."""
    for form in batches.forms_of(server.contender):
        for count in (1, COMPARED):
            stage.check(server, form, real_rows(count))
