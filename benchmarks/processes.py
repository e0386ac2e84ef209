"""Servers as processes: started on one CPU and a free port, looked at, and ended with all that they started."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Contender, Start
from benchmarks.environments import Environment
from benchmarks.forms import Form, Question
from benchmarks.model import Model
from benchmarks.paths import WORK

START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
END_SECONDS = 5.0
SPARE_PORTS = 2  # MLServer takes three, one after another


class CannotStart(Exception):
    """A server does not answer; the text says why."""


@dataclass(frozen=True)
class Memory:
    """Memory of a server with all that it started, in bytes: resident, and with shared pages divided among sharers."""

    resident: int
    proportional: int
    processes: int


@dataclass
class Running:
    """A server that was started, and when."""

    contender: Contender
    process: subprocess.Popen[bytes]
    port: int
    began: float
    log: Path

    def ask(self, form: Form, question: Question) -> tuple[int, bytes]:
        """Ask once on a connection of its own; return status and answer.

        Raises:
            OSError: it does not listen, or not answer in time.
            http.client.HTTPException: what it answers is not HTTP.

        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", form.path, question.body, question.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def first_answer(self, question: Question) -> tuple[float, bytes]:
        """Ask until it answers; return the seconds since it was started, and the answer.

        Raises:
            CannotStart: it ended, or did not answer in time.

        """
        while time.monotonic() - self.began < START_SECONDS:
            if self.process.poll() is not None:
                raise CannotStart(f"it ended with code {self.process.returncode}: {self._last_line()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, content = self.ask(self.contender.form, question)
                if status == http.client.OK:
                    return time.monotonic() - self.began, content
            time.sleep(0.002)
        raise CannotStart(f"no answer within {START_SECONDS:.0f} seconds: {self._last_line()}")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it wrote nothing"


@contextlib.contextmanager
def running(contender: Contender, environment: Environment, model: Model, cpus: list[int]) -> Iterator[Running]:
    """Start a server on these CPUs; it and all that it started is ended when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))  # a short path: Ray makes sockets in it
    start = Start(environment.programs, free_port(), model, folder)
    log = WORK / "logs" / f"{contender.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*on(cpus), *contender.command(start)],
            cwd=contender.folder,
            env=start.variables() | contender.settings(start),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(contender, process, start.port, time.monotonic(), log)
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def on(cpus: list[int]) -> list[str]:
    """Return what a command is preceded by to run on these CPUs."""
    return ["taskset", "-c", ",".join(map(str, cpus))]


def free_port() -> int:
    """Return a port that is free, as are the few after it."""
    while True:
        with contextlib.ExitStack() as sockets, contextlib.suppress(OSError):
            first = sockets.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            for further in range(1, SPARE_PORTS + 1):
                sockets.enter_context(socket.socket()).bind(("127.0.0.1", port + further))
            return port


def family(process_id: int) -> list[int]:
    """Return a process and all that it started, by parents and by session."""
    parents: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = (int(fields[1]), int(fields[3]))
    found = {process_id} | {each for each, (_, session) in parents.items() if session == process_id}
    while grown := {each for each, (parent, _) in parents.items() if parent in found} - found:
        found |= grown
    return sorted(found)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server as its supervisor would, and kill what is left of it after some seconds."""
    members = family(process.pid) if process.poll() is None else [process.pid]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.wait()


def memory_of(process_id: int) -> Memory:
    """Return what a process and all that it started take now."""
    resident = proportional = count = 0
    for process in family(process_id):
        with contextlib.suppress(OSError, KeyError):
            sizes = _sizes(Path(f"/proc/{process}/smaps_rollup"))
            resident, proportional, count = resident + sizes["Rss"], proportional + sizes["Pss"], count + 1
    return Memory(resident, proportional, count)


def _sizes(smaps: Path) -> dict[str, int]:
    lines = [line.split() for line in smaps.read_text().splitlines()[1:]]
    return {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines}
