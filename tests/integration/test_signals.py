"""Signals: whatever has come when the server is told to end is answered, and only then it ends."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from model_repository import PublishedVersion, publish
from tests.examples import BENIGN
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, ready, serving

BODY = json.dumps({"features": BENIGN}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)
REQUEST = HEAD + BODY
LARGE = json.dumps({"instances": [BENIGN] * 10_000}).encode()
SLOW = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(LARGE) + LARGE


@contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Read to the end; fail if it is a reset."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def ends_listening(server: RunningServer) -> None:
    """Wait until nobody new is let in."""

    def refused() -> bool:
        try:
            with connected(server):
                return False
        except OSError:
            return True

    eventually(refused, lambda: "it goes on listening")


SENT = {
    "one byte of a head": (REQUEST[:1], REQUEST[1:], 1),
    "half a head": (REQUEST[:30], REQUEST[30:], 1),
    "a head without its last byte": (HEAD[:-1], HEAD[-1:] + BODY, 1),
    "a head without a body": (HEAD, BODY, 1),
    "half a body": (REQUEST[:-20], REQUEST[-20:], 1),
    "a request": (REQUEST, b"", 1),
    "three requests at once": (REQUEST * 3, b"", 3),
    "two requests and a half": (REQUEST * 2 + REQUEST[:-20], REQUEST[-20:], 3),
    "two requests and a half head": (REQUEST * 2 + HEAD[:9], HEAD[9:] + BODY, 3),
    "a slow request and others behind it": (SLOW + REQUEST * 2, b"", 3),
}


@pytest.mark.parametrize(
    ("signal_number", "drain"), [(signal.SIGTERM, "0"), (signal.SIGTERM, "0.5"), (signal.SIGINT, "600")]
)
def test_what_was_sent_right_before_the_signal_is_answered(trained: Path, signal_number: int, drain: str) -> None:
    with serving(trained, "--drain-seconds", drain) as running, ExitStack() as stack:
        assert ready(running.address)
        connections = {what: stack.enter_context(connected(running)) for what in SENT}
        for what, (before, _, _) in SENT.items():
            connections[what].sendall(before)
        running.process.send_signal(signal_number)
        ends_listening(running)
        for what, (_, after, _) in SENT.items():
            connections[what].sendall(after)

        for what, (_, after, count) in SENT.items():
            received = everything(connections[what])
            assert received.count(b"HTTP/1.1 200 OK\r\n") == count, what
            closing = received.count(b"connection: close\r\n")
            assert closing == 1 or (not after and closing == 0), f"{what}: once, or answered before the signal"
            assert received.rfind(b"HTTP/1.1 200") < received.rfind(b"connection: close\r\n") or not closing, what
        assert running.process.wait(DEADLINE_SECONDS) == 0
        assert "Traceback" not in running.text


def test_connections_that_the_server_has_not_even_accepted_are_answered(trained: Path) -> None:
    """The loop is busy with a large request while they are made and the signal comes."""
    with serving(trained, "--inline-bytes", "100000000") as running, ExitStack() as stack:
        assert ready(running.address)
        connections = [stack.enter_context(connected(running))]
        connections[0].sendall(SLOW)
        for _ in range(50):
            connections.append(stack.enter_context(connected(running)))
            connections[-1].sendall(REQUEST)
        running.process.send_signal(signal.SIGTERM)

        answered = [everything(connection).startswith(b"HTTP/1.1 200 OK\r\n") for connection in connections]

        assert all(answered)
        assert running.process.wait(DEADLINE_SECONDS) == 0


def test_no_request_of_one_shot_clients_is_lost_at_any_instant(trained: Path) -> None:
    """Who connects is answered, up to the instant from which nobody can connect."""
    with serving(trained) as running:
        assert ready(running.address)
        lost: list[str] = []
        answered: list[bytes] = []

        def ask() -> None:
            while True:
                try:
                    with connected(running) as connection:
                        connection.sendall(REQUEST.replace(b"host", b"connection: close\r\nhost"))
                        answered.append(everything(connection)[:15])
                except ConnectionRefusedError:
                    return
                except OSError as error:
                    lost.append(repr(error))

        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        eventually(lambda: len(answered) > 100, lambda: running.text)
        assert running.stop() == 0
        for client in clients:
            client.join()

    assert lost == []
    assert set(answered) == {b"HTTP/1.1 200 OK"}


def test_idle_connections_do_not_keep_the_server(trained: Path) -> None:
    with serving(trained, "--shutdown-seconds", "600") as running, ExitStack() as stack:
        assert ready(running.address)
        connections = [stack.enter_context(connected(running)) for _ in range(100)]
        for connection in connections[50:]:
            connection.sendall(REQUEST)
            while not connection.recv(65536).endswith(b"}"):
                pass

        assert running.stop() == 0
        assert {connection.recv(1) for connection in connections} == {b""}


@pytest.mark.parametrize(
    ("sent", "status"), [(HEAD[:20], b"408"), (HEAD, b"503")], ids=["half a head", "a head without a body"]
)
def test_what_never_comes_whole_is_told_so_when_the_time_is_over(trained: Path, sent: bytes, status: bytes) -> None:
    with serving(trained, "--shutdown-seconds", "1") as running, connected(running) as connection:
        assert ready(running.address)
        connection.sendall(sent)
        running.process.send_signal(signal.SIGTERM)

        received = everything(connection)

        assert received.startswith(b"HTTP/1.1 " + status)
        assert b'{"error":"the ' in received
        assert b"\r\nconnection: close\r\n" in received
        assert running.process.wait(DEADLINE_SECONDS) == 0
        assert "Traceback" not in running.text


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_waits_for_nothing(trained: Path, first: int, second: int) -> None:
    with serving(trained, "--shutdown-seconds", "600") as running, connected(running) as connection:
        assert ready(running.address)
        connection.sendall(REQUEST[:-20])
        running.process.send_signal(first)
        ends_listening(running)

        assert running.stop(second) == 0
        assert "Traceback" not in running.text


def test_sighup_has_the_repository_looked_at_and_ends_nothing(repository: Path, published: PublishedVersion) -> None:
    with serving(repository, "--poll-seconds", "3600") as running, httpx.Client(base_url=running.address) as client:
        running.says("serving breast-cancer version 1")
        publish(repository, published.manifest, published.onnx, published.explanation)
        versions = set()
        for _ in range(3):
            os.kill(running.process.pid, signal.SIGHUP)
            for _ in range(200):
                versions.add(client.post("/predict", content=BODY).raise_for_status().headers["x-model-version"])
        running.says("serving breast-cancer version 2")

        assert versions <= {"1", "2"}
        assert running.text.count("looking at the model repository now") >= 1
        assert running.stop() == 0


HANGING = """
import sys, time
import serve.watcher
real, looks = serve.watcher.models, []
def models(root):
    looks.append(root)
    if len(looks) > 1:
        print("it hangs", flush=True)
        time.sleep(1000)
    return real(root)
serve.watcher.models = models
import serve.cli
sys.exit(serve.cli.main(sys.argv[4:]))
"""


def test_a_volume_that_hangs_does_not_keep_the_server(trained: Path) -> None:
    with serving(trained, prefix=(sys.executable, "-c", HANGING)) as running:
        running.says("it hangs")
        assert ready(running.address)

        assert running.stop() == 0
        assert "Traceback" not in running.text
