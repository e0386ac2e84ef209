"""A caller's span, the server's inside it and the stages inside that, caught by a real receiver."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serve.grpc.inference import INFER as GRPC_INFER
from serve.grpc.messages import MESSAGES
from tests.collectors import Collector, assert_stages_lie_inside, collecting, values
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.infer_bodies import Sent, infer_body
from tests.remote_calls import Caller, infer_raw, raw
from tests.servers import DEADLINE_SECONDS, RunningServer, serving

INFER = f"/v2/models/{MODEL}/infer"
ONE_ROW: dict[str, Any] = {"features": BENIGN}
MANY = 400  # rows of 30 values, which a thread answers
JSON = {"content-type": "application/json"}


@dataclass
class Traced:
    """A server, and the collector that it tells."""

    server: RunningServer
    collector: Collector

    def ask(self, path: str, *, sampled: bool = True, **request: Any) -> tuple[httpx.Response, SpanContext]:
        """Ask inside a span of the caller's own; return the answer, and what that span is known by."""
        with calling(sampled=sampled) as (span, headers):
            return httpx.post(self.server.address + path, headers=request.pop("headers", {}) | headers, **request), span

    def span(self, caller: SpanContext) -> Span:
        """Return the server's only span inside the caller's, once it is there."""
        self.collector.has_inside(caller.span_id)
        (found,) = self.collector.inside(caller.span_id)
        assert int.from_bytes(found.trace_id) == caller.trace_id
        assert found.kind == Span.SPAN_KIND_SERVER
        return found


@contextmanager
def calling(*, sampled: bool = True) -> Iterator[tuple[SpanContext, dict[str, str]]]:
    """Begin a span of a caller's; return what it is known by, and the headers that say so."""
    tracer = TracerProvider(ALWAYS_ON if sampled else ALWAYS_OFF, shutdown_on_exit=False).get_tracer("caller")
    headers: dict[str, str] = {}
    with tracer.start_as_current_span("calling") as span:
        TraceContextTextMapPropagator().inject(headers)
        yield span.get_span_context(), headers


def variables(collector: Collector) -> dict[str, str]:
    """Return the environment with the variables of OpenTelemetry."""
    return os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_BSP_SCHEDULE_DELAY": "20"}


@contextmanager
def tracing(models: Path, *flags: str, **more: str) -> Iterator[Traced]:
    with (
        collecting() as collector,
        serving(models, *flags, environment=variables(collector) | more) as server,
    ):
        yield Traced(server, collector)


@pytest.fixture(scope="module")
def traced(trained: Path) -> Iterator[Traced]:
    with tracing(trained, "--grpc-port", "0") as both:
        yield both


def test_a_row_is_a_span_inside_the_callers_with_the_stages_adding_up(traced: Traced) -> None:
    answer, caller = traced.ask("/predict", json=ONE_ROW)
    span = traced.span(caller)

    assert answer.status_code == 200
    assert span.name == "POST /predict"
    assert values(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "copse.request_id": answer.headers["x-request-id"],
        "copse.model.name": MODEL,
        "copse.model.version": 1,
        "copse.rows": 1,
    }
    assert_stages_lie_inside(traced.collector, span)


@pytest.mark.parametrize("path", ["/predict", f"/models/{MODEL}/predict"])
def test_a_large_request_is_a_span_with_the_stages_adding_up(traced: Traced, path: str) -> None:
    answer, caller = traced.ask(path, json={"instances": [BENIGN] * MANY})
    span = traced.span(caller)

    assert len(answer.json()["predictions"]) == MANY
    assert values(span.attributes)["copse.rows"] == MANY
    assert_stages_lie_inside(traced.collector, span)


@pytest.mark.parametrize("rows", [1, MANY])
def test_an_inference_request_is_a_span_with_the_stages_adding_up(traced: Traced, rows: int) -> None:
    body = infer_body([Sent("input", "FP32", [rows, 30], BENIGN * rows)])
    answer, caller = traced.ask(INFER, content=body.content, headers=body.headers)
    span = traced.span(caller)

    assert answer.status_code == 200
    assert span.name == "POST /v2/models/{name}/infer"
    assert values(span.attributes)["copse.rows"] == rows
    assert_stages_lie_inside(traced.collector, span)


@pytest.mark.parametrize("rows", [1, MANY])
def test_a_call_over_grpc_is_a_span_with_the_stages_adding_up(traced: Traced, rows: int) -> None:
    request = infer_raw(MODEL, raw("input", "FP32", np.array([BENIGN] * rows, np.float32)))
    content = MESSAGES["ModelInferRequest"](**request).SerializeToString()
    with Caller.of(traced.server) as client, calling() as (caller, headers):
        client.method(GRPC_INFER)(content, metadata=list(headers.items()), timeout=DEADLINE_SECONDS)
    span = traced.span(caller)

    assert span.name == f"POST {GRPC_INFER}"
    assert values(span.attributes)["copse.rows"] == rows
    assert_stages_lie_inside(traced.collector, span)


def test_a_request_that_is_refused_is_a_span_with_its_status_and_no_value_of_it(traced: Traced) -> None:
    answer, caller = traced.ask("/predict", json={"features": ["4815162342", *BENIGN[1:]]})
    span = traced.span(caller)

    assert answer.status_code == 422
    assert values(span.attributes)["http.response.status_code"] == 422
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert not any(b"4815162342" in body for body in traced.collector.bodies)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_no_model_answers_is_a_span_by_itself(traced: Traced, method: str) -> None:
    httpx.request(method, f"{traced.server.address}/nobody/knows/{method}")
    span = traced.collector.request(method)

    assert values(span.attributes)["http.response.status_code"] == 404
    assert not span.parent_span_id
    assert traced.collector.inside(span.span_id) == []


def test_a_request_whose_caller_is_not_sampled_and_probes_are_no_spans(trained: Path) -> None:
    with tracing(trained) as traced:
        for path in ("/predict", "/nobody/knows"):
            traced.ask(path, sampled=False, json=ONE_ROW)
        for path in ("/livez", "/readyz", "/metrics"):
            httpx.get(traced.server.address + path)
        _, caller = traced.ask("/predict", json=ONE_ROW)
        assert traced.span(caller)
        assert traced.server.stop() == 0

    assert sum(span.kind == Span.SPAN_KIND_SERVER for span in traced.collector.spans) == 1


def test_the_last_spans_are_sent_before_the_server_ends(trained: Path) -> None:
    with tracing(trained, OTEL_BSP_SCHEDULE_DELAY="3600000") as traced:
        _, caller = traced.ask("/predict", json=ONE_ROW)
        assert traced.server.stop() == 0

    assert traced.span(caller)


def test_a_server_whose_collector_hangs_answers_and_ends(trained: Path) -> None:
    with (
        collecting(held=True) as collector,
        serving(trained, environment=variables(collector)) as server,
    ):
        answers = [httpx.post(f"{server.address}/predict", json=ONE_ROW).status_code for _ in range(20)]
        code = server.stop()
        assert not collector.go_on.is_set()

    assert answers == [200] * 20
    assert code == 0
    assert "Traceback" not in server.text


def test_a_server_whose_collector_is_down_answers_and_says_so_once(trained: Path) -> None:
    with collecting() as collector:
        pass
    with serving(trained, environment=variables(collector)) as server:
        for _ in range(20):
            assert httpx.post(f"{server.address}/predict", json=ONE_ROW).status_code == 200
        server.says("traces: ")
        assert server.stop() == 0

    assert server.text.count("traces: ") == 1
    assert "Traceback" not in server.text
