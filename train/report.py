"""What a training says while it runs: one line a step, then the proof as a table."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from model_repository import Parity
from model_repository.table import Cell, table

SECONDS_BETWEEN_LINES = 30.0  # of progress, where there is no terminal


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Name a step when it begins; what is said in the block ends its line, with the seconds that it took."""
    print(f"{name:9}", end="", flush=True)
    begun = time.perf_counter()
    said: list[str] = []
    try:
        yield said.append
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{' '.join(said)} ({time.perf_counter() - begun:.1f} s)", flush=True)


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Show how far a long step is: as a bar on a terminal, else as a line now and then; call with what is done more."""
    if sys.stderr.isatty():
        with tqdm(total=total, unit=f" {unit}", leave=False, delay=1.0) as bar:
            yield bar.update
        return
    done, said = 0, time.monotonic()

    def advance(more: int) -> None:
        nonlocal done, said
        done += more
        if time.monotonic() - said >= SECONDS_BETWEEN_LINES and done < total:
            said = time.monotonic()
            print(f"{done:,} of {total:,} {unit}, ", end="", flush=True)

    yield advance


def say(text: str = "") -> None:
    """Print a line now, not when a buffer is full."""
    print(text, flush=True)


def parity_table(parity: Parity) -> str:
    """Return the proof as a table: how many rows of each kind, and how far the export was from the original."""
    head = ["rows compared", "rows", "other labels", "other bits", "largest difference"]
    rows: list[list[Cell]] = [
        [entry.name, entry.rows, entry.label_differences, entry.different_bits, entry.largest_difference]
        for entry in parity.row_sets
    ]
    rows.append(
        [
            "total",
            sum(entry.rows for entry in parity.row_sets),
            sum(entry.label_differences for entry in parity.row_sets),
            sum(entry.different_bits for entry in parity.row_sets),
            max(entry.largest_difference for entry in parity.row_sets),
        ]
    )
    return "\n".join(f"         {line}" for line in table(head, rows).splitlines())
