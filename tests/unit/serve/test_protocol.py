"""One connection after another, without a network: what is answered does not depend on how the bytes are cut."""

import asyncio
import gc
import logging
import re
import resource
import socket
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from serve.app import create_app
from serve.connections import Connections
from serve.direct import Direct
from serve.errors import Overloaded
from serve.listener import SPARE_DESCRIPTORS, most_connections
from serve.protocol import Connection
from serve.settings import Settings
from tests.wires import Wire, settle

LARGEST = 256


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the method and the body."""
    body = await Request(scope, receive).body()
    await Response(scope["method"].encode() + body)(scope, receive, send)


class Bench:
    """Makes connections on wires."""

    def __init__(self, asked: socket.socket, app: Callable[..., Awaitable[None]], most: int = 10) -> None:
        limits = Settings(models=Path(), max_head_bytes=LARGEST)
        self.refused: list[str] = []
        self.too_many: Overloaded | None = None
        direct = Direct(create_app(limits).state)  # knows no model, so that all goes to the application
        self.shared = Connections(limits, most, self.refused.append, self.door, direct)
        self._config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        self._config.load()
        self.state = ServerState()
        self._asked = asked

    def door(self, _: bytes) -> Overloaded | None:
        return self.too_many

    def connect(self) -> tuple[Connection, Wire]:
        connection = Connection(self.shared, config=self._config, server_state=self.state, app_state={})
        wire = Wire(self._asked)
        connection.connection_made(wire)
        return connection, wire


@contextmanager
def bench(app: Callable[..., Awaitable[None]] = echo, most: int = 10) -> Iterator[Bench]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Bench(ours, app, most)


def answers(chunks: list[bytes], *, patient: bool = True) -> list[tuple[int, bytes]]:
    """Return the statuses and bodies that chunks are answered with; patience waits for answers between them."""

    async def talk() -> bytes:
        with bench() as made:
            connection, wire = made.connect()
            for chunk in chunks:
                if not wire.closed:
                    connection.data_received(chunk)
                if patient:
                    await settle()
            for _ in range(30):
                await settle()
            assert not made.state.tasks
            connection.connection_lost(None)
            return wire.written

    found = re.findall(
        rb"HTTP/1.1 (\d+) [^\r]*\r\n(?:.+\r\n)*?content-length: (\d+)\r\n", written := asyncio.run(talk())
    )
    bodies = re.split(rb"HTTP/1.1 \d+ [^\r]*\r\n(?:.+\r\n)*\r\n", written)[1:]
    assert [int(length) for _, length in found] == [len(body) for body in bodies]
    return [(int(status), body) for (status, _), body in zip(found, bodies, strict=True)]


def head(method: str, size: int, *lines: str) -> bytes:
    """Return a head of so many bytes."""
    start = "\r\n".join([f"{method} / HTTP/1.1", *lines, "padding:"])
    return f"{start}{' ' * (size - len(start) - 5)}x\r\n\r\n".encode()


SIZES = st.integers(120, 250) | st.integers(250, 262) | st.just(1000)
BODIES = st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n\r\n", b"a\r\n\r\n\r\nb", b"0\r\n\r\n" * 5])


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """Return the bytes of a request, and the status and body of its answer."""
    size, body = draw(SIZES), draw(BODIES)
    too_large = size > LARGEST
    match draw(st.sampled_from(["without body", "with length", "in chunks", "garbage"])):
        case "without body":
            sent, said = head("GET", size), b"GET"
        case "with length":
            sent, said = head("POST", size, f"content-length: {len(body)}") + body, b"POST" + body
        case "in chunks":
            chunks = b"".join(b"%x;name=value\r\n%s\r\n" % (len(part), part) for part in (body, b"\r\n\r\n", body))
            end = draw(st.sampled_from([b"0\r\n\r\n", b"0\r\ntrailer: 1\r\n\r\n"]))
            sent = head("POST", size, "transfer-encoding: chunked") + chunks + end
            said = b"POST" + body + b"\r\n\r\n" + body
        case _:
            return b"GET \x00" + b"g" * size, 400, b'{"error":"what was sent is not HTTP"}'
    if too_large:
        return sent, 431, b'{"error":"the head is too large; at most 256 bytes are read"}'
    return sent, 200, said


@settings(max_examples=300, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=5), st.data(), st.booleans())
def test_requests_are_answered_alike_however_their_bytes_are_cut(
    sent: list[tuple[bytes, int, bytes]], data: st.DataObject, patient: bool
) -> None:
    stream = b"".join(request for request, _, _ in sent)
    blank = [match.start() + shift for match in re.finditer(b"\r\n\r\n", stream) for shift in range(1, 5)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)) | st.sampled_from([0, *blank]), max_size=12)))
    chunks = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) if begin < end]
    expected: list[tuple[int, bytes]] = []
    for _, status, said in sent:
        expected.append((status, said))
        if status != 200:
            break

    assert answers(chunks, patient=patient) == expected


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 200), (LARGEST + 1, 431)])
@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_head_may_have_as_many_bytes_as_the_limit_says(size: int, status: int, chunk: int) -> None:
    sent = head("GET", size)

    assert answers([sent[at : at + chunk] for at in range(0, size, chunk)])[0][0] == status


def test_lines_after_the_last_chunk_end_some_time() -> None:
    begun = head("POST", 200, "transfer-encoding: chunked") + b"1\r\nx\r\n0\r\n"

    assert [status for status, _ in answers([begun, *[b"more: lines\r\n"] * 1000])] == [431]


def test_a_broken_body_is_answered_in_place_of_its_request() -> None:
    sent = head("POST", 200, "transfer-encoding: chunked") + b"nonsense\r\n"

    assert [status for status, _ in answers([head("GET", 200) + sent])] == [200, 400]


@pytest.mark.parametrize("connection", ["Upgrade, HTTP2-Settings", "keep-alive, UPGRADE"])
def test_who_offers_another_protocol_is_answered_in_this_one(connection: str) -> None:
    """As programs in Java do with their first request; its body is no request of its own."""
    lines = [f"Connection: {connection}", "UPGRADE: h2c"]
    body = head("GET", 100)
    sent = head("POST", 200, *lines, f"content-length: {len(body)}") + body
    in_chunks = head("PUT", 200, *lines, "transfer-encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    whole = sent + in_chunks + head("DELETE", 200, *lines) + head("GET", 100)
    told = [(200, b"POST" + body), (200, b"PUT" + body), (200, b"DELETE"), (200, b"GET")]
    assert answers([whole]) == told
    assert answers([bytes([each]) for each in whole]) == told


def test_what_is_not_http_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answers([b"nonsense\r\n\r\n"])

    assert [record.name for record in caplog.records if record.name != "asyncio"] == []


def test_requests_sent_at_once_wait_as_bytes() -> None:
    scopes: list[Scope] = []

    async def never(scope: Scope, receive: Receive, _: Send) -> None:
        scopes.append(scope)
        await receive()
        await asyncio.Event().wait()

    async def talk() -> None:
        with bench(never) as made:
            connection, _ = made.connect()
            connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
            await settle()
            assert len(scopes) == 1
            assert scopes[0]["extensions"]["copse.more"]()
            connection.connection_lost(None)

    asyncio.run(talk())


def test_an_answer_can_be_asked_whether_its_client_has_gone() -> None:
    gone: list[bool] = []

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        gone.append(scope["extensions"]["copse.gone"]())
        await Response()(scope, receive, send)

    async def talk(close: bool) -> None:
        with bench(ask) as made:
            connection, wire = made.connect()
            connection.data_received(head("GET", 100))
            wire.closed = close
            await settle()

    asyncio.run(talk(close=False))
    asyncio.run(talk(close=True))
    assert gone == [False, True]


def test_the_longest_idle_connection_makes_room_and_the_last_of_many_busy_ones_is_refused() -> None:
    free = asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await free.wait()
        await Response()(scope, receive, send)

    async def talk() -> None:
        with bench(wait, most=3) as made:
            (busy, _), (used, used_wire), (_, silent_wire) = made.connect(), made.connect(), made.connect()
            busy.data_received(head("POST", 100))
            used.data_received(head("GET", 100))
            await settle()
            fourth, _ = made.connect()
            assert (silent_wire.closed, used_wire.closed) == (True, False)
            fourth.data_received(head("POST", 100))
            fifth, _ = made.connect()
            assert used_wire.closed
            fifth.data_received(head("POST", 100))
            _, refused = made.connect()
            assert refused.written.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in refused.written
            assert (refused.ended, made.refused) == (True, ["connections"])
            free.set()
            await settle()

    asyncio.run(talk())


def test_a_lost_connection_is_out_of_memory_at_once() -> None:
    """Without a wait for the garbage collector, which a flood of connections would not wait for."""

    async def talk(sent: bytes) -> Any:
        with bench() as made:
            connection, wire = made.connect()
            connection.data_received(sent)
            await settle()
            connection.connection_lost(None)
            wire.close()
            await settle()
            return weakref.ref(connection)

    gc.disable()
    try:
        for sent in (b"", b"GET / HT", head("GET", 100) * 3, b"nonsense\r\n\r\n"):
            assert asyncio.run(talk(sent))() is None, sent
    finally:
        gc.enable()


def test_fewer_connections_are_taken_where_descriptors_are_few(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = [(256, 1000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, changed: limits.append(changed))

    assert most_connections(500) == 500
    assert limits[-1] == (500 + SPARE_DESCRIPTORS, 1000)
    assert caplog.records == []
    assert most_connections(4096) == 1000 - SPARE_DESCRIPTORS
    assert limits[-1] == (1000, 1000)
    assert [record.message for record in caplog.records] == [
        f"1000 file descriptors are enough for {1000 - SPARE_DESCRIPTORS} connections; 4096 were wanted"
    ]


@pytest.mark.parametrize(("method", "turned_away"), [("POST", True), ("GET", False), ("PUT", False)])
def test_only_what_may_be_a_prediction_is_turned_away_at_the_door(method: str, turned_away: bool) -> None:
    async def talk() -> bytes:
        with bench() as made:
            made.too_many = Overloaded("late", 1)
            connection, wire = made.connect()
            connection.data_received(f"{method} /predict HTTP/1.1\r\ncontent-length: 0\r\n\r\n".encode())
            async with asyncio.timeout(20):
                while not wire.written:
                    await settle()
            return wire.written

    assert asyncio.run(talk()).startswith(b"HTTP/1.1 503" if turned_away else b"HTTP/1.1 200")
