"""Many rows a request, beside raw session.run on the same rows, and inference alone."""

import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import msgspec
import numpy as np

from benchmarks import forms
from benchmarks.contenders import COPSE, Contender
from benchmarks.forms import Form
from benchmarks.inference import ROWS as INFERENCE_ROWS
from benchmarks.model import many_rows
from benchmarks.paths import HERE, ROOT, WORK
from benchmarks.processes import Running, on
from benchmarks.results import Batch
from benchmarks.stage import Stage, rotated

SIZES = (1_000, 10_000)
COPSE_FORMS = (forms.V2_BINARY, forms.V2, forms.PREDICT)
CONNECTIONS = 2
RAW = "raw"
SECONDS_TO_END = 120


def forms_of(contender: Contender) -> tuple[Form, ...]:
    """Return the forms in which a server is asked."""
    return COPSE_FORMS if contender.name == COPSE else (contender.form,)


def over_http(stage: Stage, server: Running) -> None:
    """Send one prepared question over and over."""
    for size in SIZES:
        contender, rate = server.contender, _rate(stage, server, size)
        stage.results.batches.append(Batch(contender.name, contender.form.name, size, 1, stage.round, rate))


def beside_raw(stage: Stage, server: Running, cpus: int) -> None:
    """Do so with Copse in every form that it has, right after session.run with as many threads as it has CPUs."""
    with _raw(stage, cpus) as raw:
        for size in SIZES:
            found = [Batch(RAW, "session.run", size, cpus, stage.round, raw(size))]
            for form in rotated(COPSE_FORMS, stage.round):
                rate = _rate(stage, server, size, form)
                found.append(Batch(COPSE, form.name, size, cpus, stage.round, rate))
            stage.results.batches += found


def _rate(stage: Stage, server: Running, size: int, form: Form | None = None) -> float:
    """Return rows a second over two connections, so that a question waits while the other's answer is read."""
    chosen = form or server.contender.form
    question = chosen.ask(many_rows(size))
    with ThreadPoolExecutor(CONNECTIONS) as pool, ExitStack() as stack:
        connections = [stack.enter_context(closing(_connected(server))) for _ in range(CONNECTIONS)]
        for connection in connections:
            _ask(connection, chosen, question)
        began = time.perf_counter()
        until = began + stage.plan.batch_seconds
        asked = sum(pool.map(lambda connection: _asked(connection, chosen, question, until), connections))
        return asked * size / (time.perf_counter() - began)


def _connected(server: Running) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS_TO_END)


def _asked(connection: http.client.HTTPConnection, form: Form, question: forms.Question, until: float) -> int:
    """Ask until a time, at least twice; return how often."""
    asked = 0
    while asked < 2 or time.perf_counter() < until:
        _ask(connection, form, question)
        asked += 1
    return asked


def _ask(connection: http.client.HTTPConnection, form: Form, question: forms.Question) -> None:
    """Ask once; the answer is read, not looked into."""
    connection.request("POST", form.path, question.body, question.headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"{form.name} is answered with status {answer.status}")


def inference(stage: Stage) -> None:
    """Measure scikit-learn's predict_proba, Copse's predict and session.run on the same rows, without HTTP."""
    program = [sys.executable, "-m", "benchmarks.inference", str(stage.model.repository), str(stage.model.forest)]
    for threads in (1, 2):
        command = [*on(stage.cpus[:threads]), *program, str(threads), str(stage.plan.batch_seconds)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_TO_END, cwd=ROOT)
        rates = msgspec.json.decode(done.stdout, type=dict[str, float])
        with _raw(stage, threads) as raw:
            rates[RAW] = raw(INFERENCE_ROWS)
        for server, rate in rates.items():
            form = "session.run" if server == RAW else "inference"
            stage.results.batches.append(Batch(server, form, INFERENCE_ROWS, threads, stage.round, rate))


@contextmanager
def _raw(stage: Stage, threads: int) -> Iterator[Callable[[int], float]]:
    """Give what measures session.run in a process of its own, in rows a second, by how many rows a call has."""
    program = [str(stage.environments[COPSE].programs / "python"), str(HERE / "limits" / "raw.py")]
    command = [*on(stage.cpus[:threads]), *program, str(stage.model.onnx), str(threads), str(stage.plan.batch_seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def rate(size: int) -> float:
            file = WORK / f"rows-{size}.npy"
            np.save(file, many_rows(size).astype(np.float32))
            print(file, file=process.stdin, flush=True)
            return float(process.stdout.readline() if process.stdout else "nan")

        yield rate
