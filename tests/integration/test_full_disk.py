"""A disk that is really full: a small one of memory, mounted for the test."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from model_repository import PublishFailed, current_version, prune, publish, read_version
from tests.factories import NAME, manifest, publish_versions

PAGE = os.sysconf("SC_PAGE_SIZE")
MODEL = bytes(4 * PAGE)
MORE_THAN_A_VERSION_TAKES = 10  # pages: model 4, manifest 1, CURRENT 1; inodes: the folder and three files

Fill = Callable[[Path, int], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a mounted disk of 64 pages and 64 inodes."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={64 * PAGE},nr_inodes=64", "copse-test", str(tmp_path))
    except (OSError, subprocess.CalledProcessError) as error:
        _cannot_mount(error)
    yield tmp_path
    _run("umount", str(tmp_path))


def fill_pages(disk: Path, left: int) -> None:
    """Leave only so many pages free."""
    (disk / "filler").write_bytes(bytes((os.statvfs(disk).f_bfree - left) * PAGE))


def fill_inodes(disk: Path, left: int) -> None:
    """Leave only so many inodes free."""
    for number in range(os.statvfs(disk).f_ffree - left):
        (disk / f"filler-{number}").touch()


@pytest.mark.parametrize("fill", [fill_pages, fill_inodes])
def test_a_full_disk_is_one_sentence_and_changes_nothing_and_freeing_it_is_enough(disk: Path, fill: Fill) -> None:
    publish_versions(disk / "models", 1)
    outcomes = [_publishes_with(disk, fill, left) for left in range(MORE_THAN_A_VERSION_TAKES)]
    assert outcomes == sorted(outcomes), "more room never makes it worse"
    assert (outcomes[0], outcomes[-1]) == (False, True)


def _publishes_with(disk: Path, fill: Fill, left: int) -> bool:
    """Publish with little room left, then again with enough; say whether the first attempt succeeded."""
    root = disk / "models"
    before, current = _names(root), current_version(root, NAME)
    fill(disk, left)
    refusal = None
    try:
        _publish_whole(root)
    except PublishFailed as error:
        refusal = str(error)
    if refusal:
        assert refusal == "cannot publish a version of forest: No space left on device"
        assert _names(root) == before
        assert read_version(root, NAME, current_version(root, NAME)).version == current
    for entry in disk.glob("filler*"):
        entry.unlink()
    _publish_whole(root)
    prune(root, NAME, keep=1)
    return refusal is None


def _publish_whole(root: Path) -> None:
    version = publish(root, manifest(onnx=MODEL), MODEL)
    assert current_version(root, NAME) == version
    assert read_version(root, NAME, version).onnx == MODEL


def _names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=10)


def _cannot_mount(error: Exception) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"root in CI is expected to be able to mount a small disk: {error}")
    pytest.skip(f"this root may not mount a small disk: {error}")
