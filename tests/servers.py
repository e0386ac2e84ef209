"""The real server as a process on a free port, for tests that talk HTTP to it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

DEADLINE_SECONDS = 30.0
ADDRESS = re.compile(r"https?://\S+?:\d+")


@dataclass
class RunningServer:
    """A server process, its address, and what it has written so far."""

    process: subprocess.Popen[str]
    written: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return http://host:port, or https://, once it is printed."""
        eventually(lambda: ADDRESS.search(self.text), lambda: f"no address was printed: {self.text}")
        found = ADDRESS.search(self.text)
        assert found
        return found.group().rstrip(",")

    @property
    def text(self) -> str:
        """Return all output so far."""
        return "".join(self.written)

    def says(self, words: str) -> None:
        """Wait until the server has written these words."""
        eventually(lambda: words in self.text, lambda: f"the server did not say {words!r} but: {self.text}")

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(signal_number)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def serving(
    models: Path, *flags: str, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[RunningServer]:
    """Run copse-serve over a model repository on a free port; it is ended when the block is left."""
    command = [
        *prefix,
        sys.executable,
        "-m",
        "serve.cli",
        "--models",
        str(models),
        "--port",
        "0",
        "--poll-seconds",
        "0.05",
        "--log-format",
        "text",
    ]
    process = subprocess.Popen(
        [*command, *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment if environment is not None else dict(os.environ),
    )
    server = RunningServer(process)
    reader = threading.Thread(target=_read, args=(server,))
    reader.start()
    try:
        yield server
    finally:
        end(process)
        reader.join()


def end(process: subprocess.Popen[str]) -> None:
    """End a program, if it has not ended yet: by force when it takes too long."""
    process.terminate()
    try:
        process.wait(DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _read(server: RunningServer) -> None:
    assert server.process.stdout
    with server.process.stdout as output:
        server.written.extend(output)


def eventually(holds: Callable[[], object], complaint: Callable[[], str], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something holds; fail with the complaint when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.01)


def ready(address: str) -> bool:
    """Return whether the server says that it is ready."""
    return httpx.get(f"{address}/readyz").status_code == httpx.codes.OK
