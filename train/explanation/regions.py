"""The leaves of trees as regions: which values of each column lead to a leaf, and which share of the training rows.

A region holds for each column on a leaf's path the values that stay on it, as bounds on the features that come from the
column, and the share of the rows that stay on it where only this column is left open: the product of the shares that
went the leaf's way at the column's splits (S. Lundberg et al., "From local explanations to global understanding with
explainable AI for trees", Nature Machine Intelligence 2, 2020, the path-dependent form).
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from train.converters import floor_to_float32
from train.explanation.sums import Floats, TreeSum

MOST_BOUNDS = 1_500_000  # a row takes about 0.1 s, the file 32 MiB
MOST_VALUES = 2_000_000  # of leaves, for all classes: 16 MiB more
MOST_TERMS = 100_000_000  # of the sums for one row: about 0.5 s


class NotExplained(Exception):
    """The model's answers cannot be explained; the text says why, as a part of a sentence."""


Bounds = tuple[float, float, bool]  # above which values of a feature, up to which (NaN: any), missing ones or not
Region = dict[int, tuple[float, dict[int, Bounds]]]  # by column: the share of rows, and bounds by feature
_ANY: Bounds = (math.nan, math.nan, True)


@dataclass(frozen=True)
class Regions:
    """All leaves that have splits before them, those with the fewest columns first.

    `base` [outputs] is the mean answer, `values` [leaves, outputs] what the leaves give, `widths` [leaves] how many
    columns each has. `columns`, `shares` and `parts` (how many bounds) [columns of all leaves] follow one another leaf
    by leaf, and `features`, `low`, `high` and `missing` [bounds of all of them] column by column.
    """

    base: Floats
    values: Floats
    widths: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    shares: Floats
    parts: npt.NDArray[np.int64]
    features: npt.NDArray[np.int64]
    low: npt.NDArray[np.floating[Any]]
    high: npt.NDArray[np.floating[Any]]
    missing: npt.NDArray[np.bool_]


def regions_of(sums: TreeSum, column_of: npt.NDArray[np.int64]) -> Regions:
    """Return the regions of all leaves; `column_of` [features] is where each feature comes from.

    Raises:
        NotExplained: there are too many of them, or a branch that no training row took.

    """
    if sums.values.size > MOST_VALUES:
        raise NotExplained(f"the leaves of its trees have more than {MOST_VALUES:,} numbers in all")
    found = _Leaves()
    for leaf, region in _walk(sums, column_of):
        found.add(leaf, region)
        if len(found.features) > MOST_BOUNDS:
            raise NotExplained(f"its trees have more than {MOST_BOUNDS:,} bounds in all")
    return found.regions(sums)


class _Leaves:
    """Regions in the order of the walk, all of the same kind in one array."""

    def __init__(self) -> None:
        self.leaves, self.widths, self.columns, self.parts, self.features = (array("q") for _ in range(5))
        self.weights, self.shares, self.low, self.high = (array("d") for _ in range(4))
        self.missing = array("b")

    def add(self, leaf: int, region: Region) -> None:
        """Take a leaf and its region."""
        self.leaves.append(leaf)
        self.widths.append(len(region))
        self.weights.append(math.prod(share for share, _ in region.values()))
        for column in sorted(region):
            share, bounds = region[column]
            self.columns.append(column)
            self.shares.append(share)
            self.parts.append(len(bounds))
            for feature in sorted(bounds):
                low, high, missing = bounds[feature]
                self.features.append(feature)
                self.low.append(low)
                self.high.append(high)
                self.missing.append(missing)

    def regions(self, sums: TreeSum) -> Regions:
        """Return all of them, those of the fewest columns first; leaves without any are in the base alone."""
        leaves, widths, columns, parts, features = (
            np.array(each, dtype=np.int64)
            for each in (self.leaves, self.widths, self.columns, self.parts, self.features)
        )
        if (terms := int((widths * (widths + 1) // 2).sum())) > MOST_TERMS:
            raise NotExplained(f"a row would take {terms:,} terms, more than {MOST_TERMS:,}")
        values, precision = sums.values[leaves], np.float64 if sums.double else np.float32
        by_leaf = np.argsort(widths, kind="stable")[np.count_nonzero(widths == 0) :]
        of_slots = np.repeat(widths, widths)
        by_slot, by_bound = (np.argsort(each, kind="stable") for each in (of_slots, np.repeat(of_slots, parts)))
        return Regions(
            base=sums.offset + (np.array(self.weights)[:, None] * values).sum(axis=0),
            values=values[by_leaf],
            widths=widths[by_leaf],
            columns=columns[by_slot],
            shares=np.array(self.shares)[by_slot],
            parts=parts[by_slot],
            features=features[by_bound],
            low=np.array(self.low)[by_bound].astype(precision),
            high=np.array(self.high)[by_bound].astype(precision),
            missing=np.array(self.missing)[by_bound].astype(bool),
        )


def _walk(sums: TreeSum, column_of: npt.NDArray[np.int64]) -> Iterator[tuple[int, Region]]:
    """Yield the number of each leaf, and its region."""
    trees, nodes = sums.trees, sums.trees.nodes
    roots = np.flatnonzero(trees.numbers == 0)
    first = np.repeat(roots, np.diff([*roots, len(trees.numbers)]))
    leaf, missing_left = trees.leaf.tolist(), np.asarray(nodes.missing_left).astype(bool).tolist()
    left, right = ((first + np.asarray(each).astype(np.int64)).tolist() for each in (nodes.left, nodes.right))
    features = np.asarray(nodes.features).astype(np.int64).tolist()
    thresholds = (nodes.thresholds if sums.double else floor_to_float32(nodes.thresholds)).astype(float).tolist()
    covers, columns = sums.covers.tolist(), column_of.tolist()
    numbers = (np.cumsum(trees.leaf) - 1).tolist()
    waiting: list[tuple[int, Region]] = [(root, {}) for root in reversed(roots.tolist())]
    while waiting:
        node, region = waiting.pop()
        if leaf[node]:
            yield numbers[node], region
            continue
        feature, threshold, goes_left = features[node], thresholds[node], missing_left[node]
        for child, lower in ((right[node], False), (left[node], True)):
            if not covers[child] > 0:
                raise NotExplained("no training row went one of the ways in its trees")
            share = covers[child] / covers[node]
            limit = _Limit(columns[feature], feature, threshold, lower, goes_left == lower)
            waiting.append((child, _narrowed(region, limit, share)))


class _Limit(NamedTuple):
    """A split as one of its sides sees it: `lower` is that up to the threshold."""

    column: int
    feature: int
    threshold: float
    lower: bool
    missing: bool


def _narrowed(region: Region, limit: _Limit, share: float) -> Region:
    """Return a region with one split more; what is beyond an older bound of the same side changes nothing."""
    before, bounds = region.get(limit.column, (1.0, {}))
    low, high, missing = bounds.get(limit.feature, _ANY)
    if limit.lower:
        high = limit.threshold if math.isnan(high) else min(high, limit.threshold)
    else:
        low = limit.threshold if math.isnan(low) else max(low, limit.threshold)
    narrowed = bounds | {limit.feature: (low, high, missing and limit.missing)}
    return region | {limit.column: (before * share, narrowed)}
