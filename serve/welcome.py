"""What is said on the terminal once the server listens: where, and a curl line to paste."""

import socket
import sys

import numpy as np
import orjson

from serve.settings import Settings
from serve.watcher import Watcher


def address_of(listener: socket.socket, settings: Settings) -> str:
    """Return the address under which the listener is reached from here."""
    scheme = "https" if settings.tls_certificate else "http"
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def welcome(address: str, watcher: Watcher, options: str) -> str:
    """Return the address, and a curl line that works when pasted; the row is a model's first golden row."""
    serving = [slot.serving for slot in watcher.slots.values() if slot.serving]
    if not serving:
        problems = [slot.problem for slot in watcher.slots.values() if slot.problem]
        return f"serve    {address}, not ready: {'; '.join(problems) or watcher.problem}"
    names = ", ".join(f"{model.name} version {model.version}" for model in serving)
    path = "/predict" if len(watcher.slots) == 1 else f"/models/{serving[0].name}/predict"
    row = np.array(serving[0].manifest.golden.rows[0], dtype=np.float32)
    body = orjson.dumps({"features": row}, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    stop = "\n\nCtrl-C stops." if sys.stdin.isatty() else ""
    return (
        f"serve    {names} on {address}\n\n"
        f"curl -s {address}{path}{options} -H 'content-type: application/json' -d '{body}'{stop}"
    )
