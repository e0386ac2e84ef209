"""Fixtures that several test folders share: one real model, trained once a run."""

import shutil
from pathlib import Path

import pytest

from model_repository import PublishedVersion, read_version
from train.builtin import built_in
from train.job import run
from train.recipe import Recipe

MODEL = "breast-cancer"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model repository with the default model as version 1; tests must not change it."""
    root = tmp_path_factory.mktemp("trained")
    run(root, MODEL, built_in("breast-cancer"), Recipe())
    return root


@pytest.fixture
def repository(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the trained repository that a test may damage."""
    return Path(shutil.copytree(trained, tmp_path / "models"))


@pytest.fixture(scope="session")
def published(trained: Path) -> PublishedVersion:
    """Return the default model as it was published."""
    return read_version(trained, MODEL, 1)
