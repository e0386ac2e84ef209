"""A span for each request that is sampled, with the stages inside, made after the answer and sent by a thread."""

import logging
import random
import threading
import time
from collections.abc import Iterator

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from serve.ended import Ended, Stages, Work
from serve.request_log import PROBES

log = logging.getLogger("copse")

MOST_A_SECOND = 100  # requests; each takes as long as about four rows, most of it in the thread that sends
MINUTE = 60.0
NANOSECONDS = 10**9  # in a second
UNMATCHED = "unmatched"  # the route of a path that there is not
FIRST_OF_THE_SERVERS = 500  # statuses; those below are the client's
SCOPE = InstrumentationScope("copse")
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
NO_CONTEXT = Context()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"})


class Traces:
    """Tells a collector of requests. What it does not take in time is dropped; no answer waits for it."""

    def __init__(self) -> None:
        """Read all that OpenTelemetry's variables say, and start the thread that sends.

        Raises:
            ValueError, OSError: a variable cannot be used.

        """
        _tell_seldom()
        provider = TracerProvider(shutdown_on_exit=False)
        self._sampler = provider.sampler
        self._parent_decides = isinstance(provider.sampler, ParentBased)
        # Of the share of all, which is usual, the decision is made here: the sampler's own takes ten times as long.
        root = getattr(provider.sampler, "_root", provider.sampler)
        self._bound = root.bound if isinstance(root, TraceIdRatioBased) else None
        self._resource = _resource(provider.resource)
        self._sending = BatchSpanProcessor(OTLPSpanExporter())
        self._second = self._told_over = float("-inf")
        self._left = MOST_A_SECOND

    def trace(self, route: str, traceparent: str | None) -> int | None:
        """Return the trace of a request that is sampled, else None. For the event loop alone."""
        if route in PROBES or not (self._left or self._new_second()):
            return None
        trace = int(traceparent[3:35], 16) if traceparent else random.getrandbits(128) or 1
        if traceparent and self._parent_decides:
            return trace if int(traceparent[53:55], 16) & TraceFlags.SAMPLED else None
        if self._bound is not None:
            return trace if trace & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound else None
        decision = self._sampler.should_sample(NO_CONTEXT, trace, route).decision
        return trace if decision is Decision.RECORD_AND_SAMPLE else None

    def ended(self, ended: Ended, trace: int) -> None:
        """Make the spans of a request that is sampled, and was answered. For the event loop alone."""
        if self._left == MOST_A_SECOND:
            self._second = time.monotonic()
        self._left -= 1
        for span in self._spans(ended, trace):
            self._sending.on_end(span)

    def close(self, seconds: float) -> None:
        """Send what is left, and return after these seconds at the latest; the thread does not keep the process."""
        closing = threading.Thread(target=self._sending.shutdown, name="traces-close", daemon=True)
        closing.start()
        closing.join(seconds)

    def _new_second(self) -> bool:
        """Return whether requests are traced again, none being left of this second."""
        now = time.monotonic()
        if now >= self._second + 1:
            self._left = MOST_A_SECOND
            return True
        if now >= self._told_over + MINUTE:
            self._told_over = now
            log.warning(
                "traces: more than %d requests a second are sampled, the others are not traced; "
                "OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG=0.01 samples 1 %%",
                MOST_A_SECOND,
            )
        return False

    def _spans(self, ended: Ended, trace: int) -> Iterator[ReadableSpan]:
        """Yield the stages, one after the other up to the answer, and the request around them."""
        own, parent = _context(trace), ended.traceparent
        caller = SpanContext(trace, int(parent[36:52], 16), is_remote=True, trace_flags=SAMPLED) if parent else None
        start = round(ended.began * NANOSECONDS)
        end = start + round(ended.seconds * NANOSECONDS)
        if ended.work:
            yield from self._stages(ended.work, own, start, end)
        failed = ended.status >= FIRST_OF_THE_SERVERS
        name, told = _described(ended)
        yield ReadableSpan(
            name,
            own,
            caller,
            self._resource,
            told | {"error.type": str(ended.status)} if failed else told,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR) if failed else Status(),
            start_time=start,
            end_time=end,
            instrumentation_scope=SCOPE,
        )

    def _stages(self, work: Work, request: SpanContext, start: int, end: int) -> Iterator[ReadableSpan]:
        """Yield a span for each stage; the last one ends with the request, before the first one its body is read."""
        began = max(start, end - round(sum(work.stages) * NANOSECONDS))
        for stage, seconds in zip(Stages._fields, work.stages, strict=True):
            over = min(began + round(seconds * NANOSECONDS), end)
            yield ReadableSpan(
                stage,
                _context(request.trace_id),
                request,
                self._resource,
                start_time=began,
                end_time=over,
                instrumentation_scope=SCOPE,
            )
            began = over


def _described(ended: Ended) -> tuple[str, dict[str, str | int]]:
    """Return a request's name and attributes, as OpenTelemetry's conventions for HTTP call them."""
    known = ended.method in METHODS
    told: dict[str, str | int] = {
        "http.request.method": ended.method if known else "_OTHER",
        "http.response.status_code": ended.status,
        "copse.request_id": ended.request_id,
    }
    name = ended.method if known else "HTTP"
    if ended.route != UNMATCHED:
        told["http.route"] = ended.route
        name = f"{name} {ended.route}"
    if ended.work:
        told["copse.model.name"] = ended.work.model
        told["copse.model.version"] = ended.work.version
        told["copse.rows"] = ended.work.rows
    return name, told


def _context(trace: int) -> SpanContext:
    """Return the context of a new span of a trace."""
    span = random.getrandbits(64) or 1
    return SpanContext(trace, span, is_remote=False, trace_flags=SAMPLED)


def _resource(told: Resource) -> Resource:
    """Return what is told of the process, under our name where no variable gives another."""
    unnamed = str(told.attributes[SERVICE_NAME]).startswith("unknown_service")
    return told.merge(Resource({SERVICE_NAME: "copse"})) if unnamed else told


class Seldom(logging.Handler):
    """Passes on what OpenTelemetry's modules complain of, each once a minute at most, in one line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next: dict[str, float] = {}  # by module

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a complaint on if its module has been silent for a minute."""
        now = time.monotonic()
        if now >= self._next.get(record.name, now):
            self._next[record.name] = now + MINUTE
            log.warning("traces: %s", record.getMessage())


def _tell_seldom() -> None:
    """Keep a collector that is down from filling the log."""
    complaints = logging.getLogger("opentelemetry")
    complaints.handlers, complaints.propagate = [Seldom()], False
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # else each sending is a line of --log-level debug
