"""The prediction log: each row that is sampled is written, or dropped and counted, and nobody waits for it."""

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric

from serve.model import LoadedModel
from serve.onnx_runtime import MixedRows
from serve.prediction_log.log import MOST_BYTES, PART_BYTES, PredictionLog
from serve.prediction_log.samples import LoggedModel, Policy, Sample
from serve.prediction_log.series import series
from tests.mixed_models import ROWS, version
from tests.prediction_logs import EVERYTHING, MIXED, accounted, answers_to, logging_to, offer
from tests.servers import eventually


class Script:
    """A sink whose time and failures the test decides; a real one would be over too fast, and never fail."""

    def __init__(self, fails: Sequence[bool] = (), seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.last_seconds = 20.0
        self.samples: list[Sample] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.fails = list(fails)

    def write(self, samples: Sequence[Sample]) -> Iterator[int]:
        for sample in samples:
            self.may_go_on.wait(20)
            if self.fails and self.fails.pop(0):
                raise OSError(28, "No space left on device")
            self.samples.append(sample)
            yield len(sample.rows)


def rows_of(log: PredictionLog) -> int:
    eventually(lambda: not log._gathered and not log._waiting, lambda: f"{log._gathered}")
    return log.rows


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 5), max_size=20), fails=st.lists(st.booleans(), max_size=20))
def test_each_row_that_is_offered_is_written_or_counted_as_dropped(sizes: list[int], fails: list[bool]) -> None:
    sink = Script(fails)
    with logging_to(sink) as log:
        for size in sizes:
            offer(log, ROWS[:size])

    assert accounted(log) == sum(sizes)
    assert log.rows == sum(len(sample.rows) for sample in sink.samples)
    assert log.dropped["failed"] == sum(sizes) - log.rows
    assert log._accepted_bytes == log._done_bytes


def test_about_its_share_of_the_requests_is_written_and_all_rows_of_one() -> None:
    sink = Script()
    with logging_to(sink, share=0.25) as log:
        for _ in range(2_000):
            offer(log, ROWS[:2])
    with logging_to(Script(), share=0.0) as none:
        offer(none, ROWS)

    assert 2 * 400 < log.rows < 2 * 600
    assert {len(sample.rows) for sample in sink.samples} == {2}
    assert accounted(none) == 0


def test_what_there_is_no_room_for_is_dropped_and_counted_and_nobody_waits() -> None:
    sink = Script()
    sink.may_go_on.clear()
    row_bytes = LoggedModel(MIXED, EVERYTHING).row_bytes
    fit, rows = MOST_BYTES // (row_bytes * 1_000), [ROWS[0]] * 1_000
    with logging_to(sink) as log:
        for _ in range(fit + 3):
            offer(log, rows)
        assert log.dropped["full"] == 3_000
        sink.may_go_on.set()
        assert rows_of(log) == fit * 1_000
        offer(log, rows)

    assert log.rows == (fit + 1) * 1_000
    assert accounted(log) == (fit + 4) * 1_000


def test_a_request_that_is_larger_than_all_room_is_dropped() -> None:
    with logging_to(Script()) as log:
        count = MOST_BYTES // LoggedModel(MIXED, EVERYTHING).row_bytes + 1
        offer(log, [ROWS[0]] * count)

    assert log.dropped["full"] == count


def test_a_large_request_is_written_in_parts_that_know_their_place() -> None:
    sink, count = Script(), 3 * PART_BYTES // LoggedModel(MIXED, EVERYTHING).row_bytes
    with logging_to(sink) as log:
        log.offer(MIXED, MIXED.signature.inputs([[float(row), "red", 0.0, "round"] for row in range(count)]),
                  answers_to(count), "large")  # fmt: skip

    assert len(sink.samples) >= 3
    for sample in sink.samples:
        assert sample.bytes <= PART_BYTES
        assert isinstance(sample.rows, MixedRows)
        assert sample.rows.numbers[0, 0] == sample.first
    assert log.rows == count


def test_what_is_kept_is_a_copy() -> None:
    sink = Script()
    rows, answers = MIXED.signature.inputs(ROWS), answers_to(len(ROWS))
    assert isinstance(rows, MixedRows)
    with logging_to(sink) as log:
        log.offer(MIXED, rows, answers, "asked")
        rows.numbers[:] = rows.texts[:] = answers[0][:] = answers[1][:] = 7  # what comes next in the same memory

    kept = sink.samples[0]
    assert isinstance(kept.rows, MixedRows)
    assert not (kept.rows.numbers == 7).any()
    assert not (kept.rows.texts == 7).any()
    assert not (kept.answers[1] == 7).any()
    assert kept.answers[0].tolist() == ["no"] * len(ROWS)
    assert log.rows == len(ROWS)


def test_a_failure_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "copse")
    sink = Script(fails=[True, True, False, False])
    with logging_to(sink) as log:
        for number in range(1, 5):
            offer(log, ROWS[:1])
            eventually(lambda number=number: accounted(log) == number, lambda: "not written")  # type: ignore[misc]

    assert [record.getMessage() for record in caplog.records] == [
        "the prediction log cannot be written: No space left on device; rows are dropped until it can",
        "the prediction log is written again; 2 rows were dropped",
    ]
    assert (log.rows, log.dropped["failed"]) == (2, 2)


def test_an_error_that_nobody_thought_of_does_not_end_the_log() -> None:
    class Broken(Script):
        def write(self, samples: Sequence[Sample]) -> Iterator[int]:
            yield from super().write(samples[:1])
            raise ZeroDivisionError

    with logging_to(Broken()) as log:
        offer(log, ROWS)
        offer(log, ROWS)

    assert accounted(log) == 2 * len(ROWS)
    assert log.rows >= len(ROWS)


def test_a_sink_that_hangs_holds_up_the_end_for_a_bounded_time(caplog: pytest.LogCaptureFixture) -> None:
    sink = Script()
    sink.last_seconds = 0.1
    sink.may_go_on.clear()
    with logging_to(sink) as log:
        offer(log, ROWS[:2])

    offer(log, ROWS[:1])  # nobody should, but it is counted
    assert log.dropped["shutdown"] == 3
    assert caplog.messages == ["2 rows were not written to the prediction log in time"]
    sink.may_go_on.set()
    log._thread.join(20)
    assert accounted(log) == 3


def test_closing_leaves_the_event_loop_to_others() -> None:
    sink = Script()
    sink.last_seconds = 0.2
    sink.may_go_on.clear()
    log = PredictionLog(sink, 1.0, EVERYTHING)
    offer(log, ROWS)

    async def close_with_others() -> int:
        turns, closing = 0, asyncio.create_task(log.close())
        while not closing.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(close_with_others()) > 20
    sink.may_go_on.set()


def test_a_version_that_is_gone_is_not_kept_in_memory() -> None:
    model = LoadedModel(version("number"))
    gone = weakref.ref(model)
    with logging_to(Script()) as log:
        log.offer(model, model.signature.inputs(ROWS), (np.zeros(5, np.float32), np.zeros((5, 0), np.float32)), "a")
        assert rows_of(log) == 5
        del model
        gc.collect()
        assert gone() is None


def test_what_a_sink_gathers_is_written_when_its_time_has_come_and_at_the_end() -> None:
    soon, never = Script(seconds=0.2), Script(seconds=3600)
    began = time.monotonic()
    with logging_to(soon) as log:
        offer(log, ROWS)
        eventually(lambda: log.rows, lambda: "not written")
        assert time.monotonic() - began >= 0.2
    with logging_to(never) as late:
        offer(late, ROWS)
        eventually(lambda: late._gathered, lambda: "not taken")
        assert late.rows == 0

    assert late.rows == len(ROWS)


SECRETS = Policy(frozenset({"colour"}), frozenset({"postcode"}), b"k" * 16)


def test_nothing_is_written_while_no_model_has_a_column_that_is_to_be_kept_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = [MIXED]
    log = PredictionLog(Script(), 1.0, SECRETS, lambda: served)
    offer(log, ROWS)
    offer(log, ROWS)
    assert log.dropped["column"] == 2 * len(ROWS)
    [said] = caplog.messages
    assert said.startswith("nothing is written to the prediction log: no model that is served")
    assert 'has the column "postcode"' in said

    other = version("classes").manifest.columns
    renamed = [column if column.name != "height" else _named(column, "postcode") for column in other]
    served.append(LoadedModel(version("classes", columns=renamed)))
    offer(log, ROWS)
    asyncio.run(log.close())
    assert log.rows == len(ROWS)


def _named(column: object, name: str) -> object:
    import msgspec  # noqa: PLC0415 - one test

    assert isinstance(column, msgspec.Struct)
    return msgspec.structs.replace(column, name=name)


def test_the_series_are_the_counts() -> None:
    with logging_to(Script(fails=[False, True])) as log:
        offer(log, ROWS[:2])
        offer(log, ROWS[:3])

    found = _samples(list(series(log)))
    assert found["copse_prediction_log_rows_total", ""] == log.rows == 2
    assert found["copse_prediction_log_dropped_rows_total", "failed"] == 3
    for reason in ("full", "column", "shutdown"):
        assert found["copse_prediction_log_dropped_rows_total", reason] == 0


def _samples(families: list[Metric]) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("reason", "")): sample.value for family in families for sample in family.samples
    }
