"""Counters of the server: nothing is lost however late it is put into buckets, and no label grows without bound."""

from bisect import bisect_left
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serve.ended import Stages
from serve.metrics import BATCH_ROWS, MOST_GONE, MOST_NOT_SORTED, STAGE_SECONDS, Metrics, Worked

NOBODY: Any = None
SECONDS = st.floats(0, 10) | st.sampled_from(STAGE_SECONDS)


def bucketed(bounds: tuple[float, ...], values: list[float]) -> list[int]:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    return counts


@given(st.lists(st.tuples(SECONDS, SECONDS, SECONDS, SECONDS), max_size=50), st.sets(st.integers(0, 50)))
def test_the_seconds_of_each_stage_are_in_their_buckets_whenever_it_is_looked_at(
    came: list[tuple[float, float, float, float]], looks: set[int]
) -> None:
    worked = Worked()
    for place, stages in enumerate(came):
        worked.add(2, stages, place % 3)
        if place in looks:
            worked.batches()
    for place, (stage, seconds) in enumerate(worked.stages()):
        values = [each[place] for each in came]
        assert stage == Stages._fields[place]
        assert seconds.counts == bucketed(STAGE_SECONDS, values)
        assert abs(seconds.total - sum(values)) < 1e-9
    together = [float(place % 3) for place in range(len(came)) if place % 3]
    assert worked.batches().counts == bucketed(BATCH_ROWS, together)
    assert worked.rows == 2 * len(came)


def test_what_is_not_in_its_bucket_yet_is_bounded() -> None:
    worked = Worked()
    for _ in range(3 * MOST_NOT_SORTED + 5):
        worked.add(1, (1.0, 1.0, 1.0, 1.0), 1)
        assert len(worked._came) < 4 * MOST_NOT_SORTED
    assert dict(worked.stages())["inference"].total == 3 * MOST_NOT_SORTED + 5


def test_of_versions_that_serve_no_more_the_first_is_forgotten_and_none_of_those_that_serve() -> None:
    names = [f"model {number}" for number in range(2 * MOST_GONE)]
    slots = {name: SimpleNamespace(name=name, serving=SimpleNamespace(version=1)) for name in names}
    watcher: Any = SimpleNamespace(slots=slots)
    metrics = Metrics(watcher, NOBODY)
    for name in names:
        metrics.of(name, 1).add(1, (0.0, 0.0, 0.0, 0.0), 0)
    for version in range(1, 3 * MOST_GONE):
        metrics.of("old", version).add(version, (0.0, 0.0, 0.0, 0.0), 0)

    gone = [version for name, version in metrics.worked if name == "old"]
    assert gone[-1] == 3 * MOST_GONE - 1
    assert MOST_GONE <= len(gone) <= MOST_GONE + 1
    assert gone == sorted(gone)
    assert all(metrics.of(name, 1).rows == 1 for name in names)


def test_a_method_that_nobody_knows_is_no_label_of_its_own() -> None:
    metrics = Metrics(NOBODY, NOBODY)
    for method in ("GET", "BREW", "DELETE"):
        metrics.answered("/", method, 200, 0.1)
    assert metrics.requests == {("/", "GET", 200): 1, ("/", "other", 200): 2}
