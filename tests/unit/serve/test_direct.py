"""Ordinary predictions are answered straight from their connection, as the application would answer each of them."""

import asyncio
import gc
import json
import re
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from model_repository import PublishedVersion
from serve.admission import OVERLOADED_REQUESTS
from serve.app import create_app
from serve.connections import Connections
from serve.direct import Direct
from serve.exposition import Series, exposition
from serve.heads import MOST_KNOWN, Head, KnownHeads
from serve.model import LoadedModel
from serve.protocol import Connection
from serve.settings import Settings
from serve.slot import Slot
from tests.conftest import MODEL
from tests.counting import Counting
from tests.examples import BENIGN, MALIGNANT
from tests.wires import Wire, settle

DEADLINE_SECONDS = 20.0
INFER = f"/v2/models/{MODEL}/infer"
JSON, BINARY = "application/json", "application/octet-stream"
ORDINARY_HEADERS = {"content-type": JSON}


class Sent:
    """A request: its method and target, headers and body."""

    def __init__(self, target: str, body: bytes, headers: dict[str, str] | None = None, method: str = "POST") -> None:
        self.target, self.body, self.method = target, body, method
        self.headers = ORDINARY_HEADERS if headers is None else headers

    @property
    def head(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", "host: here", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def whole(self) -> bytes:
        return self.head + self.body

    def __repr__(self) -> str:
        return f"{self.whole!r}"


def predict(row: Any = BENIGN, target: str = "/predict", **headers: str) -> Sent:
    return Sent(target, json.dumps({"features": row}).encode(), ORDINARY_HEADERS | headers)


def infer(rows: Sequence[Sequence[float]], target: str = INFER) -> Sent:
    values = np.array(rows, np.float32)
    size = {"binary_data_size": values.nbytes}
    tensor = {"name": "input", "shape": values.shape, "datatype": "FP32", "parameters": size}
    described = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"content-type": BINARY, "inference-header-content-length": str(len(described))}
    return Sent(target, described + values.tobytes(), headers)


def infer_json(rows: Sequence[Sequence[float]]) -> Sent:
    tensor = {"name": "input", "shape": [len(rows), 30], "datatype": "FP32", "data": rows}
    return Sent(INFER, json.dumps({"id": "7", "inputs": [tensor]}).encode())


ORDINARY = [
    predict(),
    predict(MALIGNANT),
    predict(BENIGN, f"/models/{MODEL}/predict"),
    Sent(f"/v1/models/{MODEL}:predict", json.dumps({"instances": [MALIGNANT, BENIGN]}).encode()),
    infer([BENIGN]),
    infer([MALIGNANT, BENIGN], f"/v2/models/{MODEL}/versions/1/infer"),
    infer_json([MALIGNANT]),
    Sent(
        "/predict", json.dumps({"instances": [BENIGN] * 20}).encode(), {"accept-encoding": "gzip", "x-request-id": "1"}
    ),
]
UNUSUAL = [
    predict(BENIGN[:-1]),
    predict([*BENIGN[:-1], 1e39]),
    predict([*BENIGN[:-1], "1.5"]),
    predict([*BENIGN[:-1], None]),
    predict(BENIGN, "/models/another/predict"),
    predict(BENIGN, "/predict?x=1"),
    predict(BENIGN, "/pr%65dict"),
    predict(BENIGN, accept="text/html"),
    predict(BENIGN, **{"content-encoding": "gzip"}),
    predict(BENIGN, **{"content-type": "text/plain"}),
    Sent("/predict", b"{"),
    Sent("/predict", b""),
    Sent("/predict", b"", method="GET"),
    Sent("/explain", json.dumps({"features": BENIGN}).encode()),
    Sent(INFER, b"{}"),
    Sent(INFER, b"\0" * 120, {"content-type": BINARY, "inference-header-content-length": "0x0"}),
    Sent(INFER, b"\0" * 120, {"content-type": JSON, "inference-header-content-length": "0"}),
    Sent(INFER, infer([BENIGN]).body + b"\0", infer([BENIGN]).headers),
]


class Served:
    """An application with a model, behind connections without a network; counts what reaches the application."""

    def __init__(self, model: LoadedModel, asked: socket.socket, **given: Any) -> None:
        limits = Settings(models=Path("nowhere"), **given)
        self.app = create_app(limits)
        slot = Slot(MODEL)
        slot.take(model)
        self.app.state.watcher.slots[MODEL] = slot
        self.direct = Direct(self.app.state)
        self.asked = 0
        self._shared = Connections(limits, 1_000, lambda _: None, lambda _: None, self.direct)
        self._config = uvicorn.Config(self.count, log_config=None, lifespan="off", interface="asgi3")
        self._config.load()
        self.state = ServerState()
        self._socket = asked

    async def count(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self.app(scope, receive, send)

    def connect(self) -> tuple[Connection, Wire]:
        connection = Connection(self._shared, config=self._config, server_state=self.state, app_state={})
        wire = Wire(self._socket)
        connection.connection_made(wire)
        return connection, wire

    async def answer(self, *sent: Sent) -> list["Told"]:
        """Send requests in the same turn of the loop, each on a connection of its own."""
        lines = [self.connect() for _ in sent]
        for (connection, _), each in zip(lines, sent, strict=True):
            connection.data_received(each.whole)
        return [await told(wire) for _, wire in lines]

    async def answer_usually(self, sent: Sent) -> "Told":
        """Have the application answer."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers={}) as client:
            request = httpx.Request(sent.method, f"http://here{sent.target}", headers=sent.headers, content=sent.body)
            answer = await client.send(request, stream=True)
            content = b"".join([piece async for piece in answer.aiter_raw()])
        return Told(answer.status_code, {**answer.headers}, content)


class Told(msgspec.Struct):
    """An answer, without the id of its request; the header in which it was is checked when it is read."""

    status: int
    headers: dict[str, str]
    content: bytes

    def __post_init__(self) -> None:
        assert re.fullmatch("1|[0-9a-f]{8}-[0-9a-f]+", self.headers.pop("x-request-id"))


async def told(wire: Wire) -> Told:
    """Return the answer that comes on a wire."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (found := _parsed(wire.written)) is None:  # noqa: ASYNC110 - a wire sets no event
            await asyncio.sleep(0)
    return found


def _parsed(written: bytes) -> Told | None:
    head, blank_line, content = written.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if not blank_line or len(content) < int(headers["content-length"]):
        return None
    return Told(int(first.split()[1]), headers, content)


@contextmanager
def served(model: LoadedModel, **given: Any) -> Iterator[Served]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = Served(model, ours, **given)
        yield made
        made.app.state.threads.shutdown()


@pytest.fixture(scope="module")
def model(published: PublishedVersion) -> LoadedModel:
    return LoadedModel(published)


@pytest.mark.parametrize("sent", ORDINARY, ids=range(len(ORDINARY)))
def test_an_ordinary_prediction_does_not_reach_the_application_and_is_answered_as_by_it(
    sent: Sent, model: LoadedModel
) -> None:
    async def ask() -> None:
        with served(model) as made:
            for _ in range(2):  # the second one's head is known
                assert await made.answer(sent) == [await made.answer_usually(sent)]
            assert made.asked == 0

    asyncio.run(ask())


@pytest.mark.parametrize("sent", UNUSUAL, ids=range(len(UNUSUAL)))
def test_all_else_is_answered_by_the_application(sent: Sent, model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model) as made:
            for count in (1, 2):
                assert await made.answer(sent) == [await made.answer_usually(sent)]
                assert made.asked == count

    asyncio.run(ask())


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_who_asks_in_the_same_turn_changes_no_answer(data: st.DataObject, model: LoadedModel) -> None:
    sent = data.draw(st.lists(st.sampled_from([*ORDINARY, *UNUSUAL]), min_size=1, max_size=40))

    async def ask() -> None:
        with served(model) as made:
            assert await made.answer(*sent) == [await made.answer_usually(each) for each in sent]

    asyncio.run(ask())


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_how_the_bytes_are_cut_changes_no_answer(data: st.DataObject, model: LoadedModel) -> None:
    sent = data.draw(st.sampled_from([*ORDINARY, UNUSUAL[0]]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent.whole)), max_size=3)))

    async def ask() -> None:
        with served(model) as made:
            for _ in range(2):
                connection, wire = made.connect()
                for start, end in zip([0, *cuts], [*cuts, len(sent.whole)], strict=True):
                    connection.data_received(sent.whole[start:end])
                    await settle()
                assert await told(wire) == await made.answer_usually(sent)

    asyncio.run(ask())


@pytest.mark.parametrize("same_bits", [True, False])
def test_one_run_answers_all_of_a_turn_if_company_changes_no_bits(same_bits: bool, published: PublishedVersion) -> None:
    parity = msgspec.structs.replace(published.manifest.parity, same_bits_alone_and_in_a_batch=same_bits)
    changed = msgspec.structs.replace(published.manifest, parity=parity)
    model = Counting(published._replace(manifest=changed))

    async def ask() -> list[Told]:
        with served(model) as made:
            made.app.state.admission.inline.pace.request_seconds = 1e-6  # so that there is time for all of them
            model.runs.clear()
            return await made.answer(*[predict()] * 8)

    assert {each.status for each in asyncio.run(ask())} == {200}
    assert model.runs == ([8] if same_bits else [1] * 8)


def test_a_known_head_is_not_parsed_and_only_a_whole_request_goes_with_it(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        with served(model) as made:
            first, other = predict(), predict(BENIGN[::-1])
            right, other_right = [await made.answer_usually(each) for each in (first, other)]
            assert first.head == other.head
            await made.answer(first)
            connection, wire = made.connect()
            monkeypatch.setattr(connection, "_feed", lambda _: pytest.fail("it was parsed"))
            connection.data_received(other.whole)
            assert await told(wire) == other_right

            connection, wire = made.connect()
            connection.data_received(first.whole + first.whole)
            await settle()
            await settle()
            assert wire.written.count(b"HTTP/1.1 200 OK") == 2
            assert wire.written.endswith(right.content)

    asyncio.run(ask())


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Request-ID": "order-7", "traceparent": TRACE, "tracestate": "a=1"}, (b"order-7", TRACE)),
        ({"x-request-id": "order-8"}, (b"order-8", None)),
        ({"x-request-id": "{}", "traceparent": "none"}, (None, None)),
        ({"x-request-id": "one", "X-Request-Id": "two"}, (None, None)),
    ],
    ids=range(4),
)
def test_a_known_head_is_not_parsed_for_the_names_of_its_request_and_these_are_heard(
    headers: dict[str, str],
    said: tuple[bytes | None, str | None],
    model: LoadedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ask() -> None:
        with served(model) as made:
            await made.answer(predict())
            seen: list[Any] = []
            monkeypatch.setattr(made.app.state.observer, "ended", lambda *told: seen.append(told[-1]))
            connection, wire = made.connect()
            monkeypatch.setattr(connection, "_feed", lambda _: pytest.fail("it was parsed"))
            connection.data_received(predict(BENIGN, **headers).whole)
            while not wire.written:
                await settle()
            (found,) = re.findall(rb"\r\nx-request-id: ([^\r]*)", wire.written)
            assert found == (said[0] or found)
            assert (said[0] is None) == bool(re.fullmatch(rb"[0-9a-f]{8}-[0-9a-f]+", found))
            (request,) = seen
            assert (request.request_id, request.traceparent) == (found.decode(), said[1])
            assert request.work.rows == 1

    asyncio.run(ask())


@pytest.mark.parametrize("value", ["a\r\n b", "a\r\n\tb", "a b", "a\x01"])
def test_a_line_that_is_not_plainly_the_name_of_a_request_is_not_passed_over(value: str) -> None:
    known, plain = KnownHeads(), predict()
    known.keep(plain.head, Head("/predict", None, None, len(plain.body), None, None))

    assert known.find(plain.whole)
    assert known.find(predict(BENIGN, **{"x-request-id": "ab"}).whole)
    assert not known.find(predict(BENIGN, **{"x-request-id": value}).whole)


def test_in_overload_a_known_head_that_is_too_many_is_turned_away_without_being_parsed(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        with served(model) as made:
            await made.answer(predict())
            lane = made.app.state.admission.inline
            lane.pace.refused(1, 0, time.monotonic())
            lane.pace.request_seconds = 1.0
            wires = []
            for _ in range(2 * OVERLOADED_REQUESTS):
                connection, wire = made.connect()
                monkeypatch.setattr(connection, "_feed", lambda _: pytest.fail("it was parsed"))
                connection.data_received(predict().whole)
                wires.append(wire)
            refused = [wire.written.startswith(b"HTTP/1.1 503") for wire in wires]
            assert not refused[0]
            assert all(refused[OVERLOADED_REQUESTS:])
            assert made.app.state.metrics.refusals["late"] == sum(refused)

    asyncio.run(ask())


@pytest.mark.parametrize("known", [False, True])
def test_a_body_that_comes_soon_after_its_head_does_not_reach_the_application(known: bool, model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model) as made:
            if known:
                await made.answer(predict())
            connection, wire = made.connect()
            for piece in (predict().head, predict().body[:50], predict().body[50:]):
                assert not wire.written
                connection.data_received(piece)
                await settle()
            assert await told(wire) == await made.answer_usually(predict())
            assert made.asked == 0
            assert made.app.state.bodies.held == 0

    asyncio.run(ask())


def test_a_body_that_is_slow_to_come_is_waited_for_by_the_application(model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model) as made:
            connection, wire = made.connect()
            connection.data_received(predict().whole[:-1])
            await settle()
            connection.check(asyncio.get_running_loop().time())
            await settle()
            assert made.asked == 1
            assert made.app.state.bodies.held == len(predict().body) - 1
            connection.data_received(predict().whole[-1:])
            assert (await told(wire)).status == 200

    asyncio.run(ask())


def test_bodies_that_have_not_come_whole_count_as_memory(model: LoadedModel) -> None:
    most = len(predict().body)

    async def ask() -> None:
        with served(model, held_bytes=most) as made:
            (first, _), (second, wire) = made.connect(), made.connect()
            first.data_received(predict().whole[:-1])
            assert made.app.state.bodies.held == most - 1
            second.data_received(predict().whole)
            assert (await told(wire)).status == 503
            first.connection_lost(None)
            assert made.app.state.bodies.held == 0
            assert [each.status for each in await made.answer(predict())] == [200]

    asyncio.run(ask())


def test_heads_that_are_known_are_bounded(model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model) as made:
            for number in range(MOST_KNOWN + 1):
                await made.answer(predict(BENIGN, padding=str(number)))
            assert len(made.direct._known) == 1
            await made.answer(predict(BENIGN, padding="x" * 2000))
            assert len(made.direct._known) == 1

    asyncio.run(ask())


def test_a_head_with_a_token_is_not_kept_and_a_wrong_token_is_refused(model: LoadedModel, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-of-some-length\n")

    async def ask() -> None:
        with served(model, tokens_file=tokens) as made:
            good, bad = [
                predict(BENIGN, authorization=f"Bearer {token}") for token in ("a-token-of-some-length", "b" * 22)
            ]
            for _ in range(2):
                assert [each.status for each in await made.answer(good, bad, predict())] == [200, 401, 401]
            assert not made.direct._known
            assert made.asked == 4

    asyncio.run(ask())


def test_a_server_that_is_to_end_closes_each_connection_with_its_answer(model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model) as made:
            (before,) = await made.answer(predict())
            assert "connection" not in before.headers
            connection, wire = made.connect()
            connection.data_received(predict().head)
            made.app.state.drain.begin()
            connection.data_received(predict().body)
            for after in (await told(wire), *await made.answer(predict())):
                assert after.headers.pop("connection") == "close"
                assert after == before

    asyncio.run(ask())


def test_nothing_is_computed_for_clients_that_have_gone_and_their_memory_is_given_back(
    published: PublishedVersion,
) -> None:
    model = Counting(published)

    async def ask() -> None:
        with served(model) as made:
            model.runs.clear()
            connection, wire = made.connect()
            connection.data_received(predict().whole)
            assert made.app.state.bodies.held == len(predict().body)
            wire.close()
            connection.connection_lost(None)
            await settle()
            assert made.app.state.bodies.held == 0
            assert not model.runs
            assert not wire.written

    asyncio.run(ask())


@pytest.mark.parametrize(("limit", "most"), [("waiting_requests", 3), ("held_bytes", 3 * len(predict().body))])
def test_too_many_are_told_when_to_come_again_and_are_counted(limit: str, most: int, model: LoadedModel) -> None:
    async def ask() -> None:
        with served(model, **{limit: most}) as made:
            answers = await made.answer(*[predict()] * 5)
            assert [each.status for each in answers] == [200] * 3 + [503] * 2
            assert int(answers[-1].headers["retry-after"]) >= 1
            text = exposition(Series(made.app.state.metrics)).decode()
            assert 'copse_requests_total{method="POST",route="/predict",status="200"} 3.0' in text
            assert 'copse_requests_total{method="POST",route="/predict",status="503"} 2.0' in text
            assert made.app.state.bodies.held == 0

    asyncio.run(ask())


def test_no_head_is_taken_for_another_that_came_before_on_its_connection(model: LoadedModel) -> None:
    wrong = predict([*BENIGN[:-1], 1e39])
    of_nobody = Sent("/models/nobody/predict", predict().body.ljust(len(wrong.body)))
    assert len(of_nobody.body) == len(wrong.body)

    async def ask() -> None:
        with served(model) as made:
            await made.answer(wrong)
            connection, wire = made.connect()
            connection.data_received(Sent("/predict", of_nobody.head).whole)  # with a body that looks like a head
            await told(wire)
            wire.written = b""
            connection.data_received(wrong.whole)  # is recalled, and then parsed after all
            assert (await told(wire)).status == 422
            assert [each.status for each in await made.answer(of_nobody)] == [404]

    asyncio.run(ask())


def test_a_request_that_was_recalled_and_is_wrong_is_decoded_directly_only_once(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        with served(model) as made:
            await made.answer(predict())
            wrong = Sent("/predict", b"{}".ljust(len(predict().body)))
            assert wrong.head == predict().head
            monkeypatch.setattr(made.direct, "exchange", lambda *_: pytest.fail("it was tried again"))
            assert [each.status for each in await made.answer(wrong)] == [422]
            assert made.asked == 1

    asyncio.run(ask())


def test_line_ends_between_requests_are_no_part_of_a_head(model: LoadedModel) -> None:
    most = len(predict().head) + 4

    async def ask() -> None:
        with served(model, max_head_bytes=most) as made:
            await made.answer(predict())
            connection, wire = made.connect()
            for _ in range(most):
                wire.written = b""
                connection.data_received(predict().whole)
                assert (await told(wire)).status == 200
                connection.data_received(b"\r\n")

    asyncio.run(ask())


def test_a_model_that_is_removed_leaves_memory_though_nobody_asks_any_more(
    model: LoadedModel, published: PublishedVersion
) -> None:
    async def ask() -> None:
        with served(model) as made:
            slot, removed = made.app.state.watcher.slots[MODEL], LoadedModel(published)
            slot.take(removed)
            await made.answer(predict())
            slot.unload()
            gone = weakref.ref(removed)
            del removed
            gc.collect()
            assert gone() is None

    asyncio.run(ask())


@pytest.mark.parametrize("known", [False, True])
def test_a_connection_that_is_lost_while_its_request_waits_is_out_of_memory_at_once(
    known: bool, model: LoadedModel
) -> None:
    """Without a wait for the garbage collector, which a flood of connections would not wait for."""

    async def lose(made: Served) -> "weakref.ref[Connection]":
        connection, wire = made.connect()
        connection.data_received(predict().whole)
        wire.close()
        connection.connection_lost(None)
        await settle()
        return weakref.ref(connection)

    async def ask() -> None:
        with served(model) as made:
            if known:
                await made.answer(predict())
            lost = await lose(made)
            assert lost() is None

    gc.collect()
    gc.disable()
    try:
        asyncio.run(ask())
    finally:
        gc.enable()


def test_a_body_counts_as_memory_until_its_turn_though_its_client_has_gone_and_no_answer_is_made(
    model: LoadedModel,
) -> None:
    go_on = threading.Event()

    async def ask() -> None:
        with served(model, inline_bytes=0, threads=1) as made:
            made.app.state.threads.submit(go_on.wait, DEADLINE_SECONDS)
            lines = [made.connect() for _ in range(2)]  # the first will have its turn, the second waits for one
            for connection, _ in lines:
                connection.data_received(predict().whole)
            for connection, wire in lines:
                wire.close()
                connection.connection_lost(None)
            assert made.app.state.bodies.held == 2 * len(predict().body)
            go_on.set()
            async with asyncio.timeout(DEADLINE_SECONDS):
                while made.app.state.bodies.held:  # noqa: ASYNC110 - memory sets no event
                    await asyncio.sleep(0)
            assert not any(wire.written for _, wire in lines)
            assert not made.app.state.metrics.requests
            assert made.asked == 0

    asyncio.run(ask())


@pytest.mark.parametrize("line", ["X-Request-ID:\torder-7", "X-Request-ID: order-7 \t", "X-Request-ID:order-7"])
def test_blanks_around_an_id_are_no_part_of_it_however_often_its_head_comes(line: str, model: LoadedModel) -> None:
    whole = predict().whole.replace(b"\r\nhost", f"\r\n{line}\r\nhost".encode(), 1)

    async def ask() -> None:
        with served(model) as made:
            for _ in range(3):
                connection, wire = made.connect()
                connection.data_received(whole)
                while not wire.written:
                    await settle()
                assert b"\r\nx-request-id: order-7\r\n" in wire.written

    asyncio.run(ask())


@pytest.mark.parametrize("how", ["slow", "wrong", "wrong and known"])
def test_a_request_that_goes_the_usual_way_after_all_began_when_its_head_came(
    how: str, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = predict() if how == "slow" else Sent("/predict", b"{" * len(predict().body))

    async def ask() -> None:
        with served(model) as made:
            if how == "wrong and known":
                await made.answer(predict())
            begun: list[float] = []
            monkeypatch.setattr(made.app.state.observer, "ended", lambda *given: begun.append(given[3].begun))
            connection, wire = made.connect()
            connection.data_received(sent.whole[:-1] if how == "slow" else sent.whole)
            came = time.monotonic()
            if how == "slow":
                await settle()
                connection.check(asyncio.get_running_loop().time())
                connection.data_received(sent.whole[-1:])
            assert (await told(wire)).status == (200 if how == "slow" else 400)
            assert made.asked == 1
            assert [each <= came for each in begun] == [True]

    asyncio.run(ask())
