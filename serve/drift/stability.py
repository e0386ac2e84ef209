"""The population stability index: how far the shares of bins are from those of the training, beyond chance.

The index is the sum over all bins of (live - training) * ln(live / training). It is above 0 by chance alone: of n live
and m training rows in b bins it is about (1/n + 1/m) times a chi-squared number with b - 1 degrees of freedom
(B. Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University, 2018). What chance
exceeds in one case of twenty only is subtracted.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from serve.drift.window import WINDOW

STEADY, SHIFTED = 0.1, 0.25  # below the one nothing has changed, above the other it has for certain
ALWAYS_TRAINING = 5  # rows' worth of the training's shares in any window, so that an empty bin has a share
MOST_REPEATED = 10  # a row that is repeated counts as chance as if it were repeated so often at most
ONE_IN_TWENTY = 1.645  # standard deviations of a normal distribution

Shares = npt.NDArray[np.float64]


def training_shares(counts: Shares) -> Shares:
    """Return shares [columns, bins] of counts, in each bin one more row than training saw; NaN (no bin) has none."""
    more = counts + 1
    shares: Shares = np.nan_to_num(more / np.nansum(more, axis=1, keepdims=True))
    return shares


def filled_up(counts: Shares, training: Shares, rows: int) -> Shares:
    """Return shares [columns, bins] of the counts of so many rows, where a window that is not full holds training."""
    filled: Shares = (counts + (WINDOW - rows + ALWAYS_TRAINING) * training) / (WINDOW + ALWAYS_TRAINING)
    return filled


def stability(live: Shares, training: Shares) -> Shares:
    """Return the population stability index [columns] between shares [columns, bins]; a bin may be in neither."""
    there = (live > 0) & (training > 0)
    ratios = np.where(there, live, 1.0) / np.where(there, training, 1.0)
    index: Shares = ((live - training) * np.log(ratios)).sum(axis=1)
    return index


def by_chance(bins: Shares, rows: int, distinct: float, training_rows: Shares) -> Shares:
    """Return up to which index [columns] chance alone leads, of `bins` [columns] each."""
    freedom = np.maximum(bins - 1, 0)
    quantile = freedom + ONE_IN_TWENTY * np.sqrt(2 * freedom)
    part = rows / (WINDOW + ALWAYS_TRAINING)
    index: Shares = quantile * part**2 * (1 / distinct + 1 / np.maximum(training_rows, 1))
    return index


def effectively_distinct(rows: Iterable[object]) -> float:
    """Return how many different rows would vary as much by chance as these, of which some may be repeated."""
    times = [*Counter(rows).values()]
    count = sum(times)
    return max(count**2 / sum(each**2 for each in times), count / MOST_REPEATED)
