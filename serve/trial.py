"""A trial before a version goes live: a child process loads it and answers its golden rows, within limits.

ONNX Runtime can load a graph that then never returns, takes all memory, or crashes the process. In the child that harms
nobody. Child and server get the same bytes, the ones whose digest was checked.
"""

import asyncio
import os
import resource
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import BinaryIO

from model_repository import Manifest, PublishedVersion
from serve.errors import ModelRefused

REFUSED = 3
MEMORY_BYTES = 192 * 2**20  # the libraries need 128 MiB; a pod of 384 MiB holds server and child
MEMORY_BYTES_PER_MODEL_BYTE = 16
_LENGTH_BYTES = 8


class TrialFailed(ModelRefused):
    """The trial was not ended by the model's own answer; a busy node or a signal may be the reason."""


async def try_out(published: PublishedVersion, cpu_seconds: int) -> None:
    """Load a version in a child process and let it answer its golden rows.

    Raises:
        TrialFailed: the child could not be started, crashed, or was ended by a limit.
        ModelRefused: it cannot be loaded, or answers otherwise than the original model.

    The limits are CPU seconds, four times as many seconds in all, and 192 MiB of data plus 16 times the size of the
    model and its explanation.

    """
    manifest = published.manifest.encode()
    explanation = published.explanation or b""
    message = b"".join([len(manifest).to_bytes(_LENGTH_BYTES, "big"), manifest, published.onnx, explanation])
    memory = MEMORY_BYTES + MEMORY_BYTES_PER_MODEL_BYTE * (len(published.onnx) + len(explanation))
    try:
        child = await _start(cpu_seconds, memory)
    except OSError as error:
        raise TrialFailed(f"its trial could not be started ({error.strerror or type(error).__name__})") from None
    try:
        async with asyncio.timeout(4 * cpu_seconds):
            _, reason = await child.communicate(message)
    except TimeoutError:
        raise TrialFailed(f"in its trial it did not answer within {4 * cpu_seconds} seconds") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == REFUSED:
        raise ModelRefused(reason.decode(errors="replace").strip())
    if child.returncode:
        raise TrialFailed(f"in its trial it crashed, or needed more than {cpu_seconds} CPU seconds or {memory} bytes")


async def _start(cpu_seconds: int, memory: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "serve.trial", str(cpu_seconds), str(memory)),
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,  # Ctrl-C is for the server
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # its buffers grow with the machine's CPUs
    )


def _limit(cpu_seconds: int, memory: int) -> None:
    """Bound this process: CPU seconds, bytes of data (what it allocates), and no core file."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _receive(message: BinaryIO) -> PublishedVersion:
    manifest = Manifest.decode(message.read(int.from_bytes(message.read(_LENGTH_BYTES), "big")))
    onnx = message.read(manifest.onnx.size)
    explanation = message.read() if manifest.explanation else None
    return PublishedVersion(manifest.name, 0, manifest, onnx, explanation)


def main() -> int:
    """Try what comes on standard input; return 0, or 3 with the reason on standard error."""
    published = _receive(sys.stdin.buffer)
    _limit(*(int(text) for text in sys.argv[1:]))
    from serve.model import LoadedModel  # noqa: PLC0415 - ONNX Runtime is loaded within the limits

    try:
        LoadedModel(published)
    except ModelRefused as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
