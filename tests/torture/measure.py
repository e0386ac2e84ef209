"""What the kernel tells of a process, and when memory counts as grown."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

GROWN = 1.1
RISING = 1.01


class Sample(NamedTuple):
    """Resident memory in MiB, and how many descriptors are open."""

    memory: float
    descriptors: int


def sample(process_id: int) -> Sample:
    """Look at a process once."""
    status = Path(f"/proc/{process_id}/status").read_text()
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return Sample(int(resident) / 1024, len(os.listdir(f"/proc/{process_id}/fd")))  # noqa: PTH208 - only counted


def pin(process_id: int, cpu: int) -> None:
    """Keep a process and its threads on one CPU, where there are two or more."""
    if cpu < (os.cpu_count() or 1):
        for task in Path(f"/proc/{process_id}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cpu})


def first_and_last(values: Sequence[float], most: int = 100) -> tuple[float, float]:
    """Return the medians of the first and of the last values: a hundred each, or a third where there are few."""
    count = max(1, min(most, len(values) // 3))
    return median(values[:count]), median(values[-count:])


def has_grown(values: Sequence[float]) -> bool:
    """Return whether memory has grown: the last median exceeds the first by a tenth, and it still rises at the end.

    It still rises if the medians of the last three fifths each exceed the one before by a hundredth.
    """
    first, last = first_and_last(values)
    fifth = max(1, len(values) // 5)
    ends = [median(values[start : start + fifth]) for start in (len(values) - count * fifth for count in (3, 2, 1))]
    return last > GROWN * first and ends[1] > RISING * ends[0] and ends[2] > RISING * ends[1]


def slope(values: Sequence[float], seconds_between: float) -> float:
    """Return the linear trend over the second half, in units a minute."""
    half = values[len(values) // 2 :]
    return linear_regression([index * seconds_between / 60 for index in range(len(half))], half).slope
