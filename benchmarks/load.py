"""The load generators: wrk, as much as so many connections bear, and vegeta, at a rate whatever the answers."""

import base64
import csv
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.forms import Form, Numbers, Question
from benchmarks.paths import HERE, ROOT, WORK
from benchmarks.processes import on

VEGETA = ROOT / ".tools" / "vegeta"
TIMEOUT_SECONDS = 5  # after which an answer at a rate counts as failed


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured: requests a second, milliseconds, and requests that failed."""

    rate: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True)
class Shot:
    """One request at a rate: its status, 0 if there was none, how long it took in milliseconds, and its answer."""

    sent: float
    status: int
    milliseconds: float
    answer: bytes


class Bodies:
    """Prepared questions of one form, as both generators read them."""

    def __init__(self, form: Form, rows: Numbers, at_a_time: int = 1) -> None:
        blocks = [rows[start : start + at_a_time] for start in range(0, len(rows), at_a_time)]
        self.form = form
        self.questions = [form.ask(block) for block in blocks]
        WORK.mkdir(parents=True, exist_ok=True)
        self._file = WORK / "bodies"
        self._targets = WORK / "targets"

    def wrk(self, port: int, connections: int, seconds: float, cpu: int) -> Load:
        """Ask over so many connections, each as soon as it is answered."""
        bodies = (question.body for question in self.questions)
        self._file.write_bytes(b"".join(b"%d\n%b" % (len(body), body) for body in bodies))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(HERE / "wrk.lua")]
        headers = [word for pair in self.questions[0].headers.items() for word in pair]
        command += [f"http://127.0.0.1:{port}", "--", str(self._file), self.form.path, *headers]
        return read_wrk(_output([*on([cpu]), *command], seconds + 30))

    def vegeta(
        self, port: int, rate: float, seconds: float, cpu: int, *, most: int, answers: bool = False
    ) -> list[Shot]:
        """Ask at a rate, whether answers come or not, as long as one of the most connections is free.

        Returns every request, with its answer if that is wanted.
        """
        self._targets.write_text("".join(_target(port, self.form.path, each) for each in self.questions))
        attack = [str(VEGETA), "attack", "-format=json", f"-targets={self._targets}", f"-duration={seconds}s"]
        attack += [f"-rate={max(1, round(rate))}/1s", f"-timeout={TIMEOUT_SECONDS}s", f"-output={WORK / 'attack'}"]
        attack += ["-workers=64", f"-max-workers={most}", f"-connections={most}", *([] if answers else ["-max-body=0"])]
        _output([*on([cpu]), *attack], seconds + 6 * TIMEOUT_SECONDS + 30)
        return list(read_vegeta(_output([str(VEGETA), "encode", "-to=csv", str(WORK / "attack")], 120)))


def read_wrk(output: str) -> Load:
    """Read the JSON that wrk.lua prints at the end."""
    found = json.loads(output.strip().splitlines()[-1])
    rate = (found["requests"] - found["failed"]) / found["microseconds"] * 1e6
    return Load(max(0.0, rate), found["p50"] / 1000, found["p99"] / 1000, found["failed"])


def read_vegeta(table: str) -> Iterator[Shot]:
    """Read vegeta's CSV: time sent and time taken in nanoseconds, status, and the answer in base64."""
    for sent, status, taken, _, _, _, answer, *_ in csv.reader(table.splitlines()):
        yield Shot(int(sent) / 1e9, int(status), int(taken) / 1e6, base64.b64decode(answer))


def _target(port: int, path: str, question: Question) -> str:
    headers = {name: [value] for name, value in question.headers.items()}
    body = base64.b64encode(question.body).decode()
    url = f"http://127.0.0.1:{port}{path}"
    return json.dumps({"method": "POST", "url": url, "header": headers, "body": body}) + "\n"


def _output(command: list[str], seconds: float) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds).stdout
