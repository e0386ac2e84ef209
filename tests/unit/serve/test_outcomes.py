"""When a new version gives way to the one before."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from serve.outcomes import FEWEST_REQUESTS, JUMP, Outcomes, Probation


def outcomes(failed: int, of: int) -> Outcomes:
    counted = Outcomes()
    for number in range(of):
        counted.add(failed=number < failed)
    return counted


def probation(share_before: float, seconds: float = 60.0) -> Probation:
    return Probation(cast("Any", SimpleNamespace(version=3)), share_before, seconds)


@pytest.mark.parametrize(
    ("failed", "of", "share_before", "gives_way"),
    [
        (FEWEST_REQUESTS - 1, FEWEST_REQUESTS - 1, 0.0, False),
        (FEWEST_REQUESTS, FEWEST_REQUESTS, 0.0, True),
        (20, 100, 0.0, False),
        (21, 100, 0.0, True),
        (60, 100, 0.5, False),
        (71, 100, 0.5, True),
        (100, 100, 1.0, False),
    ],
)
def test_it_gives_way_when_enough_requests_fail_that_did_not_before(
    failed: int, of: int, share_before: float, gives_way: bool
) -> None:
    assert JUMP == 0.2
    assert probation(share_before).failed(outcomes(failed, of)) is gives_way


def test_the_verdict_tells_how_many_failed_and_where_it_goes() -> None:
    verdict = probation(0.02).verdict(outcomes(18, 40))

    assert verdict.startswith("45% of its 40 requests failed within 0.")
    assert verdict.endswith(" s, against 2% before; back to version 3")


def test_a_version_that_has_stood_its_time_is_not_watched_any_more() -> None:
    assert not probation(0.0, 60.0).over
    assert probation(0.0, 0.0).over


def test_what_a_version_was_like_lately_counts_more_than_how_it_began() -> None:
    counted = outcomes(1_000, 1_000)
    for _ in range(5_000):
        counted.add(failed=False)

    assert counted.recent_share < 0.01
    assert counted.share == pytest.approx(1 / 6)
