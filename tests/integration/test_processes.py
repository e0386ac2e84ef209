"""The programs as processes: how they start, what they say when they cannot, and how they end."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from model_repository import LARGEST_MODEL
from tests.examples import BENIGN
from tests.servers import DEADLINE_SECONDS, eventually, ready, serving
from train.builtin import built_in

ROOT = Path(__file__).parents[2]
# The terminal becomes that of the new session, so that Ctrl-C reaches make and the server as on a desk.
ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def server(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run copse-serve where it cannot start, and return what it said."""
    command = [sys.executable, "-m", "serve.cli", *flags]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=DEADLINE_SECONDS, check=False
    )


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_exit_code_0(trained: Path, signal_number: int) -> None:
    with serving(trained) as running:
        assert ready(running.address)
        begun = time.monotonic()

        assert running.stop(signal_number) == 0

        assert time.monotonic() - begun < DEADLINE_SECONDS / 2
        assert "Traceback" not in running.text


def test_a_draining_server_is_not_ready_and_still_answers_each_on_a_last_connection(trained: Path) -> None:
    with serving(trained, "--drain-seconds", "2") as running, httpx.Client(base_url=running.address) as client:
        assert client.post("/predict", json={"features": BENIGN}).headers.get("connection") is None
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: not ready(running.address), lambda: "it stays ready")

        answer = client.post("/predict", json={"features": BENIGN})

        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert client.get("/livez").status_code == 200
        assert running.process.wait(DEADLINE_SECONDS) == 0


def test_a_second_signal_ends_a_drain_at_once(trained: Path) -> None:
    with serving(trained, "--drain-seconds", "600") as running:
        assert ready(running.address)
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: not ready(running.address), lambda: "it stays ready")

        assert running.stop(signal.SIGINT) == 0


def test_a_taken_port_is_one_sentence(trained: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = server("--models", str(trained), "--port", str(taken.getsockname()[1]), "--log-format", "text")

    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("copse-serve: cannot listen on 127.0.0.1 port")
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("flags", "environment", "sentence"),
    [
        ([], {}, "--models or COPSE_MODELS must be given: the model repository, a folder"),
        (["--models", "m", "--port", "http"], {}, "--port must be a whole number from 0 to 65535"),
        (["--models", "m"], {"COPSE_MAX_ROWS": "0"}, "COPSE_MAX_ROWS must be a whole number from 1 to 10000000"),
        (["--models", "m"], {"COPSE_PORTS": "1"}, "COPSE_PORTS is no setting; see copse-serve --help"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_and_exit_code_2(
    flags: list[str], environment: dict[str, str], sentence: str
) -> None:
    said = server(*flags, **environment)

    assert said.returncode == 2
    assert said.stderr.startswith(f"copse-serve: {sentence}")
    assert said.stderr.count("\n") == 1


def test_help_names_every_setting_with_its_variable_and_default() -> None:
    said = " ".join(server("--help").stdout.split())

    assert "--max-body-bytes BYTES largest request body, in bytes [COPSE_MAX_BODY_BYTES, 16777216]" in said
    assert f"[COPSE_MAX_MODEL_BYTES, {LARGEST_MODEL}]" in said


@pytest.mark.parametrize("already", [False, True], ids=["nothing published", "a model published"])
def test_make_run_ends_with_a_curl_line_and_stops_cleanly_on_ctrl_c(
    tmp_path: Path, repository: Path, already: bool
) -> None:
    models = repository if already else tmp_path / "new"
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, "make", "--no-print-directory", "run", f"MODELS={models}", "PORT=0"],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    said = _read_until(controller, b"Ctrl-C stops.")
    steps = [b"fit", b"score", b"export", b"prove", b"publish"]
    assert all((b"\n" + step in b"\n" + said) is not already for step in steps)
    assert said.index(b"serve    breast-cancer version 1 on http://127.0.0.1:") < said.index(b"curl -s")

    os.write(controller, b"\x03")

    assert process.wait(DEADLINE_SECONDS) in (0, -signal.SIGINT, 2, 130)
    rest = _read_until(controller, b"no such text")
    assert b"Traceback" not in rest
    assert b"rror" not in rest
    os.close(controller)


def _read_until(terminal: int, words: bytes) -> bytes:
    """Read from a terminal until some words have come, or nothing more can."""
    read = b""
    deadline = time.monotonic() + 4 * DEADLINE_SECONDS
    while words not in read and time.monotonic() < deadline:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        read += chunk.replace(b"\r", b"")
    return read


def test_a_body_that_does_not_come_is_given_up_and_others_are_served_meanwhile(trained: Path) -> None:
    with serving(trained, "--body-seconds", "0.5") as running:
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as slow:
            slow.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
            assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).status_code == 200
            answer = slow.recv(65536)
            while not answer.endswith(b"}"):
                answer += slow.recv(65536)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b'{"error":"the body did not come within 0.5 seconds"}')


def test_a_request_that_outlives_the_time_to_shut_down_is_given_up_quietly(trained: Path) -> None:
    columns = built_in("breast-cancer").schema.names
    body = json.dumps({"instances": [dict(zip(columns, BENIGN, strict=True))] * 10_000}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with serving(trained, "--shutdown-seconds", "0", "--threads", "1") as running:
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as client:
            client.sendall(head + body)
            assert running.stop() == 0

    assert "Traceback" not in running.text
    assert "CancelledError" not in running.text
