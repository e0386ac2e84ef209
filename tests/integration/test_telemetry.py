"""Nothing is told to anyone: the server makes no outbound connection and leaves no file in the user's home.

A seccomp filter kills the process at its first connect(), whoever calls it: Python, ONNX Runtime, or the resolver.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.examples import BENIGN
from tests.servers import serving

CONNECT = {"x86_64": 42, "aarch64": 203}
FORBID_CONNECT = """
import ctypes, os, struct, sys
NEW_PRIVILEGES, SECCOMP, FILTER, ALLOW, KILL = 38, 22, 2, 0x7FFF0000, 0x80000000
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (0x06, 0, 0, KILL), (0x06, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(NEW_PRIVILEGES, 1, 0, 0, 0) == 0
assert libc.prctl(SECCOMP, FILTER, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
"""
IMPORT = "import onnxruntime, time; time.sleep(0.3)"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in CONNECT, reason="seccomp filters are Linux's"
)


def environment(home: Path) -> dict[str, str]:
    """Return the environment without CI, in which ONNX Runtime would be silent by itself."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    return kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}


def forbidding() -> tuple[str, ...]:
    return (sys.executable, "-c", FORBID_CONNECT, str(CONNECT[platform.machine()]))


def test_the_server_connects_to_nobody_and_leaves_nothing_behind(trained: Path, tmp_path: Path) -> None:
    with serving(trained, environment=environment(tmp_path), prefix=forbidding()) as running:
        answer = httpx.post(f"{running.address}/predict", json={"features": BENIGN})
        assert answer.status_code == 200
        threads = [(task / "comm").read_text().strip() for task in Path(f"/proc/{running.process.pid}/task").iterdir()]
        assert running.stop() == 0

    assert list(tmp_path.rglob("*")) == []
    assert not any("telemetry" in name.lower() for name in threads)


def test_the_filter_kills_a_program_that_connects() -> None:
    """Without this the test above could pass with a filter that does nothing."""
    script = "import socket; socket.socket().connect(('127.0.0.1', 9))"
    ended = subprocess.run([*forbidding(), sys.executable, "-c", script], capture_output=True, check=False)

    assert ended.returncode == -31  # SIGSYS


def test_onnx_runtime_itself_would_leave_something(tmp_path: Path) -> None:
    """What the server switches off is really there to be switched off in the pinned version."""
    subprocess.run([sys.executable, "-c", IMPORT], env=environment(tmp_path), capture_output=True, check=True)

    assert list(tmp_path.rglob("*")) != []
