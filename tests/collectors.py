"""A receiver of traces: the OpenTelemetry protocol over HTTP, on a free port, for tests that look at what has come."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers import eventually

STAGES = ("waiting", "decoding", "inference", "encoding")


@dataclass
class Collector:
    """What has come so far, in order; while `held`, requests are taken and not answered."""

    address: str
    spans: list[Span] = field(default_factory=list)
    processes: list[dict[str, Any]] = field(default_factory=list)  # a resource each time
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def has(self, number: int) -> None:
        """Wait until so many spans have come."""
        eventually(lambda: len(self.spans) >= number, lambda: f"{len(self.spans)} spans came: {self.spans}")

    def request(self, name: str) -> Span:
        """Return the only span of this name, once it is there."""
        eventually(lambda: self.named(name), lambda: f"no {name} in {[span.name for span in self.spans]}")
        (found,) = self.named(name)
        return found

    def named(self, name: str) -> list[Span]:
        """Return the spans of this name that have come."""
        return [span for span in self.spans if span.name == name]

    def inside(self, parent: int | bytes) -> list[Span]:
        """Return the spans whose parent has this id."""
        wanted = parent.to_bytes(8) if isinstance(parent, int) else parent
        return [span for span in self.spans if span.parent_span_id == wanted]

    def has_inside(self, parent: int) -> None:
        """Wait until there is a span whose parent has this id."""
        eventually(lambda: self.inside(parent), lambda: f"no span inside {parent:x}: {self.spans}")

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        """Keep all that a request tells."""
        self.headers.append(headers)
        body = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        self.bodies.append(body)
        for told in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.processes.append(values(told.resource.attributes))
            for scope in told.scope_spans:
                self.spans.extend(scope.spans)


def values(attributes: "Any[KeyValue]") -> dict[str, Any]:
    """Return attributes by name."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting(*, held: bool = False) -> Iterator[Collector]:
    """Run a collector; one that is held answers nobody before its `go_on` is set."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    if not held:
        collector.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.go_on.wait()
            found = self.path == "/v1/traces"
            if found:
                collector.take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(200 if found else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield collector
    finally:
        collector.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def assert_stages_lie_inside(collector: Collector, request: Span) -> None:
    """Check that a request's stages follow each other, inside of it, up to its end."""
    stages = sorted(collector.inside(request.span_id), key=lambda span: STAGES.index(span.name))
    edges = [edge for span in stages for edge in (span.start_time_unix_nano, span.end_time_unix_nano)]
    taken = sum(span.end_time_unix_nano - span.start_time_unix_nano for span in stages)

    assert tuple(span.name for span in stages) == STAGES
    assert edges == sorted(edges)
    assert edges[1:-1:2] == edges[2::2]  # each begins where the one before it ends
    assert request.start_time_unix_nano <= edges[0]
    assert edges[-1] == request.end_time_unix_nano
    assert 0 < taken <= request.end_time_unix_nano - request.start_time_unix_nano
    assert {span.trace_id for span in stages} == {request.trace_id}
