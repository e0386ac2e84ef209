"""Whether what a version is asked still looks as its training did: counted over the last rows when somebody asks."""

from dataclasses import dataclass

import numpy as np

from model_repository import Manifest
from serve.drift.bins import MISSING, OUTSIDE, Bins, column_bins, count_numbers, prediction_bins, side_by_side
from serve.drift.stability import (
    Shares,
    by_chance,
    effectively_distinct,
    filled_up,
    stability,
    training_shares,
)
from serve.drift.window import Window


@dataclass(frozen=True)
class Compared:
    """The last rows beside the training, in the bins of a column or of the predictions.

    Shares are of all rows, one a bin; `index` is the population stability index beyond chance.
    """

    bins: Bins
    training: list[float]
    live: list[float]
    index: float

    @property
    def missing(self) -> float:
        """Return the share of rows in which the value is missing."""
        return self.live[MISSING]

    @property
    def unseen(self) -> float:
        """Return the share of rows whose number is out of the range of the training, or whose text is unknown."""
        return self.live[OUTSIDE] + sum(self.live[self.bins.last + 1 :])


@dataclass(frozen=True)
class Drift:
    """What is known of so many last rows: each column, and the predictions where their reference is known."""

    rows: int
    columns: list[Compared]
    prediction: Compared | None

    def most_drifted(self, most: int) -> list[Compared]:
        """Return at most so many columns, in their order where these are all, else with the highest index first."""
        if len(self.columns) <= most:
            return self.columns
        return sorted(self.columns, key=lambda each: -each.index)[:most]


class Monitor:
    """The last rows of one version. To be used on one thread only."""

    def __init__(self, manifest: Manifest) -> None:
        self.window = Window()
        self._manifest = manifest
        self._reference: Reference | None = None
        self._known: tuple[int, Drift] | None = None

    def drift(self) -> Drift:
        """Count the rows of the window, unless no other row came since that was done."""
        if self._known is None or self._known[0] != self.window.seen:
            self._reference = self._reference or Reference(self._manifest)
            self._known = self.window.seen, self._reference.compare(self.window)
        return self._known[1]


class Reference:
    """The bins of all columns and of the predictions, the latter last, side by side in arrays [columns, most bins]."""

    def __init__(self, manifest: Manifest) -> None:
        self._bins, self._prediction = column_bins(manifest), prediction_bins(manifest)
        self._all = [*self._bins, self._prediction] if self._prediction else self._bins
        self._most = max(len(each.training) for each in self._all)
        counts = np.full((len(self._all), self._most), np.nan)
        for row, each in zip(counts, self._all, strict=True):
            row[: len(each.training)] = each.training  # None becomes NaN
        self._training, self._training_rows = training_shares(counts), np.nansum(counts, axis=1)
        self._sizes = (~np.isnan(counts)).sum(axis=1)
        self._numbers = [place for place, each in enumerate(self._bins) if not each.texts]
        self._texts = [place for place, each in enumerate(self._bins) if each.texts]
        self._boundaries = side_by_side([self._bins[place].boundaries for place in self._numbers])

    def compare(self, window: Window) -> Drift:
        """Compare the rows of a window with the training."""
        rows = len(window)
        counts = self._counts(window) if rows else np.zeros(self._training.shape)
        live = filled_up(counts, self._training, rows)
        distinct = effectively_distinct(_keys(window)) if rows else 1.0
        index = stability(live, self._training)
        index -= by_chance(self._sizes, rows, distinct, self._training_rows)
        shares = (counts / max(rows, 1)).tolist()
        compared = [
            Compared(bins, training[: len(bins.training)], share[: len(bins.training)], max(0.0, value))
            for bins, training, share, value in zip(
                self._all, self._training.tolist(), shares, index.tolist(), strict=True
            )
        ]
        return Drift(rows, compared[: len(self._bins)], compared[-1] if self._prediction else None)

    def _counts(self, window: Window) -> Shares:
        """Return how many rows are in each bin."""
        counts = np.zeros(self._training.shape)
        counted = count_numbers(window.numbers(), self._boundaries)
        counts[self._numbers, : counted.shape[1]] = counted
        for place, texts in zip(self._texts, zip(*window.texts(), strict=True), strict=True):
            counts[place] = np.bincount(self._bins[place].code(texts), minlength=self._most)
        if self._prediction:
            counts[-1] = np.bincount(self._prediction.code(window.labels()), minlength=self._most)
        return counts


def _keys(window: Window) -> list[object]:
    """Return what equals for two rows only if all their values do."""
    numbers, texts = [row.tobytes() for row in window.numbers()], window.texts()
    return list(zip(numbers, map(tuple, texts), strict=True)) if texts else list(numbers)
