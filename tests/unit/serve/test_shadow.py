"""A candidate's answers beside those of the version that serves."""

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_repository import Category, Column, Golden, Target
from serve import shadow as shadowing
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.shadow import BLOCK_ROWS, DIFFERENCES, MOST_ROWS, Comparison, Shadow, check_comparable
from tests import factories
from tests.mixed_models import ROWS, Kind, columns, version
from tests.servers import eventually

GOLDEN = factories.manifest().golden


class Stub:
    """Stands for a model whose time and failures the test decides; a real one would be over too fast to be caught."""

    manifest = factories.manifest()

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def predict(self, rows: Inputs) -> Answers:
        self.may_go_on.wait(20)
        assert isinstance(rows, np.ndarray)
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
    comparison = Comparison(GOLDEN)

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


def predictions(*values: float) -> Answers:
    return np.array(values, dtype=np.float32), np.empty((len(values), 0), np.float32)


def test_predictions_differ_in_the_unit_of_the_target_and_disagree_beyond_the_golden_tolerance() -> None:
    comparison = Comparison(Golden([[1.0]], [1.0], [[]], tolerance=0.5, relative_tolerance=0.25))

    comparison.add(predictions(0.0, 0.0, 4.0, -4.0, 2_000.0), predictions(0.5, 1.0, 5.5, -2.25, 0.0))

    assert (comparison.rows, comparison.disagreements) == (5, 3)
    assert (comparison.largest_difference, comparison.difference_sum) == (2_000.0, 2_004.75)
    assert comparison.buckets[-1] == 1


def test_labels_without_probabilities_differ_by_one_where_they_differ() -> None:
    comparison = Comparison(GOLDEN)
    labels = np.array(["no", "yes", "no"], dtype=object), np.empty((3, 0), np.float32)
    others = np.array(["no", "no", "no"], dtype=object), np.full((3, 2), 0.5, np.float32)

    comparison.add(labels, others)
    comparison.add(others, labels)

    assert (comparison.rows, comparison.disagreements, comparison.difference_sum) == (6, 2, 2.0)


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_rows_with_texts_are_compared_in_blocks_and_all_of_them(kind: Kind) -> None:
    live = LoadedModel(version(kind))
    rows = live.signature.inputs(ROWS * BLOCK_ROWS)
    made = Shadow(live, LoadedModel(version(kind, 2)), 1.0)
    made.offer(live, rows, live.predict(rows))

    comparison = counted(made, len(rows))
    made.close()
    assert (comparison.disagreements, comparison.largest_difference, comparison.errors) == (0, 0.0, 0)


def test_a_candidate_without_a_finite_answer_has_failed_and_spoils_no_mean() -> None:
    live = LoadedModel(version("number"))
    rows = live.signature.inputs([[3e38, None, 3e38, "round"]])
    made = Shadow(live, live, 1.0)
    made.offer(live, rows, predictions(0.0))
    rows = live.signature.inputs(ROWS)
    made.offer(live, rows, live.predict(rows))

    comparison = counted(made, len(ROWS))
    made.close()
    assert (comparison.errors, comparison.mean_difference) == (1, 0.0)


def test_only_versions_of_the_same_columns_and_classes_are_compared() -> None:
    live = LoadedModel(version("classes"))

    def reason(*changed: Column) -> str | None:
        by_name = {column.name: column for column in changed}
        made = [by_name.get(column.name, column) for column in columns()]
        return check_comparable(LoadedModel(version("classes", columns=made)), live)

    width, colour, height, shape = columns()
    names = "its columns are not those of the current version"
    missing = "values may be missing in other columns than in those of the current version"
    texts = "its columns take other texts than those of the current version"
    more = [*colour.categories, Category("pink", 1)]
    fewer_rows = [msgspec.structs.replace(each, rows=0) for each in colour.categories]
    assert reason() is None
    assert reason(msgspec.structs.replace(width, minimum=-9.0)) is None
    assert reason(msgspec.structs.replace(colour, categories=fewer_rows)) is None
    assert reason(msgspec.structs.replace(width, missing=True)) == missing
    assert reason(msgspec.structs.replace(colour, missing=False)) == missing
    assert reason(msgspec.structs.replace(colour, categories=more)) == texts
    assert reason(msgspec.structs.replace(shape, unknown=True)) == texts
    other_order = LoadedModel(version("classes", columns=[width, shape, height, colour]))
    assert check_comparable(other_order, live) == names


def test_only_versions_of_the_same_classes_are_compared() -> None:
    live, number = LoadedModel(version("classes")), LoadedModel(version("number"))
    other_names = Target(["no", "yes"], ["rejected", "taken"])

    assert check_comparable(LoadedModel(version("classes", target=other_names)), live) is None
    assert check_comparable(number, live) == "its classes are not those of the current version"
    assert check_comparable(LoadedModel(version("labels")), live) == "its classes are not those of the current version"
