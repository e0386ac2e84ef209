"""A table of 100,000 rows: memory is bounded, progress shows, and a training that is killed publishes nothing."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from model_repository import versions
from scripts import example_tables
from tests.servers import eventually

ROWS, COLUMNS = 100_000, 30
FEW_ROWS = 20_000
MORE_BYTES = 4 * (ROWS - FEW_ROWS) * COLUMNS
MOST_MATRICES = 14  # the table, its parts, and copies of them in scikit-learn, some in float64: 7 to 11 measured
NAME = "large"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.csv"
    example_tables.write_large(path, ROWS, COLUMNS)
    return path


def command(models: Path, data: Path, *options: str) -> list[str]:
    forest = ("--trees=10", "--param=max_depth=6", *options)
    return [sys.executable, "-m", "train.cli", "--models", str(models), "--data", str(data), "--target=answer", *forest]


def peak(models: Path, data: Path) -> int:
    """Train, and return the most memory that it took, in bytes."""
    said = subprocess.run(command(models, data), check=True, capture_output=True, text=True).stdout
    found = re.search(r"peak memory ([\d,]+) MiB", said)
    assert found
    return int(found[1].replace(",", "")) * 2**20


def test_memory_grows_with_the_numbers_of_the_table_and_not_with_its_text(tmp_path: Path, large: Path) -> None:
    """The file has twice as many bytes as the numbers have in float32, and texts beside them."""
    few = tmp_path / "few.csv"
    example_tables.write_large(few, FEW_ROWS, COLUMNS)

    assert peak(tmp_path / "models", large) - peak(tmp_path / "models", few) < MOST_MATRICES * MORE_BYTES
    assert versions(tmp_path / "models", NAME) == [1]


@pytest.mark.parametrize("step", ["read", "fit", "prove"])
def test_a_training_that_is_killed_half_way_publishes_nothing(tmp_path: Path, large: Path, step: str) -> None:
    file = tmp_path / "said"
    with file.open("w") as output:
        options = command(tmp_path / "models", large, "--estimator=extra-trees")
        process = subprocess.Popen(options, stdout=output, stderr=subprocess.STDOUT)
    try:
        before = {"read": lambda: _seconds_of_cpu(process.pid) > 2}
        said: Callable[[], object] = before.get(step, lambda: f"\n{step} " in file.read_text())
        eventually(said, lambda: f"the step {step} has not begun: {file.read_text()}", 120)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert process.returncode == -signal.SIGKILL
    assert [path for path in (tmp_path / "models").rglob("*") if path.name in ("CURRENT", "model.json")] == []


def test_a_terminal_shows_how_far_reading_and_fitting_are(tmp_path: Path, large: Path) -> None:
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    options = command(tmp_path, large, "--trees=400")  # so many that it takes longer than a bar waits to appear
    process = subprocess.Popen(options, stdout=subprocess.DEVNULL, stderr=terminal)
    shown = bytearray()
    reader = threading.Thread(target=lambda: _read_until_silent(screen, shown), daemon=True)
    reader.start()
    try:
        for bar in (rb"read +large.csv: +\d+%\|", rb"\d+%\|.*trees"):
            eventually(partial(re.search, bar, shown), lambda: f"shown was {shown.decode()}", 120)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        reader.join(10)
        os.close(screen)


def _read_until_silent(screen: int, shown: bytearray) -> None:
    try:
        while read := os.read(screen, 4096):
            shown.extend(read)
    except OSError:  # nobody holds the other end any more
        return


def _seconds_of_cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
