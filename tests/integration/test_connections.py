"""Clients that send too much, too slowly, too often or nonsense, or never read: each is told, and harms nobody."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.examples import BENIGN
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, ready, serving

LARGEST = 32 * 2**10
SECURITY = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: x\r\n"
UNFINISHED = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"


class Answer(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


@contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    """Open a connection that sends what it is told to, whether or not it is HTTP."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        yield connection


def answers(connection: socket.socket, count: int) -> Iterator[Answer]:
    """Read so many answers."""
    with connection.makefile("rb") as incoming:
        for _ in range(count):
            status = int(incoming.readline().split()[1])
            lines = iter(incoming.readline, b"\r\n")
            headers = dict(line.decode().strip().split(": ", 1) for line in lines)
            yield Answer(status, headers, incoming.read(int(headers["content-length"])))


def answer(connection: socket.socket) -> Answer:
    """Read the only answer."""
    return next(answers(connection, 1))


def closed(connection: socket.socket) -> bool:
    """Read to the end; return whether it came with nothing before it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def send_all_that_is_taken(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        connection.sendall(data)


def head(size: int, lines: int) -> bytes:
    """Return a head of so many bytes, in so many lines beside the first two."""
    rest = size - len(LIVEZ) - 2
    names = [f"x-{index:06}: ".encode() for index in range(lines)]
    padding = rest - sum(map(len, names)) - 2 * lines
    values = [b"v" * (padding // lines)] * (lines - 1)
    values.append(b"v" * (padding - sum(map(len, values))))
    filled = b"".join(name + value + b"\r\n" for name, value in zip(names, values, strict=True))
    return LIVEZ + filled + b"\r\n"


@pytest.mark.parametrize("lines", [1, 1000], ids=["in one line", "in many lines"])
@pytest.mark.parametrize(("size", "status"), [(LARGEST, 200), (LARGEST + 1, 431), (2**20, 431)])
def test_a_head_may_be_so_large_and_no_larger(server: RunningServer, size: int, status: int, lines: int) -> None:
    sent = head(size, lines)
    assert len(sent) == size
    with connected(server) as connection:
        send_all_that_is_taken(connection, sent)

        said = answer(connection)

        assert said.status == status
        assert SECURITY.items() <= said.headers.items()
        if status == 431:
            assert said.error == f"the head is too large; at most {LARGEST} bytes are read"
            assert (said.headers["connection"], closed(connection)) == ("close", True)


@pytest.mark.parametrize(
    "garbage",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /predict HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["words", "TLS", "HTTP/2", "an impossible length", "two lengths", "a proxy's"],
)
def test_what_is_not_http_is_told_so_in_json(server: RunningServer, garbage: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(garbage)

        said = answer(connection)

        assert (said.status, said.error) == (400, "what was sent is not HTTP")
        assert (said.headers["content-type"], said.headers["connection"]) == ("application/json", "close")
        assert SECURITY.items() <= said.headers.items()
        assert closed(connection)
    assert "WARNING" not in server.text


def test_an_upgrade_is_not_taken_up(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall(LIVEZ + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + LIVEZ + b"\r\n")

        assert [said.status for said in answers(connection, 2)] == [200, 200]


@pytest.mark.parametrize("path", ["/livez", "/", "/nothing", "/metrics"])
def test_every_answer_has_the_security_headers_and_no_banner(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers

    assert SECURITY.items() <= headers.items()
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_a_head_that_trickles_is_given_up_and_others_are_answered_meanwhile(trained: Path) -> None:
    with serving(trained, "--head-seconds", "1") as running, connected(running) as slow, connected(running) as silent:
        slow.settimeout(0.1)
        others, received = 0, b""
        deadline = time.monotonic() + DEADLINE_SECONDS
        for byte in LIVEZ + b"x" * 10_000:
            assert time.monotonic() < deadline
            slow.sendall(bytes([byte]))
            others += httpx.get(f"{running.address}/livez").status_code == 200
            try:
                received += slow.recv(65536)
            except TimeoutError:
                continue
            break

        assert received.startswith(b"HTTP/1.1 408 ")
        assert received.endswith(b'{"error":"the head did not come within 1 seconds"}')
        assert others > 1
        assert closed(silent)


def test_a_used_connection_lives_for_the_idle_time_however_short_the_time_for_a_head(trained: Path) -> None:
    with serving(trained, "--head-seconds", "0.1", "--idle-seconds", "3600") as running, connected(running) as used:
        used.sendall(LIVEZ + b"\r\n")
        assert answer(used).status == 200
        with connected(running) as silent:
            assert closed(silent)

        used.sendall(LIVEZ + b"\r\n")

        assert answer(used).status == 200


def test_an_idle_connection_and_a_rest_that_trickles_are_closed(trained: Path) -> None:
    flags = ("--idle-seconds", "1", "--body-seconds", "1")
    with serving(trained, *flags) as running, connected(running) as idle, connected(running) as trickling:
        idle.sendall(LIVEZ + b"\r\n")
        trickling.sendall(LIVEZ + b"content-length: 100000\r\n\r\n")
        assert (answer(idle).status, answer(trickling).status) == (200, 200)

        assert closed(idle)
        eventually(lambda: _cut_off(trickling, b"x"), lambda: "the rest may trickle for ever")


def test_the_longest_idle_connection_makes_room_for_a_new_one(trained: Path) -> None:
    with serving(trained, "--max-connections", "3") as running, ExitStack() as stack:
        first, *later = [stack.enter_context(connected(running)) for _ in range(4)]

        assert closed(first)
        for connection in later:
            connection.sendall(LIVEZ + b"\r\n")
            assert answer(connection).status == 200


def test_where_every_connection_is_busy_a_new_one_is_refused_until_one_is_free(trained: Path) -> None:
    with serving(trained, "--max-connections", "2") as running, ExitStack() as stack:
        busy = [stack.enter_context(connected(running)) for _ in range(2)]
        for connection in busy:
            connection.sendall(UNFINISHED)
        with connected(running) as refused:
            eventually(lambda: _refused(running), lambda: "it is let in")
            send_all_that_is_taken(refused, LIVEZ + b"\r\n")
        with connected(running) as another:
            said = answer(another)

        assert (said.status, said.headers["retry-after"], said.headers["connection"]) == (503, "1", "close")
        assert said.error == "the server is busy: too many connections are open; try again in 1 s"
        assert SECURITY.items() <= said.headers.items()
        busy[0].close()
        eventually(lambda: not _refused(running), lambda: "it stays refused")
        metrics = httpx.get(f"{running.address}/metrics").text
        assert 'copse_refused_requests_total{reason="connections"} 0' not in metrics


def _refused(running: RunningServer) -> bool:
    try:
        return httpx.get(f"{running.address}/livez").status_code == 503
    except httpx.TransportError:
        return True


def test_a_client_that_never_reads_is_cut_off_and_leaves_nothing_behind(trained: Path) -> None:
    body = json.dumps({"instances": [BENIGN] * 5_000}).encode()
    request = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with serving(trained, "--answer-seconds", "1") as running:
        eventually(lambda: ready(running.address), lambda: running.text)
        before = _sockets(running)
        with connected(running) as connection:
            connection.settimeout(0.5)
            eventually(lambda: _cut_off(connection, request), lambda: "it is served for ever")
            eventually(lambda: _sockets(running) <= before, lambda: "its socket is kept")
        assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).status_code == 200
        assert running.stop() == 0
        assert "Traceback" not in running.text


def _cut_off(connection: socket.socket, data: bytes) -> bool:
    """Send, and return whether the server has ended the connection; a full connection is not ended."""
    try:
        connection.sendall(data)
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def _sockets(running: RunningServer) -> int:
    count = 0
    for descriptor in Path(f"/proc/{running.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += str(descriptor.readlink()).startswith("socket:")
    return count
