"""The child process of a trial: takes versions from the server, one after another, and says whether each holds.

It talks over one socket: of each version its limits and lengths, manifest, ONNX file and explanation come in, and one
byte goes out, after a refusal with the reason, which ends it. It also ends when the server closes the socket, or ends.
"""

import contextlib
import os
import resource
import struct
import sys
from typing import BinaryIO

from model_repository import Manifest, PublishedVersion
from serve.errors import ModelRefused

HEADER = struct.Struct("!5Q")  # CPU seconds, bytes of data, and the lengths of manifest, ONNX file and explanation
PASSED, REFUSED = b"\x01", b"\x02"


def answer_trials(socket: int) -> None:
    """Try what comes on a socket until it is closed, or a version is refused."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), open(socket, "rb") as incoming:
        while header := incoming.read(HEADER.size):
            cpu_seconds, memory, *lengths = HEADER.unpack(header)
            published = _receive(incoming, *lengths)
            _limit(cpu_seconds, memory)
            refusal = _try_out(published)
            if refusal:
                os.write(socket, REFUSED + refusal.encode())
                return
            del published
            os.write(socket, PASSED)


def _receive(incoming: BinaryIO, manifest: int, onnx: int, explanation: int) -> PublishedVersion:
    described = Manifest.decode(incoming.read(manifest))
    graph, explaining = incoming.read(onnx), incoming.read(explanation)
    return PublishedVersion(described.name, 0, described, graph, explaining if described.explanation else None)


def _limit(cpu_seconds: int, memory: int) -> None:
    """Bound this process from now on: CPU seconds, bytes of data (what it allocates), and no core file."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _bound(resource.RLIMIT_CPU, round(used.ru_utime + used.ru_stime) + cpu_seconds)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_DATA, memory)


def _bound(limit: int, value: int) -> None:
    """Set a limit for now: the next version may need a larger one."""
    most = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _try_out(published: PublishedVersion) -> str | None:
    """Load a version, let it answer its golden rows, and let go of it; return the reason if it is refused."""
    from serve.model import LoadedModel  # noqa: PLC0415 - where it is not loaded yet, within the limits

    try:
        LoadedModel(published)
    except ModelRefused as error:
        return str(error)
    return None


if __name__ == "__main__":
    answer_trials(int(sys.argv[1]))
