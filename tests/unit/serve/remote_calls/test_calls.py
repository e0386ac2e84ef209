"""One call of gRPC, with the real library: what goes wrong inside is told to nobody outside."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from serve.app import create_app
from serve.errors import Malformed, ModelFailed
from serve.grpc.calls import Calls
from serve.identity import Caller
from serve.questions import Asked
from serve.service import ALWAYS_IN_A_THREAD
from serve.settings import Settings

FAILURES = {
    "/s/Unexpected": ValueError("a secret"),
    "/s/ModelFailed": ModelFailed("version 2 of the model cannot answer (RuntimeError)"),
}


INFER = "/s/Infer"
DEADLINE_SECONDS = 20.0
SMALL, LARGE = b"\0" * 2**16, b"\0" * (2**16 + 1)


async def _failing(path: str) -> bytes:
    raise FAILURES.get(path, Malformed("read"))


async def _status_of(path: str, calls: Calls, message: bytes) -> tuple[grpc.StatusCode, str]:
    server = grpc.aio.server(handlers=[calls])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method: Any = channel.unary_unary(path)
            await method(message, timeout=20)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    finally:
        await server.stop(0)
    raise AssertionError("it was answered")


def status_of(path: str, models: Path, message: bytes = b"") -> tuple[grpc.StatusCode, str]:
    async def run() -> tuple[grpc.StatusCode, str]:
        async def answer(_: bytes, __: Caller) -> bytes:
            return await _failing(path)

        state = create_app(Settings(models=models)).state
        return await _status_of(path, Calls(state, {path: answer}, (), INFER), message)

    return asyncio.run(run())


def test_an_unexpected_error_is_internal_and_its_text_stays_inside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "copse"):
        told = status_of("/s/Unexpected", tmp_path)

    assert told == (grpc.StatusCode.INTERNAL, "the request failed for a reason of the server's")
    assert caplog.messages == ["a request failed unexpectedly (ValueError)"]


def test_a_model_that_fails_is_internal_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "copse"):
        told = status_of("/s/ModelFailed", tmp_path)

    assert told == (grpc.StatusCode.INTERNAL, str(FAILURES["/s/ModelFailed"]))
    assert caplog.messages == [told[1]]


def test_a_message_without_rows_is_small_or_not_decoded(tmp_path: Path) -> None:
    too_large = (grpc.StatusCode.RESOURCE_EXHAUSTED, "the message is too large; at most 65536 bytes are read")

    assert status_of("/s/Other", tmp_path, LARGE) == too_large
    for path, message in (("/s/Other", SMALL), (INFER, LARGE)):
        assert status_of(path, tmp_path, message) == (grpc.StatusCode.INVALID_ARGUMENT, "read")


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.001)


def test_calls_that_are_cancelled_before_their_turn_compute_nothing(tmp_path: Path) -> None:
    computed, go_on = [], threading.Event()

    model: Any = "a model that is never asked"

    def work() -> Asked:
        go_on.wait(DEADLINE_SECONDS)
        computed.append(1)
        raise Malformed("after a while")

    async def cancel_all() -> None:
        state = create_app(Settings(models=tmp_path, threads=1)).state
        lane = state.admission.threaded

        async def answer(_: bytes, caller: Caller) -> bytes:
            await state.service.answer(model, ALWAYS_IN_A_THREAD, 1, work, caller)
            return b""

        server = grpc.aio.server(handlers=[Calls(state, {INFER: answer}, (), INFER)])
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method: Any = channel.unary_unary(INFER)
            calls = [method(b"") for _ in range(8)]
            await _until(lambda: len(lane.waiting) == len(calls) - 1)
            for call in calls:
                call.cancel()
            await _until(lambda: all(ticket.asker.done() for ticket in lane.waiting))
            go_on.set()
            await _until(lambda: not lane.waiting and not lane.rows_under_way)
        await server.stop(0)

    asyncio.run(cancel_all())

    assert computed == [1], "the one whose turn it was already"
