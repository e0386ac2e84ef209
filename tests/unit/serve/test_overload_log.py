"""Overload in the log: few lines, however many requests are refused."""

import pytest

from serve.overload_log import QUIET_SECONDS, OverloadLog


@pytest.fixture
def refused() -> dict[str, int]:
    return {"full": 7, "late": 0}


@pytest.fixture
def overload(refused: dict[str, int], caplog: pytest.LogCaptureFixture) -> OverloadLog:
    caplog.set_level("INFO", "copse")
    return OverloadLog(lambda: dict(refused))


def test_nothing_is_said_while_none_is_refused(overload: OverloadLog, caplog: pytest.LogCaptureFixture) -> None:
    for second in range(100):
        overload.look(float(second))

    assert not caplog.records


def test_the_first_refusal_is_told_at_once_and_the_others_every_ten_seconds(
    overload: OverloadLog, refused: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(21):
        refused["full"] += 100
        refused["late"] += second % 2
        overload.look(float(second))

    assert caplog.messages == [
        "overload: 100 requests were refused (100 full)",
        "overload: 1005 requests were refused (1000 full, 5 late)",
        "overload: 1005 requests were refused (1000 full, 5 late)",
    ]


def test_that_it_is_over_is_told_once(
    overload: OverloadLog, refused: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    refused["late"] += 1
    for second in range(100):
        overload.look(float(second))

    assert caplog.messages == [
        "overload: 1 requests were refused (1 late)",
        f"overload is over: no request was refused for {QUIET_SECONDS:.0f} s",
    ]


def test_overload_that_comes_again_is_told_again(
    overload: OverloadLog, refused: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(100):
        refused["full"] += second % 50 == 0
        overload.look(float(second))

    assert [message.partition(":")[0] for message in caplog.messages] == ["overload", "overload is over"] * 2
