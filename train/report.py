"""What a training says while it runs: one line a step, then the proof as a table."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from model_repository import Parity
from model_repository.table import Cell, table


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
