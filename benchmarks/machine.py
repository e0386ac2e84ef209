"""The machine, and what must be on it."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import VEGETA
from benchmarks.paths import ROOT
from benchmarks.results import Machine

PROGRAMS = {"wrk": "apt-get install wrk", "taskset": "apt-get install util-linux"}


def missing() -> list[str]:
    """Return a sentence for each thing that this machine lacks."""
    lacking = [f"{name} is missing: {how}" for name, how in PROGRAMS.items() if not shutil.which(name)]
    if not VEGETA.exists():
        lacking.append("vegeta is missing: install Go, then scripts/tool.sh vegeta compiles it into .tools")
    if not Path("/proc/self/smaps_rollup").exists():
        lacking.append("memory and processes are read from /proc: run it on Linux")
    if len(os.sched_getaffinity(0)) < 2:
        lacking.append("two CPUs are needed: one for the server, one for the load")
    return lacking


def described() -> Machine:
    """Return what this machine is, and which commit is measured."""
    return Machine(
        processor=_processor(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        commit=_commit(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """Return the commit, with a word if the code that is measured is not as committed."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "serve", "model_repository", "train")
    return f"{commit or 'unknown'}{' with changes' if changed else ''}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], check=False, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()
