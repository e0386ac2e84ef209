"""Traces: when they are on, what is told of a request, and that no collector holds up an answer or the end."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from serve import spans
from serve.ended import Ended, Stages, Work
from serve.request_log import PROBES
from serve.spans import MOST_A_SECOND, Traces
from serve.traces import ENDPOINTS, traces_from
from tests.collectors import Collector, assert_stages_lie_inside, collecting, values
from tests.servers import eventually

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"
WORK = Work("breast-cancer", 3, 2, Stages(0.001, 0.002, 0.003, 0.0005))
NOWHERE = "http://127.0.0.1:9"  # the port at which nothing listens
LOADED = (
    "import sys; from serve import server; server.create_app(server.Settings(models=__import__('pathlib').Path('x')))"
)
LOADED += "; print('opentelemetry' in sys.modules)"


def ended(
    traceparent: str | None = None,
    *,
    method: str = "POST",
    route: str = "/predict",
    status: int = 200,
    seconds: float = 0.01,
    work: Work | None = WORK,
) -> Ended:
    return Ended(method, route, status, time.time(), seconds, "the-id", traceparent, work)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@contextmanager
def traces_to(address: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[Traces]:
    """Return traces as these variables make them; they are closed when the block is left."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "20"} | variables
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    traces = traces_from(environment)
    assert traces
    try:
        yield traces
    finally:
        traces.close(30)


def tell(traces: Traces, request: Ended) -> None:
    """Tell of a request, if it is sampled."""
    if trace := traces.trace(request.route, request.traceparent):
        traces.ended(request, trace)


def told(collector: Collector, monkeypatch: pytest.MonkeyPatch, *requests: Ended, **variables: str) -> list[Span]:
    """Return the spans of requests themselves, all of which were sent."""
    with traces_to(collector.address, monkeypatch, **variables) as traces:
        for request in requests:
            tell(traces, request)
    return [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SERVICE_NAME": "copse"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=str,
)
def test_they_are_off_unless_an_endpoint_is_set_and_then_may_be_switched_off(environment: dict[str, str]) -> None:
    assert traces_from(environment) is None


@pytest.mark.parametrize("variable", ["OTEL_SERVICE_NAME", *ENDPOINTS])
def test_nothing_of_opentelemetry_is_loaded_while_they_are_off(variable: str) -> None:
    command = [sys.executable, "-c", LOADED]
    loaded = subprocess.run(command, env={variable: NOWHERE}, check=True, capture_output=True, text=True).stdout

    assert loaded.strip() == str(variable in ENDPOINTS)


def test_an_endpoint_without_the_extra_is_a_warning_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "serve.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)

    assert traces_from({"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}) is None
    assert "pip install 'copse[traces]'" in caplog.text


def test_a_variable_that_cannot_be_used_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")

    assert traces_from({"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}) is None
    assert "max_queue_size must be a positive integer" in caplog.text


def test_another_protocol_is_a_warning_that_names_the_one_that_is_spoken(caplog: pytest.LogCaptureFixture) -> None:
    assert traces_from({"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) is None
    assert "must be http/protobuf here, not grpc" in caplog.text


def test_a_request_is_a_span_of_a_server_with_its_stages_one_after_the_other_inside(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ended(SAMPLED)
    (span,) = told(collector, monkeypatch, request)

    assert span.name == "POST /predict"
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == CALLER
    assert span.end_time_unix_nano - span.start_time_unix_nano == 10_000_000
    assert span.start_time_unix_nano == round(request.began * 1e9)
    assert values(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "copse.request_id": "the-id",
        "copse.model.name": "breast-cancer",
        "copse.model.version": 3,
        "copse.rows": 2,
    }
    assert_stages_lie_inside(collector, span)
    inside = {each.name: each.end_time_unix_nano - each.start_time_unix_nano for each in collector.inside(span.span_id)}
    assert inside == {"waiting": 1_000_000, "decoding": 2_000_000, "inference": 3_000_000, "encoding": 500_000}


def test_stages_that_were_measured_longer_than_the_request_are_cut_at_its_end(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    (span,) = told(collector, monkeypatch, ended(SAMPLED, seconds=0.004))

    assert_stages_lie_inside(collector, span)


def test_a_request_that_no_model_answered_has_no_stages_and_is_no_error_below_500(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    (span,) = told(collector, monkeypatch, ended(status=422, work=None))

    assert collector.spans == [span]
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert not span.parent_span_id
    assert "copse.model.name" not in values(span.attributes)


def test_an_error_of_the_servers_is_one_of_the_span(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    (span,) = told(collector, monkeypatch, ended(status=503, work=None))

    assert span.status.code == Status.STATUS_CODE_ERROR
    assert values(span.attributes)["error.type"] == "503"


def test_what_a_client_makes_up_is_in_no_name(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = ended(method="MAKEUP", route="unmatched", status=404, work=None)
    (span,) = told(collector, monkeypatch, made_up)

    assert span.name == "HTTP"
    assert values(span.attributes)["http.request.method"] == "_OTHER"
    assert "http.route" not in values(span.attributes)


def test_probes_are_not_traced(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(collector, monkeypatch, *(ended(SAMPLED, route=route) for route in PROBES)) == []


@pytest.mark.parametrize(
    ("sampler", "share", "sampled"),
    [
        ("", "", {"caller's": True, "not the caller's": False, "nobody's": True}),
        ("parentbased_traceidratio", "0", {"caller's": True, "not the caller's": False, "nobody's": False}),
        ("parentbased_always_off", "", {"caller's": True, "not the caller's": False, "nobody's": False}),
        ("always_on", "", {"caller's": True, "not the caller's": True, "nobody's": True}),
        ("traceidratio", "0", {"caller's": False, "not the caller's": False, "nobody's": False}),
    ],
)
def test_the_caller_decides_what_is_sampled_unless_the_sampler_is_another(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, sampler: str, share: str, sampled: dict[str, bool]
) -> None:
    requests = {"caller's": SAMPLED, "not the caller's": UNSAMPLED, "nobody's": None}
    variables = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": share} if sampler else {}
    told(collector, monkeypatch, *(ended(sent, route=name) for name, sent in requests.items()), **variables)

    assert {name: bool(collector.named(f"POST {name}")) for name in requests} == sampled


def test_about_the_share_that_is_asked_for_is_sampled(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MOST_A_SECOND", 10_000)
    half = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
    found = told(collector, monkeypatch, *[ended(work=None)] * 1000, **half)

    assert 400 < len(found) < 600
    assert len({span.trace_id for span in found}) == len(found)


def test_no_more_than_so_many_a_second_are_traced_and_one_warning_says_so(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(spans, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with traces_to(collector.address, monkeypatch) as traces:
        for second in (0.0, 0.5, 1.0):
            now[0] = second
            for _ in range(MOST_A_SECOND + 50):
                tell(traces, ended(work=None))

    assert len(collector.spans) == 2 * MOST_A_SECOND
    assert caplog.text.count("the others are not traced") == 1


def test_the_process_is_called_copse_unless_a_variable_says_otherwise(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = "k8s.pod.name=copse-1,service.name=other"
    told(collector, monkeypatch, ended())
    told(collector, monkeypatch, ended(), OTEL_RESOURCE_ATTRIBUTES=attributes)
    told(collector, monkeypatch, ended(), OTEL_RESOURCE_ATTRIBUTES=attributes, OTEL_SERVICE_NAME="mine")

    assert [process["service.name"] for process in collector.processes] == ["copse", "other", "mine"]
    assert collector.processes[1]["k8s.pod.name"] == "copse-1"


def test_headers_and_compression_are_those_of_opentelemetrys_variables(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=forest", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    told(collector, monkeypatch, ended(), **variables)

    assert collector.headers[0]["x-tenant"] == "forest"
    assert collector.headers[0]["content-encoding"] == "gzip"
    assert len(collector.spans) == 5


def test_a_collector_that_is_down_is_said_once_and_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with traces_to(NOWHERE, monkeypatch, OTEL_EXPORTER_OTLP_TIMEOUT="1") as traces:
        for _ in range(MOST_A_SECOND):
            tell(traces, ended())
        eventually(lambda: "traces: " in caplog.text, lambda: caplog.text)
        complaints = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        complaints.error("once more")

    (line,) = [record for record in caplog.records if record.name == "copse" and "spans" in record.getMessage()]
    assert line.levelno == logging.WARNING
    assert "once more" not in caplog.text


def test_a_collector_that_hangs_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting(held=True) as collector, traces_to(collector.address, monkeypatch) as traces:
        tell(traces, ended())
        traces.close(0.1)

        assert "traces-close" in {thread.name for thread in threading.enumerate()}  # it is not waited for
        assert collector.spans == []
        collector.go_on.set()
        collector.has(5)


def test_what_is_left_is_sent_at_the_end(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    told(collector, monkeypatch, ended(), OTEL_BSP_SCHEDULE_DELAY="3600000")

    assert len(collector.spans) == 5
