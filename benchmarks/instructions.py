"""Count the instructions of a request: python -m benchmarks.instructions [--record].

A speed guard that does not depend on the machine: valgrind counts what the processor is told to do, from the bytes of
a request to the bytes of its answer, in process and without a network. The count is the same within half a percent
however busy or fast the machine is, so it is compared with the one recorded in instructions.json, which is part of the
change that altered it. It is not a time: waiting, the kernel's work and the processor's caches are not in it.

Another build of Python or another version of a library gives other figures. Then nothing is judged, and what differs
is told. Else more than MARGIN beyond the recorded figure is told with what to do, and more than LIMIT is a failure: no
noise reaches that far, so somebody has to look at it, or to record that it is meant.
"""

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.instructions_asked import prepare
from benchmarks.instructions_counted import Situation
from benchmarks.paths import HERE, ROOT

RECORDED = HERE / "instructions.json"
WORK = ROOT / "build" / "instructions"  # git ignores it
COUNTS = WORK / "callgrind.out"
TURNS = 400
TREES = 100
MARGIN, LIMIT = 0.05, 0.10  # shares beyond the recorded figure
LONGEST_SECONDS = 900
OPEN_CALL = re.compile("^calls=0 .*\n.*\n", re.MULTILINE)  # of a caller of the mark: callgrind_annotate would add it up
PACKAGES = [
    *("httptools", "msgspec", "numpy", "onnxruntime", "orjson", "starlette", "uvicorn", "uvloop"),
    *("scikit-learn", "skl2onnx"),  # they make the model
]


class Figures(msgspec.Struct):
    """Instructions a request in each situation, and all that they depend on beside the code."""

    made_with: dict[str, str]
    instructions: dict[str, int]


def main() -> int:
    """Count and compare, or record; return 0 if nothing is far beyond what is recorded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description="Count instructions.")
    parser.add_argument("--record", action="store_true", help=f"renew benchmarks/{RECORDED.name}")
    record = parser.parse_args().record
    if not shutil.which("valgrind"):
        print("instructions: valgrind is missing: apt-get install valgrind", file=sys.stderr)
        return 1
    try:
        found = counted()
    except subprocess.CalledProcessError as error:
        print(f"instructions: nothing was counted: {error}; the reason is above", file=sys.stderr)
        return 1
    if record:
        RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    recorded = msgspec.json.decode(RECORDED.read_bytes(), type=Figures)
    print(table(found.instructions, recorded.instructions))
    said, failed = judged(found, recorded)
    print(f"instructions: {said}")
    return int(failed)


def counted() -> Figures:
    """Train once, ask under valgrind, and return what was counted.

    Raises:
        CalledProcessError: the model was not trained, or a request was not answered as it should be.

    """
    WORK.mkdir(parents=True, exist_ok=True)
    copse_train = str(Path(sys.executable).parent / "copse-train")
    train = [copse_train, "--models", str(WORK / "models"), "--trees", str(TREES)]
    subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
    asked = prepare(WORK, TURNS)
    run_counted([sys.executable, "-m", "benchmarks.instructions_counted", str(WORK)], COUNTS)
    return Figures(made_with(), instructions(asked, COUNTS))


def run_counted(program: Sequence[str], counts: Path) -> None:
    """Run a program under callgrind; what it counted up to the n-th mark is then in `counts` with n as its suffix."""
    for old in counts.parent.glob(f"{counts.name}*"):
        old.unlink()
    callgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}"]
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"}  # nothing else changes what is counted
    marked = [*callgrind, "--dump-before=getloadavg", "--compress-strings=no", *program]  # each part can be read alone
    subprocess.run(marked, check=True, cwd=ROOT, env=environment, timeout=LONGEST_SECONDS)
    for made in counts.parent.glob(f"{counts.name}.*"):
        made.write_text(OPEN_CALL.sub("", made.read_text()))


def instructions(asked: Sequence[Situation], counts: Path) -> dict[str, int]:
    """Return the instructions a request in each situation."""
    return {each.name: round(total(part(counts, i)) / each.count) for i, each in enumerate(asked)}


def part(counts: Path, situation: int) -> Path:
    """Return the file with what was counted between the two marks around a situation."""
    return counts.with_name(f"{counts.name}.{2 * situation + 2}")


def total(counts: Path) -> int:
    """Return the sum of what callgrind counted."""
    lines = counts.read_text().splitlines()
    return next(int(line.split()[1]) for line in reversed(lines) if line.startswith("totals:"))


def made_with() -> dict[str, str]:
    """Return the versions and builds that figures depend on."""
    valgrind = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True)  # noqa: S607
    system = {
        "processor": platform.machine(),
        "C library": " ".join(platform.libc_ver()),
        "valgrind": valgrind.stdout.strip(),
        "Python": sys.version,
    }
    return system | {name: importlib.metadata.version(name) for name in PACKAGES}


def table(found: Mapping[str, int], recorded: Mapping[str, int]) -> str:
    """Return a line for each situation."""
    lines = [f"{'instructions a request':30} {'counted':>10} {'recorded':>10} {'ratio':>6}"]
    for name, count in found.items():
        if before := recorded.get(name):
            lines.append(f"{name:30} {count:10,} {before:10,} {count / before:6.3f}")
        else:
            lines.append(f"{name:30} {count:10,} {'-':>10} {'-':>6}")
    return "\n".join(lines)


def judged(found: Figures, recorded: Figures) -> tuple[str, bool]:
    """Return what is to be said of figures, and whether they are a failure."""
    renew = f"make instructions RECORD=1 renews benchmarks/{RECORDED.name}"
    if differing := differences(found.made_with, recorded.made_with):
        return f"not judged, for the record was made with something else: {'; '.join(differing)}. {renew}", False
    if found.instructions.keys() != recorded.instructions.keys():
        return f"not all that was counted is recorded. {renew}, to be committed with the change", True
    ratios = {name: count / recorded.instructions[name] for name, count in found.instructions.items()}
    worst = max(ratios.values())
    if worst > 1 + MARGIN:
        beyond = [part(COUNTS, i) for i, ratio in enumerate(ratios.values()) if ratio > 1 + MARGIN]
        files = " and ".join(str(each.relative_to(ROOT)) for each in beyond)
        find_out = f"callgrind_annotate shows where they are spent, by {files}"
        return f"{100 * (worst - 1):.0f} % more than recorded: {find_out}. If that is meant, {renew}", worst > 1 + LIMIT
    if min(ratios.values()) < 1 - MARGIN:
        return f"fewer than recorded. {renew}, so that it stays so", False
    return f"as recorded, within {100 * MARGIN:.0f} %", False


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return what is here and there in other versions."""
    names = dict.fromkeys([*here, *there])
    return [
        f"{name} {there.get(name, 'unknown')}, here {here.get(name, 'unknown')}"
        for name in names
        if here.get(name) != there.get(name)
    ]


if __name__ == "__main__":
    sys.exit(main())
