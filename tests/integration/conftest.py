"""One server over the default model, shared by the tests that only ask it things."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from model_repository import PublishedVersion, read_version
from tests.certificates import Pair, make_pair
from tests.conftest import MODEL
from tests.examples import forest_of
from tests.servers import RunningServer, serving
from train.builtin import built_in
from train.data import TrainingData
from train.job import run
from train.schema import Schema


@pytest.fixture(scope="session")
def server(trained: Path) -> Iterator[RunningServer]:
    """Return a running server; tests must not stop it."""
    with serving(trained, "--max-rows", "1000", "--max-body-bytes", "1000000") as running:
        assert running.address
        yield running


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    """Return two certificates with their keys, the second to take the first one's place."""
    folder = tmp_path_factory.mktemp("pairs")
    return make_pair(folder, "first"), make_pair(folder, "second")


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """Return an HTTP client of the running server."""
    with httpx.Client(base_url=server.address, timeout=30) as http:
        yield http


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> PublishedVersion:
    """Return a smaller forest over the columns of the default model, whose answers differ."""
    root = tmp_path_factory.mktemp("other")
    run(root, MODEL, built_in("breast-cancer"), forest_of(5, seed=7))
    return read_version(root, MODEL, 1)


@pytest.fixture(scope="session")
def holed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose model was trained with missing values in the first of its two columns."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 2)).astype(np.float32)
    targets = (rows.sum(axis=1) > 0).astype(np.int64)
    rows[random.random(200) < 0.2, 0] = np.nan
    root = tmp_path_factory.mktemp("holed")
    run(
        root,
        "holed",
        TrainingData("holed", Schema.of_numbers(["sometimes", "always"]), rows, targets, [0, 1], ["no", "yes"]),
        forest_of(20),
    )
    return root
