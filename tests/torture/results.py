"""The table of docs/reliability.md: one row a claim, renewed between two markers."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import onnxruntime

HOME = Path(__file__).parents[2]
PAGE = HOME / "docs/reliability.md"
CLUSTER = HOME / "build/reliability-cluster.json"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEAD = "| what | tried | lost | seen |\n|---|---:|---:|---|"
MEASURED = "Measured by `"
ON_A_CLUSTER = "on a kind cluster"  # how the row of the end-to-end tests begins


class Row(NamedTuple):
    """A claim, how often it was tried, how often it failed, and what was measured."""

    what: str
    tried: int
    lost: int
    seen: str

    def line(self) -> str:
        """Return the row in Markdown."""
        seen = self.seen.replace("|", "/").replace("\n", " ")
        return f"| {self.what} | {self.tried:,} | {self.lost:,} | {seen} |"


def renewed(page: str, rows: Iterable[Row], order: list[str], command: str) -> str:
    """Return the page with these rows in the table, others as they were, and where and when they were measured."""
    before, rest = page.split(BEGIN)
    measured, after = rest.split(END)
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in measured.splitlines() if line.startswith("| ")}
    lines |= {row.what: row.line() for row in rows}
    notes = {line.split("`")[1]: line for line in measured.splitlines() if line.startswith(MEASURED)}
    notes[command] = f"{MEASURED}{command}` on {_facts()}."
    cluster = sorted(what for what in lines if what.lower().startswith(ON_A_CLUSTER))
    table = "\n".join([HEAD, *(lines[what] for what in [*order, *cluster] if what in lines)])
    return f"{before}{BEGIN}\n\n{table}\n\n" + "\n\n".join(notes.values()) + f"\n\n{END}{after}"


def cluster_rows(file: Path = CLUSTER) -> list[Row]:
    """Return what the end-to-end tests have left of their own row."""
    if not file.exists():
        return []
    found = json.loads(file.read_text())
    return [Row(found["what"], int(found["tried"]), int(found["lost"]), found["seen"])]


def write(rows: list[Row], order: list[str], command: str) -> None:
    """Renew the page's table."""
    PAGE.write_text(renewed(PAGE.read_text(), [*rows, *cluster_rows()], order, command))


def _facts() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HOME, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}, {os.cpu_count()} CPUs, "
        f"{platform.system()}, Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}"
    )
