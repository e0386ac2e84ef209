"""From the start of a process to its first right answer, and what memory it has then."""

import subprocess
import time

from benchmarks.contenders import COPSE
from benchmarks.model import real_rows
from benchmarks.paths import HERE
from benchmarks.processes import CannotStart, Memory, Running, memory_of, on
from benchmarks.results import Memory as Taken
from benchmarks.results import Start
from benchmarks.stage import Stage, is_right

IMPORTS = "imports"


def started(stage: Stage, server: Running, cpus: int = 1) -> None:
    """Wait for the first answer, and see that it is right.

    Raises:
        CannotStart: there is none, or it is wrong.

    """
    row = real_rows(1)
    contender = server.contender
    question = contender.form.ask(row)
    seconds, content = server.first_answer(question)
    expected = stage.model.probabilities(row)
    right = content == question.body if contender.echoes else is_right(contender.form, content, expected)
    if not right:
        raise CannotStart("its first answer is not scikit-learn's")
    stage.results.starts.append(Start(contender.name, cpus, stage.round, seconds))


def imports(stage: Stage, cpus: list[int]) -> None:
    """Import numpy, onnxruntime, starlette and uvicorn in a new process, and look at its memory."""
    python = str(stage.environments[COPSE].programs / "python")
    began = time.monotonic()
    with subprocess.Popen(
        [*on(cpus), python, str(HERE / "limits" / "imports.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"ORT_DISABLE_TELEMETRY": "1"},
    ) as process:
        if not (process.stdin and process.stdout and process.stdout.readline()):
            raise CannotStart("the environment of Copse cannot import what a server needs")
        stage.results.starts.append(Start(IMPORTS, len(cpus), stage.round, time.monotonic() - began))
        if len(cpus) == 1:
            remember(stage, IMPORTS, memory_of(process.pid), memory_of(process.pid))
        process.stdin.close()


def remember(stage: Stage, server: str, idle: Memory, loaded: Memory) -> None:
    """Store what a server took after its first answer, and under load."""
    taken = (idle.resident, idle.proportional, loaded.resident, loaded.proportional, loaded.processes)
    stage.results.memory.append(Taken(server, stage.round, *taken))
