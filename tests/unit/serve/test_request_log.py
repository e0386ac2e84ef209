"""The line of a request: what was asked for and how long it took; none for probes."""

import logging

import pytest

from serve.access import OPEN_PATHS
from serve.ended import Ended, Stages, Work
from serve.grpc.health import CHECK
from serve.grpc.inference import OPEN
from serve.request_log import PROBES, caller_of, log_ended

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ENDED = Ended("POST", "/predict", 200, 1.0, 0.0123456, "id-1", f"00-{TRACE}-00f067aa0ba902b7-01", None)
WORK = Work("wine", 3, 2, Stages(0.001, 0.002, 0.0034567, 0.004))


@pytest.fixture(autouse=True)
def _debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "copse")


def told(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    (record,) = caplog.records
    standard = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    return {name: value for name, value in vars(record).items() if name not in standard}


def test_a_request_has_its_route_status_time_and_ids(caplog: pytest.LogCaptureFixture) -> None:
    log_ended(ENDED)

    assert told(caplog) == {
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "milliseconds": 12.346,
        "request_id": "id-1",
        "trace_id": TRACE,
    }
    assert caplog.messages == ["request"]
    assert caplog.records[0].levelno == logging.DEBUG


def test_a_prediction_has_its_model_its_rows_and_what_each_stage_took(caplog: pytest.LogCaptureFixture) -> None:
    log_ended(ENDED._replace(work=WORK, traceparent=None))

    found = told(caplog)
    assert "trace_id" not in found
    assert (
        found.items()
        >= {
            "model": "wine",
            "version": 3,
            "rows": 2,
            "waiting_milliseconds": 1.0,
            "decoding_milliseconds": 2.0,
            "inference_milliseconds": 3.457,
            "encoding_milliseconds": 4.0,
        }.items()
    )


@pytest.mark.parametrize("route", sorted(PROBES))
def test_a_probe_has_no_line(route: str, caplog: pytest.LogCaptureFixture) -> None:
    log_ended(ENDED._replace(route=route))

    assert not caplog.records


def test_every_path_that_needs_no_token_is_a_probe_over_both_protocols() -> None:
    assert {*OPEN_PATHS, CHECK, *OPEN} == PROBES


def test_a_scope_without_a_caller_says_nothing_of_the_request() -> None:
    assert caller_of({}) == {}
