"""gRPC under too much: who is let in has the right answer, the others are told when to come again; nothing hangs."""

import concurrent.futures
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from serve.grpc.inference import SERVICE
from serve.grpc.messages import MESSAGES
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.remote_calls import Caller, grpc_address, infer_raw, raw, refusal
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, serving

INFER = f"/{SERVICE}/ModelInfer"
BUSY = "the server is busy: "


def request(rows: int) -> bytes:
    values = infer_raw(MODEL, raw("input", "FP32", np.array([BENIGN] * rows, np.float32)))
    content: bytes = MESSAGES["ModelInferRequest"](**values).SerializeToString()
    return content


def metric(running: RunningServer, name: str) -> float:
    text = httpx.get(f"{running.address}/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def outcome(call: Any) -> Any:
    """Return the answer's bytes, or the error."""
    try:
        return call()
    except grpc.RpcError as error:
        return error


def test_every_call_is_answered_rightly_or_told_when_to_come_again(trained: Path) -> None:
    many, clients = request(1000), 16
    flags = ("--grpc-port", "0", "--waiting-requests", "4", "--threads", "1")
    with serving(trained, *flags) as running, Caller.of(running) as first:
        running.says("curl")
        right = first.method(INFER)(many)

        def ask(_: int) -> list[Any]:
            with Caller.of(running) as caller:
                return [outcome(lambda: caller.method(INFER)(many, timeout=DEADLINE_SECONDS)) for _ in range(10)]

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            outcomes = [each for client in pool.map(ask, range(clients)) for each in client]
        refused = [each for each in outcomes if isinstance(each, grpc.RpcError)]

        assert {each for each in outcomes if isinstance(each, bytes)} == {right}
        assert refused, "nothing was too much"
        assert {each.code() for each in refused} == {grpc.StatusCode.UNAVAILABLE}
        for each in refused:
            trailer = {entry.key: int(entry.value) for entry in each.trailing_metadata() if "retry" in entry.key}
            details = each.details() or ""
            assert details.startswith(BUSY)
            assert details.endswith(f"try again in {trailer['retry-after']} s")
            assert trailer["grpc-retry-pushback-ms"] == 1000 * trailer["retry-after"]
        assert metric(running, "copse_refused_requests_total") == len(refused)
        assert metric(running, "copse_queued_rows") == 0


class Slow:
    """A call whose message is kept back: as a stream of requests, which on the wire is the same."""

    def __init__(self, caller: Caller) -> None:
        self._send = threading.Event()
        self._call = self._method(caller).future(self._messages(), timeout=DEADLINE_SECONDS)

    @staticmethod
    def _method(caller: Caller) -> Any:
        return caller.channel.stream_unary(INFER)

    def _messages(self) -> Iterator[bytes]:
        self._send.wait(DEADLINE_SECONDS)
        yield request(1)

    @property
    def ended(self) -> bool:
        """Return whether there is an answer or an error."""
        done: bool = self._call.done()
        return done

    def answer(self) -> Any:
        """Send the message, and return the answer or the error."""
        self._send.set()
        return self.outcome()

    def outcome(self) -> Any:
        """Return the answer or the error."""
        found = outcome(self._call.result)
        self._send.set()
        return found


def test_messages_that_are_long_in_coming_are_bounded_together_and_the_others_are_answered(trained: Path) -> None:
    flags = ("--grpc-port", "0", "--held-bytes", "50000", "--max-body-bytes", "20000")
    with serving(trained, *flags) as running, Caller.of(running) as caller:
        running.says("curl")
        three = [Slow(caller) for _ in range(3)]  # which of them come first is the library's business
        eventually(lambda: any(each.ended for each in three), lambda: "a third one is let in")
        (refused,) = [each for each in three if each.ended]
        slow = [each for each in three if each is not refused]
        assert "too many bytes of requests are in memory" in str(refused.outcome())
        for _ in range(20):
            assert caller.method(INFER)(request(1))

        assert all(isinstance(each.answer(), bytes) for each in slow)
        assert all(isinstance(each.answer(), bytes) for each in [Slow(caller) for _ in range(2)]), "room is given back"


def test_a_message_that_does_not_come_in_time_is_told_so(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0", "--body-seconds", "0.3") as running, Caller.of(running) as caller:
        running.says("curl")
        error = Slow(caller).outcome()

        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert error.details() == "the message did not come within 0.3 seconds"
        assert caller.method(INFER)(request(1))


def test_a_deadline_ends_a_call_and_not_the_server(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0") as running, Caller.of(running) as caller:
        running.says("curl")
        for _ in range(20):
            refused = refusal(lambda: caller.method(INFER)(request(5000), timeout=0.002))
            assert refused.code == grpc.StatusCode.DEADLINE_EXCEEDED
        assert caller.method(INFER)(request(1))
        eventually(lambda: metric(running, "copse_queued_rows") == 0, lambda: "rows are still waiting")
        assert "Traceback" not in running.text


def test_a_message_of_countless_parts_is_refused_before_it_is_decoded(trained: Path) -> None:
    name = b"\x0a\x0dbreast-cancer"
    parts = {"inputs": b"\x2a\x00", "outputs": b"\x32\x00", "raw contents": b"\x3a\x00", "parameters": b"\x22\x00"}
    with serving(trained, "--grpc-port", "0") as running, Caller.of(running) as caller:
        running.says("curl")
        for part in parts.values():
            refused = refusal(lambda: caller.method(INFER)(name + part * 200_000))  # noqa: B023 - called at once
            assert refused.code == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert refused.details == "too many values for the rows; at most 10000 rows of 30 are answered at once"


def test_what_speaks_no_grpc_harms_nobody(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0") as running, Caller.of(running) as caller:
        running.says("curl")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{grpc_address(running)}/", timeout=5)

        assert caller.method(INFER)(request(1))
        assert running.text.count("\n") < 10, "nothing is logged for what clients do wrong"


def test_the_same_metadata_as_a_head_may_be_sent_and_not_more(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0", "--max-head-bytes", "4096") as running, Caller.of(running) as caller:
        running.says("curl")
        assert caller.method(INFER)(request(1), metadata=[("x", "y" * 3000)])
        refused = refusal(lambda: caller.method(INFER)(request(1), metadata=[("x", "y" * 8000)]))
        assert refused.code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_outcomes_are_counted(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0") as running, Caller.of(running) as caller:
        running.says("curl")
        begun = time.monotonic()
        answers = Counter(type(outcome(lambda: caller.method(INFER)(request(1)))) for _ in range(50))

        assert answers == {bytes: 50}
        assert metric(running, "copse_rows_total") == 50
        seconds = metric(running, f'copse_request_duration_seconds_sum{{route="{INFER}"}}')
        assert 0 < seconds < time.monotonic() - begun
