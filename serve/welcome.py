"""What is said on the terminal once the server listens: where, and a curl line to paste."""

import json
import shlex
import socket
import sys
from collections.abc import Sequence

import numpy as np

from serve.decode import decode
from serve.errors import RequestError
from serve.model import LoadedModel
from serve.settings import Settings
from serve.signature import Value
from serve.watcher import Watcher


def address_of(listener: socket.socket, settings: Settings) -> str:
    """Return the address under which the listener is reached from here."""
    scheme = "https" if settings.tls_certificate else "http"
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def welcome(address: str, watcher: Watcher, options: str) -> str:
    """Return the address, and a curl line that works when pasted; the row is a model's example or golden row."""
    serving = [slot.serving for slot in watcher.slots.values() if slot.serving]
    if not serving:
        problems = [slot.problem for slot in watcher.slots.values() if slot.problem]
        return f"serve    {address}, not ready: {'; '.join(problems) or watcher.problem}"
    names = ", ".join(f"{model.name} version {model.version}" for model in serving)
    path = "/predict" if len(watcher.slots) == 1 else f"/models/{serving[0].name}/predict"
    stop = "\n\nCtrl-C stops." if sys.stdin.isatty() else ""
    body = shlex.quote(example_body(serving[0]))
    return (
        f"serve    {names} on {address}\n\n"
        f"curl -s {address}{path}{options} -H 'content-type: application/json' -d {body}{stop}"
    )


def example_body(model: LoadedModel) -> str:
    """Return a body that is answered, of the example or golden row with the fewest values missing or unknown."""
    real = [*(example.row for example in model.manifest.examples), *model.manifest.golden.rows]
    rows = sorted(real, key=lambda row: _surprises(row, model))
    answered = (body for body in map(_body, rows) if _is_answered(body, model))
    return next(answered, _body(rows[0]))


def _surprises(row: Sequence[Value], model: LoadedModel) -> int:
    texts = model.signature.texts
    unknown = sum(row[index] not in vocabulary.categories for index, vocabulary in texts.items() if row[index])
    return unknown + list(row).count(None)


def _body(row: Sequence[Value]) -> str:
    """Return a row as JSON in ASCII, which any terminal can show, its numbers as short as float32 allows."""
    values = [float(str(np.float32(value))) if isinstance(value, float) else value for value in row]
    return json.dumps({"features": values}, separators=(",", ":"))


def _is_answered(body: str, model: LoadedModel) -> bool:
    try:
        decode(body.encode(), model.signature, 1)
    except RequestError:
        return False
    return True
