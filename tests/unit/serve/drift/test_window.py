"""The window: the last rows, however they came, in memory that does not grow."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.drift.window import WINDOW, Window
from serve.onnx_runtime import Answers, MixedRows, Rows

COLUMNS = 30

untimed = settings(deadline=None, max_examples=60)


def numbered(first: int, count: int) -> tuple[Rows, Answers]:
    """Return rows with their number in each column, and as their label."""
    labels = np.arange(first, first + count)
    rows = np.repeat(labels.astype(np.float32).reshape(-1, 1), COLUMNS, axis=1)
    return rows, (labels, np.empty((count, 0), np.float32))


@untimed
@given(st.lists(st.integers(1, WINDOW) | st.integers(1, 3), max_size=60))
def test_it_holds_the_last_rows_however_they_are_cut_into_requests(sizes: list[int]) -> None:
    window = Window()
    for place, size in enumerate(sizes):
        window.add(*numbered(sum(sizes[:place]), size))
    wanted = list(range(sum(sizes)))[-WINDOW:]

    assert window.labels() == wanted
    assert window.numbers().tolist() == [[number] * COLUMNS for number in wanted] or not wanted
    assert (len(window), window.seen, window.texts()) == (len(wanted), sum(sizes), [])


def test_none_of_them_is_forgotten_when_older_rows_are() -> None:
    window = Window()
    for number in range(4 * WINDOW):
        window.add(*numbered(number, 1))
        assert len(window.labels()) == len(window) == min(number + 1, WINDOW)


@untimed
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_texts_stay_with_their_rows(sizes: list[int]) -> None:
    window, first = Window(), 0
    for size in sizes:
        rows, answers = numbered(first, size)
        texts = np.array([[f"row {number}", "always"] for number in range(first, first + size)], dtype=np.object_)
        window.add(MixedRows(rows[:, :1], texts), answers)
        first += size

    assert window.texts() == [[f"row {number}", "always"] for number in window.labels()]
    assert window.numbers()[:, 0].tolist() == window.labels()


@pytest.mark.parametrize("count", [WINDOW + 1, 10_000])
def test_of_more_rows_at_once_it_holds_an_even_sample(count: int) -> None:
    window = Window()
    window.add(*numbered(0, count))
    labels = window.labels()

    assert len(labels) == len(set(labels)) == WINDOW
    steps = {int(step) for step in np.diff(labels)}
    assert max(steps) - min(steps) <= 1
    assert count - labels[-1] <= max(steps) + 1  # type: ignore[operator]  # a number
    assert window.numbers()[:, 0].tolist() == labels


def test_an_array_is_not_kept_since_it_may_hold_a_whole_body_in_memory() -> None:
    window, body = Window(), np.zeros(COLUMNS, np.float32)
    window.add(body.reshape(1, -1), (np.array([0]), np.empty((1, 0), np.float32)))
    body[:] = 1

    assert window.numbers().tolist() == [[0.0] * COLUMNS]


def highest(window: Window, rows: Rows, answers: Answers, total: int) -> int:
    """Return the most bytes that were held while so many rows came."""
    tracemalloc.reset_peak()
    for _ in range(total // len(rows)):
        window.add(rows, answers)
    return tracemalloc.get_traced_memory()[1]


@pytest.mark.parametrize(("size", "total"), [(1, 50_000), (100, 10_000_000), (10_000, 10_000_000)])
def test_memory_is_flat_over_ten_million_rows(size: int, total: int) -> None:
    window, (rows, answers) = Window(), numbered(0, size)
    tracemalloc.start()
    try:
        at_first = highest(window, rows, answers, 10 * max(WINDOW, size))
        later = highest(window, rows, answers, total)
    finally:
        tracemalloc.stop()

    assert window.seen > min(total, WINDOW * total // size) * 0.99
    assert later < 1.1 * at_first
    assert later < 500_000
