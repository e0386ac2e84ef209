"""What it costs to be seen: python -m benchmarks.observed [--table].

Servers with more and more of it switched on run at the same time, on one CPU, and are asked in turn, always in another
order. The results are stored in observed.json, and the table of README.md is made anew.
"""

import argparse
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks import forms, machine
from benchmarks.contenders import Contender, Start
from benchmarks.environments import PROGRAMS, Environment
from benchmarks.figures import ratios, spread
from benchmarks.load import Bodies
from benchmarks.model import real_rows, trained
from benchmarks.paths import HERE, README, WORK
from benchmarks.processes import Running
from benchmarks.results import Point, Results, read, write
from benchmarks.series import Series
from benchmarks.stage import Plan, Stage, rotated, say
from benchmarks.tables import table

OBSERVED = HERE / "observed.json"
MARKED = re.compile(r"(<!-- observed -->\n).*?(<!-- end observed -->)", re.DOTALL)
CONNECTIONS = (1, 16, 64)
UNCOUNTED = "uncounted"
PLAN = Plan(rounds=9, seconds=2)


def _copse(*flags: str) -> tuple[str, ...]:
    return ("-m", "serve.cli", "--log-format", "json", *flags)


ALL = ("--prediction-log", "{folder}/predictions.jsonl")
# What is switched on by name: its title, the arguments of Python, and the share of requests that are traced.
VARIANTS: dict[str, tuple[str, tuple[str, ...], float | None]] = {
    UNCOUNTED: (
        "nothing is counted or kept",
        (str(HERE / "limits" / "uncounted.py"), "--log-format", "json", "--drift", "off"),
        None,
    ),
    "metrics": ("metrics", _copse("--drift", "off"), None),
    "default": ("metrics and drift: the default", _copse(), None),
    "all": ("and a prediction log and traces, each of 1 request in 100", _copse(*ALL), 0.01),
    "lines": ("and a log line a request", _copse(*ALL, "--log-level", "debug"), 0.01),
    "traced": ("and every request traced", _copse(*ALL, "--log-level", "debug"), 1.0),
}


def main() -> int:
    """Run, or say what is missing; return 0 if it was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.observed", description="Measure what it costs to be seen."
    )
    parser.add_argument("--table", action="store_true", help="measure nothing; make the table of the results")
    if not parser.parse_args().table:
        if lacking := machine.missing():
            print("\n".join(f"bench: {each}" for each in lacking), file=sys.stderr)
            return 1
        write(_measured(), OBSERVED)
    README.write_text(renewed(README.read_text(), read(OBSERVED)))
    print(_table(read(OBSERVED)))
    return 0


def renewed(text: str, results: Results) -> str:
    """Return the text with the table between its marks made anew."""
    return MARKED.sub(lambda found: f"{found[1]}{_table(results)}\n{found[2]}", text)


def _table(results: Results) -> str:
    series = Series(results)
    header = ["switched on", *(f"{count} connection{'s' * (count > 1)}" for count in CONNECTIONS)]
    rows = []
    for name, (title, _, _) in VARIANTS.items():
        cells = [title]
        for count in CONNECTIONS:
            rate = series.rate(name, count)
            share, rates = ratios(rate, series.rate(UNCOUNTED, count)), spread(rate.values())
            told = f"{share.median:.2f} ({share.least:.2f} to {share.most:.2f})" if share else "-"
            cells.append(f"{rates.median:,.0f} · {told}" if rates else "-")
        rows.append(cells)
    found = results.machine
    measured = (
        f"Measured on {found.date} at commit {found.commit}, in {found.minutes:.0f} minutes, {series.rounds} rounds"
    )
    return f"{measured}, on {found.cpus} CPUs of {found.processor}, Python {found.python}.\n\n{table(header, rows)}"


def _measured() -> Results:
    began, results = time.monotonic(), Results(machine.described())
    WORK.mkdir(parents=True, exist_ok=True)
    programs = Environment(PROGRAMS.parent)  # the development environment has what traces need
    with _collector() as address, ExitStack() as stack:
        contenders = [_contender(name, address) for name in VARIANTS]
        stage = Stage(PLAN, trained(WORK), {each.installed: programs for each in contenders}, results)
        os.sched_setaffinity(0, {stage.load_cpu})
        servers = [stack.enter_context(stage.serving(each)) for each in contenders]
        for server in servers:
            server.first_answer(forms.PREDICT.ask(real_rows(1)))
        for stage.round in range(PLAN.rounds):
            say(f"round {stage.round + 1} of {PLAN.rounds}")
            _round(stage, servers)
    results.machine.minutes = (time.monotonic() - began) / 60
    return results


def _round(stage: Stage, servers: list[Running]) -> None:
    bodies = Bodies(forms.PREDICT, real_rows())
    for count in CONNECTIONS:
        for server in rotated(servers, stage.round):
            load = bodies.wrk(server.port, count, stage.plan.seconds, stage.load_cpu)
            name, measured = server.contender.name, (load.rate, load.p50, load.p99, load.failed)
            stage.results.points.append(Point(name, forms.PREDICT.name, count, stage.round, *measured))


def _contender(name: str, collector: str) -> Contender:
    title, arguments, share = VARIANTS[name]

    def command(start: Start) -> list[str]:
        given = [each.format(folder=start.folder) for each in arguments]
        fixed = ["--models", str(start.model.repository), "--port", str(start.port)]
        return [f"{start.programs}/python", *given, *fixed]

    def settings(_: Start) -> dict[str, str]:
        if share is None:
            return {}
        sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(share)}
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, **sampler}

    return Contender(name, title, "copse-serve", command, forms.PREDICT, "development", settings)


@contextmanager
def _collector() -> Iterator[str]:
    """Run a collector that takes all traces and forgets them; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Taker(BaseHTTPRequestHandler):
    """Answers whatever is posted with nothing."""

    def do_POST(self) -> None:
        """Take a body."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
