"""Fixtures of the tests that read and run images."""

from pathlib import Path

import pytest

from scripts.image_sizes import Entry, own_entries
from tests.deploy.engine import SERVE, TRAIN, need_images


@pytest.fixture(scope="session")
def images() -> tuple[str, str]:
    """Return the names of both images, which are built."""
    need_images()
    return TRAIN, SERVE


@pytest.fixture(scope="session")
def entries(images: tuple[str, str]) -> dict[str, list[Entry]]:
    """Return all that each image adds to its base."""
    return {image: own_entries(image) for image in images}


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Return an empty folder that the user of an image may read."""
    tmp_path.chmod(0o755)
    return tmp_path
