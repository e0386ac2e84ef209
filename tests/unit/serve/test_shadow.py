"""A candidate's answers beside those of the version that serves."""

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_repository import PublishedVersion
from serve import shadow as shadowing
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Rows
from serve.shadow import BLOCK_ROWS, DIFFERENCES, MOST_ROWS, Comparison, Shadow, check_comparable
from tests.servers import eventually


class Stub:
    """Stands for a model whose time and failures the test decides; a real one would be over too fast to be caught."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def predict(self, rows: Rows) -> Answers:
        self.may_go_on.wait(20)
        if np.isnan(rows).any():
            raise RuntimeError
        return np.zeros(len(rows), np.int64), np.tile(np.array([[1, 0]], np.float32), (len(rows), 1))


LIVE = cast("LoadedModel", Stub())


@contextmanager
def shadowed(candidate: object, share: float = 1.0) -> Iterator[Shadow]:
    made = Shadow(LIVE, cast("LoadedModel", candidate), share)
    yield made
    made.close()


def answers(rows: int, label: int, probability: float) -> Answers:
    probabilities = np.tile(np.array([[1 - probability, probability]], np.float32), (rows, 1))
    return np.full(rows, label, np.int64), probabilities


def offer(made: Shadow, rows: int, label: int = 0, probability: float = 0.0) -> None:
    made.offer(LIVE, np.zeros((rows, 1), np.float32), answers(rows, label, probability))


def counted(made: Shadow, rows: int) -> Comparison:
    eventually(lambda: made.comparison.rows == rows, lambda: f"{made.comparison}")
    return made.comparison


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)
)
def test_a_comparison_equals_one_made_row_by_row(pairs: list[tuple[int, int, float, float]]) -> None:
    live = np.array([[1 - p, p] for _, _, p, _ in pairs], np.float32)
    other = np.array([[1 - p, p] for _, _, _, p in pairs], np.float32)
    differences = [
        max(abs(float(a) - float(b)) for a, b in zip(x, y, strict=True)) for x, y in zip(live, other, strict=True)
    ]
    comparison = Comparison()

    comparison.add((np.array([a for a, *_ in pairs]), live), (np.array([b for _, b, *_ in pairs]), other))

    assert comparison.rows == len(pairs)
    assert comparison.disagreements == sum(a != b for a, b, *_ in pairs)
    assert comparison.largest_difference == pytest.approx(max(differences))
    assert comparison.mean_difference == pytest.approx(sum(differences) / len(pairs))
    for bound, index in zip(DIFFERENCES, range(1, len(DIFFERENCES) + 1), strict=True):
        assert sum(comparison.buckets[:index]) == sum(difference <= bound for difference in differences)


def test_rows_are_compared_in_blocks_and_all_of_them() -> None:
    candidate = Stub()
    candidate.may_go_on.set()
    with shadowed(candidate) as made:
        offer(made, 3 * BLOCK_ROWS + 1, label=1, probability=0.25)

        comparison = counted(made, 3 * BLOCK_ROWS + 1)
        assert comparison.disagreements == comparison.rows
        assert comparison.largest_difference == comparison.mean_difference == 0.25


def test_a_candidate_that_is_slow_loses_rows_and_keeps_nobody_waiting() -> None:
    candidate = Stub()
    with shadowed(candidate) as made:
        for _ in range(3):
            offer(made, MOST_ROWS // 2)
        offer(made, 1)
        assert made.comparison.dropped_rows == MOST_ROWS // 2 + 1

        candidate.may_go_on.set()
        counted(made, MOST_ROWS)
        eventually(lambda: made._taken == MOST_ROWS, lambda: "not taken")
        offer(made, MOST_ROWS)
        counted(made, 2 * MOST_ROWS)


def test_a_candidate_that_fails_is_counted_and_asked_again() -> None:
    candidate = Stub()
    candidate.may_go_on.set()
    with shadowed(candidate) as made:
        made.offer(LIVE, np.full((1, 1), np.nan, np.float32), answers(1, 0, 0.0))
        offer(made, 1)

        assert counted(made, 1).errors == 1


def test_about_its_share_of_the_requests_is_compared() -> None:
    candidate = Stub()
    candidate.may_go_on.set()
    with shadowed(candidate, share=0.25) as made:
        for _ in range(4_000):
            offer(made, 1)
        eventually(lambda: made._taken == made._offered, lambda: "not taken")

        assert 850 < made.comparison.rows < 1_150
    with shadowed(candidate, share=0.0) as made:
        offer(made, 1)
        assert made._offered == 0


def test_what_an_older_version_answered_is_not_compared() -> None:
    with shadowed(Stub()) as made:
        made.offer(cast("LoadedModel", Stub()), np.zeros((1, 1), np.float32), answers(1, 0, 0.0))

        assert made._offered == 0


def test_a_candidate_that_was_dropped_leaves_nothing_in_memory() -> None:
    candidate = Stub()
    candidate.may_go_on.set()
    gone = weakref.ref(candidate)
    with shadowed(candidate) as made:
        offer(made, 1)
        counted(made, 1)
    del made, candidate

    def collected() -> bool:
        gc.collect()
        return gone() is None

    eventually(collected, lambda: "the candidate is still in memory")
    assert not [thread for thread in threading.enumerate() if thread.name == shadowing.THREAD]


def test_only_versions_of_the_same_columns_and_classes_are_compared(published: PublishedVersion) -> None:
    live, candidate = LoadedModel(published), LoadedModel(published)

    assert check_comparable(candidate, live) is None
    candidate.classes = [1, 0]
    assert check_comparable(candidate, live) == "its classes are not those of the current version"
    candidate.may_be_missing = dict.fromkeys(candidate.columns, True)
    assert "values may be missing in other columns" in str(check_comparable(candidate, live))
    candidate.columns = candidate.columns[::-1]
    assert check_comparable(candidate, live) == "its columns are not those of the current version"
