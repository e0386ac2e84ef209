"""Measure side by side: python -m benchmarks [--peers NAME ...]; see README.md.

With all peers the results are stored, and the tables and plots made anew; with a choice of them they are printed.
"""

import argparse
import os
import signal
import sys
import time

from benchmarks import machine, readme, tables
from benchmarks.contenders import PEERS_BY_NAME
from benchmarks.environments import CannotInstall
from benchmarks.model import trained
from benchmarks.paths import RESULTS, WORK
from benchmarks.processes import CannotStart
from benchmarks.results import Results, read, write
from benchmarks.run import environments, run
from benchmarks.stage import Plan, Stage, say

SHORT = Plan(rounds=2, seconds=1, batch_seconds=0.2, overload_seconds=2)
ALONE = Plan(rounds=5, seconds=1, batch_seconds=0.2, overload_seconds=3)


def main() -> int:
    """Run, or say what is missing; return 0 if it was measured."""
    asked = _arguments()
    if asked.tables:
        readme.renew(read(RESULTS))
        return 0
    if lacking := machine.missing():
        print("\n".join(f"bench: {each}" for each in lacking), file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in either case
    names = list(PEERS_BY_NAME) if asked.peers is None else asked.peers
    try:
        results = _measured(names, SHORT if asked.short else Plan() if names else ALONE)
    except (CannotInstall, CannotStart) as error:
        print(f"bench: Copse or a limit cannot be measured: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: stopped; nothing was stored", file=sys.stderr)
        return 130
    if asked.short or asked.peers is not None:
        write(results, WORK / "results.json")
        print("\n".join(f"{name}\n\n{table}\n" for name, table in tables.made(results).items()))
    else:
        write(results, RESULTS)
        readme.renew(read(RESULTS))  # as it is stored, rounded
        say(f"stored in {RESULTS.parent.name}/: results.json, README.md and plots/")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Copse, limits and peers.")
    parser.add_argument("--peers", nargs="*", choices=PEERS_BY_NAME, metavar="NAME", help="none, or some, of them all")
    parser.add_argument("--short", action="store_true", help="two short rounds, printed: to try the benchmarks")
    parser.add_argument("--tables", action="store_true", help="measure nothing; make tables and plots of the results")
    return parser.parse_args()


def _measured(names: list[str], plan: Plan) -> Results:
    began = time.monotonic()
    results = Results(machine.described())
    WORK.mkdir(parents=True, exist_ok=True)
    made = environments(names, results)
    stage = Stage(plan, trained(WORK), made, results)
    os.sched_setaffinity(0, {stage.load_cpu})  # large requests are sent from here
    run(stage)
    results.machine.minutes = (time.monotonic() - began) / 60
    return results


if __name__ == "__main__":
    sys.exit(main())
