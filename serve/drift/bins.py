"""Into which bins the values of a column are counted, and how many rows of the training were in each."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model_repository import Column, Manifest
from serve.drift.window import Label
from serve.onnx_runtime import Rows

MOST_BINS = 8  # of numbers in the range of the training: each but the last holds at least an 8th of its rows
MOST_TEXTS = 10  # that have a bin of their own
MISSING, OUTSIDE, FIRST = 0, 1, 2  # the codes of a missing value, and of a number below the range or an unknown text


@dataclass(frozen=True)
class Bins:
    """Bins in the order of their codes, with the rows that training had in each; one that is None cannot occur.

    Numbers are coded by how many `boundaries` are not above them, texts and classes by `codes`. Whatever is in none of
    the bins from FIRST to `last` is out of range or unknown.
    """

    name: str
    training: list[int | None]
    boundaries: list[float] = field(default_factory=list)
    codes: dict[Label, int] = field(default_factory=dict)
    texts: bool = False

    @property
    def last(self) -> int:
        """Return the code of the last bin that is in the range of the training."""
        return len(self.training) - (1 if self.texts else 2)

    def code(self, values: Sequence[Label]) -> list[int]:
        """Return the codes of texts or classes, or of numbers, none of them missing."""
        if self.boundaries:
            return [OUTSIDE + bisect_right(self.boundaries, value) for value in values if not isinstance(value, str)]
        return [self.codes.get(value, OUTSIDE) for value in values]


def side_by_side(boundaries: list[list[float]]) -> Rows:
    """Return boundaries [most boundaries, columns]; a column with fewer has infinities, which no number reaches.

    Each is rounded up to float32: as many float32 numbers are below it as before.
    """
    filled = np.full((max(map(len, boundaries), default=0), len(boundaries)), np.inf)
    for place, each in enumerate(boundaries):
        filled[: len(each), place] = each
    rounded = filled.astype(np.float32)
    with np.errstate(over="ignore"):  # above the largest number is infinity
        return np.where(rounded < filled, np.nextafter(rounded, np.float32(np.inf)), rounded)


def count_numbers(values: Rows, boundaries: Rows) -> npt.NDArray[np.int64]:
    """Return how many numbers [rows, columns] have each code, [columns, codes], by boundaries [most, columns]."""
    there = len(values) - np.isnan(values).sum(axis=0)
    counts = np.zeros((len(boundaries) + 2, values.shape[1]), dtype=np.int64)
    counts[MISSING], counts[OUTSIDE] = len(values) - there, there
    for code, boundary in enumerate(boundaries, FIRST):
        counts[code] = (values >= boundary).sum(axis=0, dtype=np.int16)
    counts[OUTSIDE:-1] -= counts[FIRST:]
    return counts.T


def column_bins(manifest: Manifest) -> list[Bins]:
    """Return the bins of each column, in their order."""
    data = manifest.dataset
    rows = (data.rows - data.held_out) or data.rows  # an imported model's sample is both at once
    return [_of_texts(column) if column.type == "string" else _of_numbers(column, rows) for column in manifest.columns]


def _of_numbers(column: Column, rows: int) -> Bins:
    """Merge adjacent bins of the training's histogram until they hold about the same number of rows."""
    counts, edges = column.histogram.counts, column.histogram.edges
    missing = max(0, rows - sum(counts)) if column.missing else None
    if column.minimum is None or column.maximum is None or not counts:
        return Bins(column.name, [missing, None, None, 0], [-np.inf, -np.inf])  # training saw no number
    merged, ends = merge(counts)
    inner = [edges[end] for end in ends[:-1]]
    above = float(np.nextafter(column.maximum, np.inf))
    return Bins(column.name, [missing, 0, *merged, 0], [column.minimum, *inner, above])


def merge(counts: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the counts of merged bins, and where each ends among those given."""
    merged, ends, held, total = [], [], 0, sum(counts)
    for place, count in enumerate(counts, 1):
        held += count
        if held and held * MOST_BINS >= total:
            merged.append(held)
            ends.append(place)
            held = 0
    if held or not merged:
        merged.append(held)
    ends = [*ends[: len(merged) - 1], len(counts)]
    return merged, ends


def _of_texts(column: Column) -> Bins:
    """Give each of the most frequent texts a bin, and all others one together."""
    ordered = sorted((each for each in column.categories if each.text), key=lambda each: -each.rows)
    codes: dict[Label, int] = {each.text: FIRST + min(place, MOST_TEXTS) for place, each in enumerate(ordered)}
    counts = [each.rows for each in ordered[:MOST_TEXTS]]
    if len(ordered) > MOST_TEXTS:
        counts.append(sum(each.rows for each in ordered[MOST_TEXTS:]))
    missing = sum(each.rows for each in column.categories if not each.text) if column.missing else None
    unknown = 0 if column.unknown else None
    return Bins(column.name, [missing, unknown, *counts], codes={"": MISSING, **codes}, texts=True)


def prediction_bins(manifest: Manifest) -> Bins | None:
    """Return the bins of the model's own answers to held-out rows, or None where these are not known."""
    target, known = manifest.target, manifest.evaluation
    if target.classes:
        counts = [sum(column) for column in zip(*known.confusion, strict=True)]
        codes: dict[Label, int] = {label: FIRST + place for place, label in enumerate(target.classes)}
        return Bins(target.name, [None, None, *counts], codes=codes, texts=True) if sum(counts) else None
    if not known.predictions:
        return None
    predicted = np.array([prediction for _, prediction in known.predictions], dtype=np.float32).astype(np.float64)
    boundaries = np.unique(np.quantile(predicted, np.arange(1, MOST_BINS) / MOST_BINS))
    counts = np.bincount(np.searchsorted(boundaries, predicted, side="right"), minlength=len(boundaries) + 1).tolist()
    return Bins(target.name, [None, *counts], boundaries.tolist())
