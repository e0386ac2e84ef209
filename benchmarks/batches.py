"""Many rows a request, beside raw session.run on the same rows, and inference alone."""

import http.client
import subprocess
import sys
import time
from pathlib import Path

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
from benchmarks.stage import Stage

SIZES = (1_000, 10_000)
COPSE_FORMS = (forms.V2_BINARY, forms.V2, forms.PREDICT)
RAW = "raw"
SECONDS_TO_END = 120


def forms_of(contender: Contender) -> tuple[Form, ...]:
    """Return the forms in which a server is asked."""
    return COPSE_FORMS if contender.name == COPSE else (contender.form,)


def over_http(stage: Stage, server: Running, cpus: int = 1) -> None:
    """Send one prepared question over and over on one connection, in every form that the server has."""
    for form in forms_of(server.contender):
        for size in SIZES:
            rate = _rate(server, form, size, stage.plan.batch_seconds)
            stage.results.batches.append(Batch(server.contender.name, form.name, size, cpus, stage.round, rate))


def _rate(server: Running, form: Form, size: int, seconds: float) -> float:
    """Return rows a second; answers are read, not looked into."""
    question = form.ask(many_rows(size))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS_TO_END)
    try:
        _ask(connection, form, question)
        began, asked = time.perf_counter(), 0
        while time.perf_counter() - began < seconds or asked < 2:
            _ask(connection, form, question)
            asked += 1
        return asked * size / (time.perf_counter() - began)
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, form: Form, question: forms.Question) -> None:
    connection.request("POST", form.path, question.body, question.headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"{form.name} is answered with status {answer.status}")


def raw(stage: Stage) -> None:
    """Measure session.run in a process of its own, with one thread on one CPU and with two on two."""
    sizes = (*SIZES, INFERENCE_ROWS)
    files = [WORK / f"rows-{size}.npy" for size in sizes]
    for size, file in zip(sizes, files, strict=True):
        np.save(file, many_rows(size).astype(np.float32))
    program = [
        str(stage.environments[COPSE].programs / "python"),
        str(HERE / "limits" / "raw.py"),
        str(stage.model.onnx),
    ]
    for threads in (1, 2):
        command = [*program, str(threads), str(stage.plan.batch_seconds), *map(str, files)]
        for name, rate in _rates(on(stage.cpus[:threads]) + command).items():
            size = sizes[files.index(Path(name))]
            stage.results.batches.append(Batch(RAW, "session.run", size, threads, stage.round, rate))


def inference(stage: Stage) -> None:
    """Measure predict_proba of scikit-learn and predict of Copse, without HTTP."""
    program = [sys.executable, "-m", "benchmarks.inference", str(stage.model.repository), str(stage.model.forest)]
    for threads in (1, 2):
        command = [*program, str(threads), str(stage.plan.batch_seconds)]
        for server, rate in _rates(on(stage.cpus[:threads]) + command).items():
            stage.results.batches.append(Batch(server, "inference", INFERENCE_ROWS, threads, stage.round, rate))


def _rates(command: list[str]) -> dict[str, float]:
    """Return what a program prints: rows a second by what was measured."""
    done = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_TO_END, cwd=ROOT)
    return msgspec.json.decode(done.stdout, type=dict[str, float])
