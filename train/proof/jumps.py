"""Rows on both sides of the jumps in a model's answers, found by bisection between neighbouring float32 numbers.

Whatever a model is made of, a threshold anywhere in it shows as a jump of its answers along some column. Two training
rows that differ in one column only are brought together, always keeping the half with the larger change of the answer,
until no float32 number is between them: the place where an export that rounds otherwise would be found out.
"""

import numpy as np
import numpy.typing as npt

from train.original import Answers, Original
from train.proof.probe import Probe
from train.schema import Rows

PAIRS = 1_500
BEYOND = 2  # more float32 numbers on either side of the jump

Numbers = npt.NDArray[np.int64]


def jumps(original: Original, rows: Rows, random: np.random.Generator) -> Probe:
    """Return the rows on and beside the jumps along columns of numbers; without such columns there are none."""
    columns = original.schema.numbers
    if not columns:
        return Probe("jumps", rows[:0])
    start = rows[random.integers(0, len(rows), PAIRS)].copy()
    chosen = random.choice(columns, PAIRS)
    ends = rows[random.integers(0, len(rows), (2, PAIRS)), chosen]
    whole = np.isfinite(ends).all(axis=0) & (ends[0] != ends[1])
    start, chosen, ends = start[whole], chosen[whole], ends[:, whole]
    if not len(start):
        return Probe("jumps", rows[:0])
    low, high = _bisect(original, start, chosen, _ordered(ends.min(axis=0)), _ordered(ends.max(axis=0)))
    places = np.concatenate([low + step for step in range(-BEYOND, 1)] + [high + step for step in range(BEYOND + 1)])
    placed = np.tile(start, (2 * (BEYOND + 1), 1))
    placed[np.arange(len(placed)), np.tile(chosen, 2 * (BEYOND + 1))] = _numbers(places)
    names = [original.schema.names[column] for column in chosen] * (2 * (BEYOND + 1))
    return Probe("jumps", placed, [f"beside a jump along {name}" for name in names])


def _bisect(original: Original, rows: Rows, columns: Numbers, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Bring the two ends of each row's column together until nothing is between them."""
    at_low, at_high = (_signature(original, _placed(rows, columns, end)) for end in (low, high))
    while (high - low > 1).any():
        middle = low + (high - low) // 2
        at_middle = _signature(original, _placed(rows, columns, middle))
        left = np.abs(at_middle - at_low).max(axis=1) >= np.abs(at_high - at_middle).max(axis=1)
        open_ = high - low > 1
        high, at_high = np.where(left & open_, middle, high), np.where((left & open_)[:, None], at_middle, at_high)
        low, at_low = np.where(~left & open_, middle, low), np.where((~left & open_)[:, None], at_middle, at_low)
    return low, high


def _signature(original: Original, rows: Rows) -> npt.NDArray[np.float64]:
    """Return the answers as numbers [n, k] whose change can be measured."""
    answers: Answers = original.answers(rows)
    if answers[1].shape[1]:
        return answers[1].astype(np.float64)
    if original.classifies:
        return np.asarray(answers[0][:, None] == original.classes[None, :], dtype=np.float64)
    return answers[0].astype(np.float64)[:, None]


def _placed(rows: Rows, columns: Numbers, places: Numbers) -> Rows:
    placed = rows.copy()
    placed[np.arange(len(rows)), columns] = _numbers(places)
    return placed


def _ordered(values: Rows) -> Numbers:
    """Return for each float32 its place in the order of all float32 numbers."""
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _numbers(places: Numbers) -> Rows:
    """Return the float32 number at each place."""
    bits = np.where(places < 0, (-places) | 0x80000000, places)
    return bits.astype(np.uint32).view(np.float32)
