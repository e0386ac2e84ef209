"""Exact Shapley values of a sum of trees, in which the columns are the players.

A leaf answers v to the rows in its region: those that satisfy the splits of each column on its path. Where column i is
known, the leaf's part is o = 1 or 0 (it does or does not), where it is not, the share z of the training rows that do
(S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, 2020). The Shapley value of a product is v (o - z) times the integral over t from 0 to 1 of the product
of z (1 - t) + o t over the other columns (G. Owen, "Multilinear extensions of games", Management Science 18, 1972): a
polynomial, for which Gauss and Legendre's sum of a few points is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from serve.explanation.file import Array, Regions

_NEWTON_STEPS = 6  # each doubles the digits of a root
_CHUNK = 2**14  # columns of leaves at a time: their numbers stay in the processor's cache

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Leaves:
    """Leaves [n] with equally many columns [width] on their paths, and the place of their first bound among all."""

    values: Array
    columns: Array
    shares: Array
    features: Array
    low: Array
    high: Array
    missing: Array
    starts: npt.NDArray[np.int64] | None

    def inside(self, row: Array) -> npt.NDArray[np.bool_]:
        """Return [n, width] whether the row's features [features] are within all bounds of a column."""
        values = row[self.features]
        within = ~((values <= self.low) | (values > self.high))
        within &= self.missing | ~np.isnan(values)
        if self.starts is not None:
            within = np.logical_and.reduceat(within, self.starts)
        return within.reshape(self.shares.shape)


class ShapleyValues:
    """The contributions of all columns to answers. Safe to use from several threads."""

    def __init__(self, regions: Regions, columns: int) -> None:
        """Take regions that fit together, of a model with so many columns."""
        self._columns = columns
        self._leaves = list(_grouped(regions))
        self._precision = regions.low.dtype
        self.base: Floats = regions.base
        outputs = len(regions.base)
        self.work = sum(leaves.shares.size * ((leaves.shares.shape[1] + 1) // 2 + outputs) for leaves in self._leaves)

    def of(self, rows: Array) -> Floats:
        """Return [n, columns, outputs] of rows of features, [n, features]."""
        rows = np.ascontiguousarray(rows, self._precision)
        return np.stack([self._of_row(row) for row in rows])

    def _of_row(self, row: Array) -> Floats:
        total = np.zeros((self._columns, len(self.base)))
        for leaves in self._leaves:
            parts = _shapley(leaves.inside(row), leaves.shares)
            columns = leaves.columns.ravel()
            for output, values in enumerate(leaves.values.T):
                total[:, output] += np.bincount(columns, (parts * values[:, None]).ravel(), self._columns)
        return total


def _shapley(inside: npt.NDArray[np.bool_], shares: Floats) -> Floats:
    """Return each column's part [n, width] in leaves that give 1."""
    integral = np.zeros(shares.shape)
    for point, weight in points((shares.shape[1] + 1) // 2):
        factors = shares * (1 - point)
        factors += inside * point
        integral += (weight * factors.prod(axis=1))[:, None] / factors
    parts: Floats = (inside - shares) * integral
    return parts


@cache
def points(count: int) -> list[tuple[float, float]]:
    """Return points and weights that integrate polynomials of degree 2 count - 1 over 0 to 1 exactly.

    The points are the roots of Legendre's polynomial, found by Newton's method. numpy's function for them would load
    linear algebra into every server.
    """
    roots = np.cos(np.pi * (np.arange(count, 0, -1) - 0.25) / (count + 0.5))
    for _ in range(_NEWTON_STEPS):
        before, value = np.zeros(count), np.ones(count)
        for degree in range(count):
            before, value = value, ((2 * degree + 1) * roots * value - degree * before) / (degree + 1)
        slope = count * (roots * value - before) / (roots**2 - 1)
        roots = roots - value / slope
    weights = 1 / ((1 - roots**2) * slope**2)
    return list(zip(((roots + 1) / 2).tolist(), weights.tolist(), strict=True))


def _grouped(regions: Regions) -> Iterator[_Leaves]:
    """Yield the leaves in groups of the same number of columns, not too many at a time."""
    slots = np.concatenate([[0], np.cumsum(regions.widths, dtype=np.int64)])
    bounds = np.concatenate([[0], np.cumsum(regions.parts, dtype=np.int64)])
    for first, last in _blocks(regions.widths):
        width = int(regions.widths[first])
        among = slice(slots[first], slots[last])
        within = slice(bounds[among.start], bounds[among.stop])
        starts = bounds[among] - within.start
        yield _Leaves(
            regions.values[first:last],
            regions.columns[among].reshape(-1, width),
            regions.shares[among].reshape(-1, width),
            regions.features[within],
            regions.low[within],
            regions.high[within],
            regions.missing[within],
            starts if len(starts) < within.stop - within.start else None,
        )


def _blocks(widths: Array) -> Iterator[tuple[int, int]]:
    """Yield the first leaf of each group, and the one after its last."""
    edges = [0, *(np.flatnonzero(np.diff(widths.astype(np.int64))) + 1).tolist(), len(widths)]
    for first, last in pairwise(edges):
        if first < last:
            step = max(1, _CHUNK // int(widths[first]))
            yield from ((begin, min(begin + step, last)) for begin in range(first, last, step))
