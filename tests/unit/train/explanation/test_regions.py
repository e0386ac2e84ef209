"""The regions of trees that are written by hand."""

from typing import Any

import numpy as np
import pytest

from train.converters.trees import Nodes, together
from train.explanation.regions import NotExplained, regions_of
from train.explanation.sums import TreeSum
from train.explanation.totals import totals


def by_hand(covers: list[float], second: float, **changed: Any) -> TreeSum:
    """Return a tree: 1 up to 3; above, 2 up to another threshold of the same feature, and 4 above that."""
    leaf = np.array([False, True, False, True, True])
    nodes = Nodes(
        leaf,
        np.array([1, -1, 3, -1, -1]),
        np.array([2, -1, 4, -1, -1]),
        np.zeros(5, np.int64),
        np.array([3.0, 0, second, 0, 0]),
        np.array([1, 0, 0, 0, 0]),
    )
    values = np.array([[1.0], [2.0], [4.0]])
    parts: dict[str, Any] = {"scale": "prediction", "double": True} | changed
    return TreeSum(together([nodes]), np.array(covers), values, np.array([0.5]), **parts)


def test_a_region_is_what_all_splits_of_a_column_leave() -> None:
    found = regions_of(by_hand([8, 4, 4, 1, 3], 5.0), np.zeros(1, np.int64))

    assert found.widths.tolist() == found.parts.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(found.low, [np.nan, 3, 5])
    np.testing.assert_array_equal(found.high, [3, 5, np.nan])
    assert found.missing.tolist() == [True, False, False]
    assert found.shares.tolist() == [0.5, 0.125, 0.375]
    assert found.base.tolist() == [0.5 + 0.5 + 0.25 + 1.5]
    rows = np.array([[2.0], [3.0], [4.0], [6.0], [np.nan]])
    assert totals(found, rows).ravel().tolist() == [1.5, 1.5, 2.5, 4.5, 1.5]


def test_a_split_beyond_an_older_one_leaves_nothing_on_one_side() -> None:
    found = regions_of(by_hand([8, 4, 4, 1, 3], 2.0), np.zeros(1, np.int64))

    np.testing.assert_array_equal(found.low, [np.nan, 3, 3])
    assert totals(found, np.array([[2.5], [3.5]])).ravel().tolist() == [1.5, 4.5]


def test_thresholds_compared_as_float32_are_rounded_down_as_in_the_export() -> None:
    found = regions_of(by_hand([8, 4, 4, 1, 3], 3.00000001, double=False), np.zeros(1, np.int64))

    assert found.low.dtype == np.float32
    np.testing.assert_array_equal(found.high, np.array([3, 3, np.nan], np.float32))


def test_a_branch_that_no_training_row_took_is_not_explained() -> None:
    with pytest.raises(NotExplained, match="no training row went one of the ways in its trees"):
        regions_of(by_hand([4, 4, 0, 0, 0], 5.0), np.zeros(1, np.int64))


@pytest.mark.parametrize(
    ("bound", "what"), [("MOST_BOUNDS", "bounds"), ("MOST_VALUES", "numbers"), ("MOST_TERMS", "terms")]
)
def test_what_is_too_large_is_not_explained(monkeypatch: pytest.MonkeyPatch, bound: str, what: str) -> None:
    monkeypatch.setattr(f"train.explanation.regions.{bound}", 2)
    with pytest.raises(NotExplained, match=what):
        regions_of(by_hand([8, 4, 4, 1, 3], 5.0), np.zeros(1, np.int64))
