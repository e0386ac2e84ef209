"""The leaves of trees as regions: which values of each column lead to a leaf, and which share of the training rows.

A region holds for each column on a leaf's path the values that stay on it, as bounds on the features that come from the
column, and the share of the rows that stay on it where only this column is left open: the product of the shares that
went the leaf's way at the column's splits (S. Lundberg et al., "From local explanations to global understanding with
explainable AI for trees", Nature Machine Intelligence 2, 2020, the path-dependent form).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from train.converters import floor_to_float32
from train.explanation.sums import Floats, TreeSum

MOST_BOUNDS = 1_500_000  # a row takes about 0.2 s, the file 32 MiB


class NotExplained(Exception):
    """The model's answers cannot be explained; the text says why, as a part of a sentence."""


class Bounds(NamedTuple):
    """The values of a feature that lead to a leaf: above `low`, up to `high` (NaN: no bound), missing or not."""

    low: float = np.nan
    high: float = np.nan
    missing: bool = True


Region = dict[int, tuple[float, dict[int, Bounds]]]  # by column: the share of rows, and bounds by feature


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
    found, leaves, seen = [], [], 0
    for leaf, region in _walk(sums, column_of):
        found.append(region)
        leaves.append(leaf)
        seen += sum(len(bounds) for _, bounds in region.values())
        if seen > MOST_BOUNDS:
            raise NotExplained(f"its trees have more than {MOST_BOUNDS:,} bounds in all")
    weights = np.array([np.prod([share for share, _ in region.values()]) for region in found])
    base = sums.offset + (weights[:, None] * sums.values[leaves]).sum(axis=0)
    order = [index for index in np.argsort([len(region) for region in found], kind="stable") if found[index]]
    return _flat(base, sums.values[leaves][order], [found[index] for index in order], double=sums.double)


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
            limit = _Limit(columns[feature], feature, threshold, lower, missing=goes_left == lower)
            waiting.append((child, _narrowed(region, limit, share)))


class _Limit(NamedTuple):
    column: int
    feature: int
    threshold: float
    lower: bool
    missing: bool


def _narrowed(region: Region, limit: _Limit, share: float) -> Region:
    """Return a region with one split more; what is beyond an older bound of the same side changes nothing."""
    before, bounds = region.get(limit.column, (1.0, {}))
    low, high, missing = bounds.get(limit.feature, Bounds())
    if limit.lower:
        high = limit.threshold if np.isnan(high) else min(high, limit.threshold)
    else:
        low = limit.threshold if np.isnan(low) else max(low, limit.threshold)
    narrowed = bounds | {limit.feature: Bounds(low, high, missing and limit.missing)}
    return region | {limit.column: (before * share, narrowed)}


def _flat(base: Floats, values: Floats, found: list[Region], *, double: bool) -> Regions:
    slots = [(column, *region[column]) for region in found for column in sorted(region)]
    bounds = [(feature, *each[feature]) for _, _, each in slots for feature in sorted(each)]
    precision = np.float64 if double else np.float32
    return Regions(
        base=base,
        values=values,
        widths=np.array([len(region) for region in found], dtype=np.int64),
        columns=np.array([column for column, _, _ in slots], dtype=np.int64),
        shares=np.array([share for _, share, _ in slots], dtype=np.float64),
        parts=np.array([len(each) for _, _, each in slots], dtype=np.int64),
        features=np.array([feature for feature, _, _, _ in bounds], dtype=np.int64),
        low=np.array([low for _, low, _, _ in bounds], dtype=precision),
        high=np.array([high for _, _, high, _ in bounds], dtype=precision),
        missing=np.array([missing for _, _, _, missing in bounds], dtype=bool),
    )
