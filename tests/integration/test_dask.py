"""A forest fitted on a Dask cluster: a real scheduler and two workers, each a process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed
import pytest

from model_repository import read_version, versions
from tests.servers import eventually
from train import cli

MODEL = "wine"


@contextmanager
def program(*arguments: str) -> Iterator[None]:
    """Run a program of Dask until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Start a scheduler with two workers; return its address."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as programs:
        local = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
        programs.enter_context(program("distributed.cli.dask_scheduler", "--port", "0", *local))
        eventually(
            lambda: file.exists() and file.read_text().endswith("}"), lambda: "the scheduler has written no file"
        )
        for number in (1, 2):
            folder = tmp_path / f"worker-{number}"
            own = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
            programs.enter_context(program("distributed.cli.dask_worker", *own, *local))
        address = str(json.loads(file.read_text())["address"])
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address


def test_a_forest_fitted_on_two_workers_is_published_in_the_same_bytes(tmp_path: Path, scheduler: str) -> None:
    arguments = ["--models", str(tmp_path), "--data", MODEL, "--trees", "40", "--force"]
    assert cli.main(arguments) == 0
    assert cli.main([*arguments, "--backend", "dask", "--scheduler", scheduler]) == 0

    local, distributed = (read_version(tmp_path, MODEL, version) for version in (1, 2))
    assert local.onnx == distributed.onnx
    assert local.manifest.provenance.inputs == distributed.manifest.provenance.inputs


def test_a_scheduler_that_does_not_answer_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.estimators.backend.SECONDS_TO_CONNECT", 1)
    arguments = ["--models", str(tmp_path), "--data", MODEL, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    assert cli.main(arguments) == 1

    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("copse-train: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert "Traceback" not in said
    assert not (tmp_path / MODEL).exists() or versions(tmp_path, MODEL) == []
