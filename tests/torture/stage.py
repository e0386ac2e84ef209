"""What all scenarios share: two published models whose answers differ, the load generator, and how to wait."""

import contextlib
import io
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np

from model_repository import PublishedVersion, publish, read_version, use
from tests.examples import forest_of
from tests.servers import RunningServer, eventually, serving
from tests.torture.generator import Generator
from tests.torture.results import Row
from tests.torture.wire import Plan, Question, Stream
from train.builtin import built_in
from train.job import run
from train.recipe import Recipe

MODEL = "breast-cancer"
RECIPES = (Recipe(), forest_of(100, seed=7))
MOST_ROWS = 3000
BATCH_ROWS, LARGE_ROWS = 100, 2000
SINGLES, CANDIDATES = 16, 64  # rows half-way between the classes, where the two models differ most


class Asked(msgspec.Struct, frozen=True):
    """A request body, and what each of the two models answers to it."""

    body: bytes
    status: int
    answers: tuple[bytes, bytes]


@dataclass
class Stage:
    """The means of a scenario; `short` makes it about ten times smaller."""

    folder: Path
    generator: Generator
    short: bool
    say: Callable[[str], None]
    models: list[PublishedVersion] = field(default_factory=list)
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def prepare(self) -> None:
        """Train both models, and ask each one all that will be asked."""
        root = self.folder / "trained"
        with contextlib.redirect_stdout(io.StringIO()):
            for recipe in RECIPES:
                run(root, MODEL, built_in("breast-cancer"), recipe)
        self.models = [read_version(root, MODEL, version) for version in (1, 2)]
        bodies = _bodies()
        answers = [_answers(root, version, [body for kind in bodies.values() for body in kind]) for version in (1, 2)]
        both = iter(zip(*answers, strict=True))
        for kind, several in bodies.items():
            self.asked[kind] = [_asked(body, next(both)) for body in several]
        for kind in ("single", "by name"):
            self.asked[kind] = [asked for asked in self.asked[kind] if asked.answers[0] != asked.answers[1]][:SINGLES]
            assert len(self.asked[kind]) == SINGLES

    def repository(self, *which: int) -> Path:
        """Return a new repository with these of the two models as versions 1, 2 ..."""
        root = self.folder / f"repository-{next(self._numbers)}"
        for index in which:
            self.publish(root, index)
        return root

    def publish(self, root: Path, which: int) -> int:
        """Publish one of the two models, and return its version."""
        model = self.models[which]
        return publish(root, model.manifest, model.onnx, model.explanation)

    def questions(self, kind: str, versions: dict[int, int]) -> list[Question]:
        """Return requests with the answers of each version, given which of the two models each version is."""
        return [
            Question(
                "/predict",
                asked.body,
                {str(version): asked.answers[which] for version, which in versions.items()}
                if asked.status == httpx.codes.OK
                else {"": asked.answers[0]},
                asked.status,
            )
            for asked in self.asked[kind]
        ]

    def steady(self, port: int, versions: dict[int, int], rate: float = 300.0, **options: Any) -> Plan:
        """Return a plan: single rows at a steady rate, half over kept connections and half over new ones."""
        questions = self.questions("single", versions)
        return Plan(
            port,
            {
                "kept": Stream(questions, 32, rate=rate / 2),
                "new": Stream(questions, 64, keep=False, rate=rate / 2),
            },
            **options,
        )

    def smaller(self, full: int) -> int:
        """Return a count or a number of seconds, a tenth of it when short."""
        return max(1, full // 10) if self.short else full


Run = Callable[[Stage], Iterator[Row]]


def port(running: RunningServer) -> int:
    """Return where a server listens."""
    found = httpx.URL(running.address).port
    assert found
    return found


def index(running: RunningServer) -> list[dict[str, str]]:
    """Return what the server says of its versions."""
    entries: list[dict[str, str]] = httpx.get(f"{running.address}/v2/repository/index").json()
    return entries


def wait_for_version(running: RunningServer, version: int) -> float:
    """Wait until a version serves; return the seconds that it took."""
    began = time.monotonic()

    def serves() -> bool:
        return any(entry["version"] == str(version) and entry["state"] == "READY" for entry in index(running))

    eventually(serves, lambda: f"version {version} does not serve: {index(running)}")
    return time.monotonic() - began


@contextlib.contextmanager
def noting(faults: list[str], kind: type[Exception] = AssertionError) -> Iterator[None]:
    """Note what does not hold in the block, instead of ending the scenario."""
    try:
        yield
    except (AssertionError, kind) as fault:
        faults.append(str(fault))


def remove(root: Path) -> None:
    """Remove a repository that is no longer needed."""
    shutil.rmtree(root, ignore_errors=True)


def _bodies() -> dict[str, list[bytes]]:
    data = built_in("breast-cancer")
    rows = (data.rows[data.targets == 0][:CANDIDATES] + data.rows[data.targets == 1][:CANDIDATES]) / np.float32(2)
    many = np.tile(data.rows, (4, 1))
    encode = msgspec.json.encode
    return {
        "single": [encode({"features": row.tolist()}) for row in rows],
        "batch": [encode({"instances": many[start : start + BATCH_ROWS].tolist()}) for start in range(0, 400, 100)],
        "large": [encode({"instances": many[:LARGE_ROWS].tolist()})],
        "by name": [encode({"features": dict(zip(data.schema.names, row.tolist(), strict=True))}) for row in rows],
        "bad": [
            b'{"features": [1.0, 2.0',
            encode({"features": [1.0] * 29}),
            encode({"features": ["a number", *[1.0] * 29]}),
            encode({"instances": [[1.0]] * (MOST_ROWS + 1)}),
        ],
    }


def _answers(root: Path, version: int, bodies: list[bytes]) -> list[httpx.Response]:
    use(root, MODEL, version)
    with serving(root, "--max-rows", str(MOST_ROWS)) as running:
        address = f"{running.address}/predict"
        json = {"content-type": "application/json"}
        return [httpx.post(address, content=body, headers=json) for body in bodies]


def _asked(body: bytes, responses: tuple[httpx.Response, ...]) -> Asked:
    first, second = responses
    assert first.status_code == second.status_code
    return Asked(body, first.status_code, (first.content, second.content))
