"""gRPC when the server ends: no call is lost, whoever asks at once is told, and nothing hangs."""

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
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
from tests.remote_calls import NOT_SERVING, SERVING, Caller, infer_raw, raw
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, serving

INFER = f"/{SERVICE}/ModelInfer"
GRPC = ("--grpc-port", "0")


def request(rows: int) -> bytes:
    values = infer_raw(MODEL, raw("input", "FP32", np.array([BENIGN] * rows, np.float32)))
    content: bytes = MESSAGES["ModelInferRequest"](**values).SerializeToString()
    return content


class Client(threading.Thread):
    """Asks, again as soon as there is an answer, until nobody listens any more; counts what is lost."""

    def __init__(self, server: RunningServer) -> None:
        super().__init__()
        self._server = server
        self.answered = 0
        self.lost: list[str] = []
        self.states: list[grpc.ChannelConnectivity] = []
        self.done = threading.Event()

    def run(self) -> None:
        content = request(1)
        with Caller.of(self._server) as caller:
            caller.channel.subscribe(self.states.append)
            while not self.done.is_set() and self._asks(caller, content):
                pass
            caller.channel.unsubscribe(self.states.append)
            channel: Any = caller.channel  # a thread of the library's polls it, and must not see it closed
            eventually(lambda: not channel._connectivity_state.polling, lambda: "the channel's state is still polled")

    def _asks(self, caller: Caller, content: bytes) -> bool:
        """Ask once; return whether anybody listens."""
        try:
            caller.method(INFER)(content, timeout=DEADLINE_SECONDS)
            self.answered += 1
        except grpc.RpcError as error:
            if "Failed to connect" in (error.details() or ""):
                return False
            self.lost.append(f"{error.code()}: {error.details()}")
        return True


@pytest.mark.parametrize("drain", ["0", "1"])
def test_no_call_of_clients_that_wait_for_their_answers_is_lost(trained: Path, drain: str) -> None:
    with serving(trained, *GRPC, "--drain-seconds", drain) as running:
        running.says("curl")
        clients = [Client(running) for _ in range(8)]
        for client in clients:
            client.start()
        eventually(lambda: all(client.answered > 20 for client in clients), lambda: running.text)
        assert running.stop() == 0
        for client in clients:
            client.join(DEADLINE_SECONDS)

    assert [client.lost for client in clients] == [[]] * 8
    assert "Traceback" not in running.text


def test_connections_are_renewed_without_loss(trained: Path) -> None:
    with serving(trained, *GRPC, "--drain-seconds", "0.7") as running:  # each connection lives for about 0.6 s
        running.says("curl")
        clients = [Client(running) for _ in range(4)]
        for client in clients:
            client.start()
        ready = grpc.ChannelConnectivity.READY
        eventually(lambda: all(client.states.count(ready) > 3 for client in clients), lambda: running.text)
        for client in clients:
            client.done.set()
        for client in clients:
            client.join(DEADLINE_SECONDS)

        assert [client.lost for client in clients] == [[]] * 4


def test_while_draining_calls_are_answered_and_probes_told_to_stay_away(trained: Path) -> None:
    with serving(trained, *GRPC, "--drain-seconds", "600") as running, Caller.of(running) as caller:
        running.says("curl")
        assert caller.health() == SERVING
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: caller.health() == NOT_SERVING, lambda: "it still says that it serves")

        assert not caller.call("ServerReady").ready
        assert caller.call("ServerLive").live
        assert caller.method(INFER)(request(1))
        assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).status_code == 200
        assert running.stop() == 0


def test_calls_under_way_are_answered_to_their_end(trained: Path) -> None:
    flags = ("--threads", "1", "--wait-seconds", "60", "--shutdown-seconds", "60")
    with serving(trained, *GRPC, *flags) as running, Caller.of(running) as caller:
        running.says("curl")
        calls = [caller.method(INFER).future(request(10_000)) for _ in range(10)]
        calls[0].result(DEADLINE_SECONDS)

        assert running.stop() == 0
        assert Counter(len(call.result(DEADLINE_SECONDS)) for call in calls) == {len(calls[0].result()): 10}


class NeverSent:
    """Calls whose message never comes."""

    def __init__(self, server: RunningServer, stack: ExitStack) -> None:
        self.stop = threading.Event()
        stack.callback(self.stop.set)
        caller = stack.enter_context(Caller.of(server))
        method: Any = caller.channel.stream_unary(INFER)
        self.calls = [method.future(self._nothing()) for _ in range(3)]

    def _nothing(self) -> Iterator[bytes]:
        self.stop.wait(DEADLINE_SECONDS)
        yield b""


def test_what_never_comes_whole_is_given_up_when_the_time_is_over(trained: Path) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(serving(trained, *GRPC, "--shutdown-seconds", "1"))
        running.says("curl")
        never = NeverSent(running, stack)

        assert running.stop() == 0
        for call in never.calls:
            assert call.exception(DEADLINE_SECONDS)
        assert "Traceback" not in running.text


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_waits_for_nothing(trained: Path, second: int) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(serving(trained, *GRPC, "--shutdown-seconds", "600"))
        running.says("curl")
        with Caller.of(running) as caller:
            NeverSent(running, stack)
            caller.call("ServerLive")
            running.process.send_signal(signal.SIGTERM)
            eventually(lambda: not listens(running), lambda: "it goes on listening")

            assert running.stop(second) == 0
        assert "Traceback" not in running.text


def listens(running: RunningServer) -> bool:
    host, port = running.address.removeprefix("http://").split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except OSError:
        return False


def test_idle_connections_do_not_keep_the_server(trained: Path) -> None:
    with serving(trained, *GRPC, "--shutdown-seconds", "600") as running, Caller.of(running) as caller:
        running.says("curl")
        caller.call("ServerLive")

        assert running.stop() == 0
        assert "Traceback" not in running.text
