"""Each example in docs/clients.md runs as it stands, prints what /predict answers, and tells an error in one line."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest

from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.programs import CLIENTS, missing, program
from tests.servers import serving

TEXT = (Path(__file__).parents[2] / "docs/clients.md").read_text()
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST_NUMBER = re.compile(r"\b11\.85, ")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")
SUFFIXES = {"sh": "sh", "python": "py", "javascript": "mjs", "go": "go"}


class Example(NamedTuple):
    """A program of the docs, in its language."""

    language: str
    code: str

    def command(self, file: Path) -> list[str]:
        """Return how it is run; what is missing on this machine skips the test."""
        if "tritonclient" in self.code:
            return [str(CLIENTS) if CLIENTS.exists() else missing("make clients has not been run"), str(file)]
        programs = {"sh": ["sh"], "javascript": ["node"], "go": ["go", "run"]}
        if self.language == "python":
            return [sys.executable, str(file)]
        first, *rest = programs[self.language]
        return [program(first), *rest, str(file)]


class Addresses(NamedTuple):
    """Where a server is."""

    http: str
    grpc: str


EXAMPLES = [Example(*found) for found in FENCED.findall(TEXT)]
each_example = pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{number}-{example.language}" for number, example in enumerate(EXAMPLES)]
)


@pytest.fixture(scope="module")
def served(trained: Path) -> Iterator[Addresses]:
    with serving(trained, "--grpc-port", "0") as running:
        running.says("gRPC on ")
        found = re.search(r"gRPC on (\S+)", running.text)
        assert found
        yield Addresses(running.address.removeprefix("http://"), found[1])


def run(example: Example, served: Addresses, folder: Path, row: list[float]) -> subprocess.CompletedProcess[str]:
    """Run an example in a folder whose docs/benign.json holds a row; one that is short is short in the code too."""
    (folder / "docs").mkdir()
    (folder / "docs/benign.json").write_text(json.dumps({"features": row}))
    code = example.code.replace("127.0.0.1:8000", served.http).replace("127.0.0.1:8001", served.grpc)
    file = folder / f"example.{SUFFIXES[example.language]}"
    file.write_text(code if len(row) == len(BENIGN) else FIRST_NUMBER.sub("", code))
    command = example.command(file)
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=environment()
    )


def environment() -> dict[str, str]:
    """Return the environment for examples: Go needs no other machine for them."""
    return dict(os.environ) | {"GOTOOLCHAIN": "local", "GOPROXY": "off"}


def printed(said: str) -> list[np.float32]:
    """Return the class and the probabilities that were printed, whatever is around them."""
    if said.startswith("{"):
        body = json.loads(said)
        outputs = {each["name"]: each["data"] for each in body.get("outputs", [])} or body
        return [
            *np.array(outputs.get("label", [outputs.get("prediction")]), "f4"),
            *as_float32(outputs["probabilities"]),
        ]
    return as_float32(NUMBER.findall(said))


def as_float32(values: list[float] | list[str]) -> list[np.float32]:
    return [np.float32(value) for value in values]


def test_there_are_examples_in_every_language() -> None:
    assert [example.language for example in EXAMPLES] == [
        *("sh", "sh", "python", "python", "python", "javascript", "go")
    ]


@each_example
def test_an_example_prints_what_predict_answers(example: Example, served: Addresses, tmp_path: Path) -> None:
    answer = httpx.post(f"http://{served.http}/models/{MODEL}/predict", json={"features": BENIGN}).json()
    ran = run(example, served, tmp_path, BENIGN)

    assert ran.returncode == 0, ran.stderr
    assert printed(ran.stdout) == as_float32([answer["prediction"], *answer["probabilities"]])


@each_example
def test_an_example_tells_an_error_with_its_sentence(example: Example, served: Addresses, tmp_path: Path) -> None:
    wrong = run(example, served, tmp_path, BENIGN[1:])
    told = wrong.stdout + wrong.stderr

    assert wrong.returncode != 0
    assert re.search("422|INVALID_ARGUMENT", told), told
    assert re.search(r"a row has 29 numbers; expected 30|input 1 of 1 has", told), told
    assert "Traceback" not in told
