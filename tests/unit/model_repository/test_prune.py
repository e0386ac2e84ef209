"""Pruning: never the current version, never the newest, and what killed publishers left after a day."""

import errno
import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import NoReturn

import pytest

from model_repository import Damaged, NotPublished, current_version, prune, publish, read_version, use, versions
from tests.factories import NAME, ONNX, manifest, publish_versions

HOUR = 60 * 60


def test_the_newest_versions_are_kept(tmp_path: Path) -> None:
    publish_versions(tmp_path, 5)
    assert prune(tmp_path, NAME, keep=2) == [1, 2, 3]
    assert versions(tmp_path, NAME) == [4, 5]
    assert prune(tmp_path, NAME, keep=2) == []
    assert {entry.name for entry in (tmp_path / NAME).iterdir()} == {"4", "5", "CURRENT", ".lock"}


def test_the_current_version_is_kept_however_old_and_the_newest_too(tmp_path: Path) -> None:
    publish_versions(tmp_path, 5)
    use(tmp_path, NAME, 2)
    assert prune(tmp_path, NAME, keep=1) == [1, 3, 4]
    assert read_version(tmp_path, NAME, current_version(tmp_path, NAME)).version == 2
    assert publish(tmp_path, manifest(), ONNX) == 6


@pytest.mark.parametrize("keep", range(1, 7))
@pytest.mark.parametrize("current", range(1, 6))
def test_for_every_keep_and_current_what_goes_is_old_and_unused(tmp_path: Path, current: int, keep: int) -> None:
    publish_versions(tmp_path, 5)
    use(tmp_path, NAME, current)
    removed = prune(tmp_path, NAME, keep)
    assert set(versions(tmp_path, NAME)) == set(range(6 - keep, 6)) & set(range(1, 6)) | {current}
    assert sorted([*removed, *versions(tmp_path, NAME)]) == [1, 2, 3, 4, 5]


def test_what_is_current_is_asked_only_when_nobody_else_can_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_versions(tmp_path, 3)
    current = tmp_path / NAME / "CURRENT"
    monkeypatch.setattr(fcntl, "flock", lambda *_: current.write_text("1\n"))  # whoever had the lock rolled back
    assert prune(tmp_path, NAME, keep=1) == [2]
    assert read_version(tmp_path, NAME, current_version(tmp_path, NAME)).version == 1


def test_at_least_one_is_kept(tmp_path: Path) -> None:
    publish_versions(tmp_path, 2)
    with pytest.raises(ValueError, match="keep at least 1"):
        prune(tmp_path, NAME, keep=0)
    assert versions(tmp_path, NAME) == [1, 2]


def test_an_unknown_model_is_not_published_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotPublished, match="no version of forest is published yet"):
        prune(tmp_path, NAME, keep=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["7\n", "junk"])
def test_where_current_names_nothing_nothing_is_removed(tmp_path: Path, content: str) -> None:
    publish_versions(tmp_path, 3)
    (tmp_path / NAME / "CURRENT").write_text(content)
    with pytest.raises(Damaged, match="CURRENT of forest"):
        prune(tmp_path, NAME, keep=1)
    assert versions(tmp_path, NAME) == [1, 2, 3]


def test_what_cannot_be_removed_is_an_error_and_not_called_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    publish_versions(tmp_path, 3)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="Read-only file system"):
        prune(tmp_path, NAME, keep=1)
    assert versions(tmp_path, NAME) == [1, 2, 3]


LEFT_BEHIND = (".draft-1", ".removed-1", ".CURRENT-1")


@pytest.mark.parametrize(("hours", "stays"), [(0, True), (23, True), (25, False)])
def test_what_a_killed_publisher_left_goes_after_a_day(tmp_path: Path, hours: int, *, stays: bool) -> None:
    publish_versions(tmp_path, 1)
    folder = tmp_path / NAME
    shutil.copytree(folder / "1", folder / ".draft-1")
    shutil.copytree(folder / "1", folder / ".removed-1")
    (folder / ".CURRENT-1").write_text("1\n")
    then = time.time() - hours * HOUR
    for entry in folder.iterdir():
        os.utime(entry, (then, then))
    assert prune(tmp_path, NAME, keep=1) == []
    assert [name for name in LEFT_BEHIND if (folder / name).exists()] == (list(LEFT_BEHIND) if stays else [])
    assert read_version(tmp_path, NAME, current_version(tmp_path, NAME)).version == 1


def test_hidden_things_of_others_stay_however_old(tmp_path: Path) -> None:
    publish_versions(tmp_path, 1)
    snapshot = tmp_path / NAME / ".snapshot"
    snapshot.mkdir()
    os.utime(snapshot, (0, 0))
    prune(tmp_path, NAME, keep=1)
    assert snapshot.is_dir()


def test_a_draft_that_becomes_a_version_meanwhile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_versions(tmp_path, 1)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / ".draft-gone", folder / "1"]))
    assert prune(tmp_path, NAME, keep=1) == []
