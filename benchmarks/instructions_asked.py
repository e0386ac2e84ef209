"""What is asked while instructions are counted, as bytes that come on a connection."""

from pathlib import Path

import msgspec

from benchmarks.forms import PREDICT, V2_BINARY, Form, Numbers
from benchmarks.instructions_counted import Situation
from benchmarks.model import real_rows

DISTINCT = 64  # rows that are asked for in turn
UNUSUAL = {"accept": "text/html"}  # whoever asks so is answered by the application


def situations(turns: int) -> list[Situation]:
    """Return all situations, each with so many requests to be counted, or so many turns of sixteen."""
    single, binary = _requests(PREDICT), _requests(V2_BINARY)
    return [
        Situation("/predict, one in a turn", single, 1, turns),
        Situation("/predict, sixteen in a turn", single, 16, turns // 8),
        Situation("v2 binary, one in a turn", binary, 1, turns),
        Situation("/predict by the application", _requests(PREDICT, UNUSUAL), 1, turns, direct=False),
    ]


def prepare(folder: Path, turns: int) -> list[Situation]:
    """Write down what is asked where the process that is counted reads it; return it."""
    asked = situations(turns)
    (folder / "asked").write_bytes(msgspec.msgpack.encode(asked))
    return asked


def _requests(form: Form, more: dict[str, str] | None = None) -> list[bytes]:
    return [_request(form, row, more or {}) for row in real_rows(DISTINCT)[:, None]]


def _request(form: Form, row: Numbers, more: dict[str, str]) -> bytes:
    question = form.ask(row)
    headers = {"host": "127.0.0.1:8000", **question.headers, **more, "content-length": str(len(question.body))}
    lines = [f"POST {form.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + question.body
