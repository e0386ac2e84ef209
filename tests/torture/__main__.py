"""Run scenarios one after another: python -m tests.torture [--short] [NAME ...], or soak [--seconds N].

At full length each renews its rows of the table in docs/reliability.md. Times are told and never fail a run.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.torture import damaged, overload, results, sigterm, slow_clients, soak, swaps, volume, volume_faults
from tests.torture.generator import Generator
from tests.torture.results import Row
from tests.torture.stage import Run, Stage

SCENARIOS: dict[str, Run] = {
    "swaps": swaps.swaps,
    "damaged": damaged.damaged,
    "volume": volume.volume,
    "overload": overload.overload,
    "sigterm": sigterm.sigterm,
    "slow": slow_clients.slow_clients,
}
SOAK = "soak"
ORDER = [
    swaps.WHAT,
    damaged.WHAT,
    *volume_faults.ROWS,
    *overload.ROWS.values(),
    sigterm.WHAT,
    slow_clients.WHAT,
    soak.WHAT,
]


def main() -> int:
    """Run what was asked for; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Prove reliability on a real server.")
    parser.add_argument("--short", action="store_true", help="about ten times smaller; writes no file")
    parser.add_argument("--seconds", type=float, default=soak.SECONDS, help="how long to soak")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join([*SCENARIOS, SOAK])}; all but soak")
    asked = parser.parse_args()
    unknown = set(asked.names) - {*SCENARIOS, SOAK}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    try:
        rows = _run(asked.names or list(SCENARIOS), asked.short, asked.seconds)
    except AssertionError as fault:
        print(f"ended early: {fault}", flush=True)
        return 1
    if not asked.short and asked.seconds >= soak.SECONDS:
        results.write(rows, ORDER, _command(asked.names))
    return 1 if any(row.lost for row in rows) else 0


def _command(names: list[str]) -> str:
    """Return what was typed."""
    if names == [SOAK]:
        return "make soak"
    return f"python -m tests.torture {' '.join(names)}" if names else "make torture"


def _run(names: list[str], short: bool, seconds: float) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder, Generator() as generator:
        stage = Stage(Path(folder), generator, short, lambda text: print(f"    {text}", flush=True))
        stage.prepare()
        for name in names:
            print(name, flush=True)
            found = soak.soak(stage, seconds) if name == SOAK else SCENARIOS[name](stage)
            for row in found:
                print(row.line(), flush=True)
                rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
