"""What regions add up to for a row, without the columns' parts in it: the leaves that the row is in."""

from typing import Any

import numpy as np
import numpy.typing as npt

from train.explanation.regions import Regions
from train.explanation.sums import Floats


def totals(regions: Regions, features: npt.NDArray[Any]) -> Floats:
    """Return [n, outputs] for features [n, features]: base, and all contributions to the row's answer."""
    if not len(regions.values):
        return np.repeat(regions.base[None, :], len(features), axis=0)
    first_slots = np.cumsum(regions.widths) - regions.widths
    first_bounds = (np.cumsum(regions.parts) - regions.parts)[first_slots]
    weights = np.multiply.reduceat(regions.shares, first_slots)
    elsewhere = regions.base - (weights[:, None] * regions.values).sum(axis=0)
    found = []
    for row in features.astype(regions.low.dtype):
        values = row[regions.features]
        within = ~((values <= regions.low) | (values > regions.high)) & (regions.missing | ~np.isnan(values))
        found.append(elsewhere + regions.values[np.logical_and.reduceat(within, first_bounds)].sum(axis=0))
    return np.array(found)
