"""A trial before a version goes live: a child process loads it and answers its golden rows, within limits.

ONNX Runtime can load a graph that then never returns, takes all memory, or crashes the process. In the child that harms
nobody. Child and server get the same bytes, the ones whose digest was checked.

A child is a new interpreter, which takes a quarter of a second and 70 MB of its own. A server that starts has one ready
instead: forked while nothing but imports had been done, it shares these, and tries out all that the first look finds.
"""

import asyncio
import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from model_repository import PublishedVersion
from serve.errors import ModelRefused
from serve.trial_child import HEADER, PASSED, REFUSED, answer_trials

MEMORY_BYTES = 192 * 2**20  # the libraries need 128 MiB; a pod of 384 MiB holds server and child
MEMORY_BYTES_PER_MODEL_BYTE = 16
_MOST_READ = 2**16


class TrialFailed(ModelRefused):
    """The trial was not ended by the model's own answer; a busy node or a signal may be the reason."""


@dataclass(frozen=True)
class Child:
    """A process that tries out versions: the server's end of the socket to it, and how it is killed and waited for."""

    socket: socket.socket
    kill: Callable[[], None]
    wait: Callable[[], object]

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self.kill()
        self.socket.close()
        await asyncio.to_thread(self.wait)


def child_at_start() -> Child | None:
    """Return a copy of this process, which must not yet have threads, an event loop or secrets; None if that fails."""
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(ours, theirs), daemon=True)
    with theirs, contextlib.suppress(OSError):
        process.start()
        return Child(ours, process.kill, process.join)
    ours.close()
    return None


def _answer(ours: socket.socket, theirs: socket.socket) -> None:
    """Run in a forked child: let go of what is the server's."""
    ours.close()
    os.setsid()  # Ctrl-C is for the server
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    answer_trials(theirs.detach())


def _spawned_child() -> Child:
    """Return a new interpreter; raise OSError if it cannot be started."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "serve.trial_child", "0"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server
            )
        except OSError:
            ours.close()
            raise
    return Child(ours, process.kill, process.wait)


class Trials:
    """The trials of a server, one after another; `ready` is the child that takes the next ones, if there is one."""

    def __init__(self) -> None:
        self.ready: Child | None = None

    async def try_out(self, published: PublishedVersion, cpu_seconds: int) -> None:
        """Load a version in a child process and let it answer its golden rows.

        Raises:
            TrialFailed: the child could not be started, crashed, or was ended by a limit.
            ModelRefused: it cannot be loaded, or answers otherwise than the original model.

        The limits are CPU seconds, four times as many seconds in all, and 192 MiB of data plus 16 times the size of the
        model and its explanation.

        """
        explanation = published.explanation or b""
        memory = MEMORY_BYTES + MEMORY_BYTES_PER_MODEL_BYTE * (len(published.onnx) + len(explanation))
        outcome = await self._outcome(published, explanation, cpu_seconds, memory)
        if outcome.startswith(REFUSED):
            raise ModelRefused(outcome.removeprefix(REFUSED).decode(errors="replace"))
        if outcome != PASSED:
            raise TrialFailed(
                f"in its trial it crashed, or needed more than {cpu_seconds} CPU seconds or {memory} bytes"
            )

    async def _outcome(self, published: PublishedVersion, explanation: bytes, cpu_seconds: int, memory: int) -> bytes:
        """Return what a child said; one that was ready and let the version pass goes on to be."""
        was_ready = self.ready is not None
        try:
            child, self.ready = self.ready or _spawned_child(), None
        except OSError as error:
            raise TrialFailed(f"its trial could not be started ({error.strerror or type(error).__name__})") from None
        outcome = b""
        parts = published.manifest.encode(), published.onnx, explanation
        header = HEADER.pack(cpu_seconds, memory, *map(len, parts))
        try:
            async with asyncio.timeout(4 * cpu_seconds):
                outcome = await _ask(child.socket, header, *parts)
        except TimeoutError:
            raise TrialFailed(f"in its trial it did not answer within {4 * cpu_seconds} seconds") from None
        finally:
            if was_ready and outcome == PASSED:
                self.ready = child
            else:
                await child.end()
        return outcome

    async def let_go(self) -> None:
        """End the child that is ready, which keeps memory for itself that the server has changed since."""
        child, self.ready = self.ready, None
        if child:
            await child.end()


async def _ask(child: socket.socket, *message: bytes) -> bytes:
    """Send a child a version; return what it answers, nothing if it is gone."""
    loop = asyncio.get_running_loop()
    child.setblocking(False)  # noqa: FBT003 - as the event loop needs it
    try:
        for part in message:
            await loop.sock_sendall(child, part)
        outcome = await loop.sock_recv(child, _MOST_READ)
        while outcome.startswith(REFUSED) and (more := await loop.sock_recv(child, _MOST_READ)):
            outcome += more
    except ConnectionError:
        return b""
    return outcome
