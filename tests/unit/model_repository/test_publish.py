"""Publishing, and choosing which version is current."""

import errno
import fcntl
import importlib
import math
import os
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from model_repository import (
    Damaged,
    InvalidName,
    NotPublished,
    PublishFailed,
    current_version,
    models,
    publish,
    read_version,
    use,
    versions,
)
from model_repository.files import write_new
from tests.factories import NAME, ONNX, manifest, publish_versions

publishing = importlib.import_module("model_repository.publish")  # the package's `publish` is the function


def test_versions_are_numbered_from_one_and_the_newest_is_current(tmp_path: Path) -> None:
    root = tmp_path / "folders" / "to make"
    for number in (1, 2, 3):
        assert publish(root, manifest(), ONNX) == number
        assert current_version(root, NAME) == number
    assert versions(root, NAME) == [1, 2, 3]


def test_the_layout_on_disk_is_the_documented_one(tmp_path: Path) -> None:
    publish(tmp_path, manifest(), ONNX)
    folder = tmp_path / NAME
    assert sorted(entry.name for entry in folder.iterdir()) == [".lock", "1", "CURRENT"]
    assert sorted(entry.name for entry in (folder / "1").iterdir()) == ["model.json", "model.onnx"]
    assert (folder / "CURRENT").read_bytes() == b"1\n"
    assert (folder / "1" / "model.onnx").read_bytes() == ONNX
    assert (folder / "1" / "model.json").read_bytes() == manifest().encode()


def test_models_have_their_own_numbers(tmp_path: Path) -> None:
    publish_versions(tmp_path, 2)
    assert publish(tmp_path, manifest("other"), ONNX) == 1
    assert models(tmp_path) == [NAME, "other"]
    assert current_version(tmp_path, NAME) == 2


def test_a_number_lower_than_the_highest_is_not_given_again(tmp_path: Path) -> None:
    publish_versions(tmp_path, 3)
    (tmp_path / NAME / "2").rename(tmp_path / "elsewhere")
    assert publish(tmp_path, manifest(), ONNX) == 4


def test_a_manifest_of_other_bytes_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="SHA-256 differs"):
        publish(tmp_path, manifest(), ONNX[::-1])
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_reaches_outside_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidName):
        publish(tmp_path, manifest("../outside"), ONNX)
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_that_no_reader_would_accept_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_number = msgspec.structs.replace(manifest(), metrics={"accuracy": math.nan})
    contradictory = msgspec.structs.replace(manifest(), columns=manifest().columns[:1])
    for refused in (without_number, contradictory):
        with pytest.raises(Damaged, match="the manifest"):
            publish(tmp_path, refused, ONNX)
    monkeypatch.setattr(publishing, "LARGEST_MANIFEST", 1000)
    with pytest.raises(Damaged, match="more than the 1000 allowed"):
        publish(tmp_path, manifest(), ONNX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["9\n", "junk", ""])
def test_a_current_that_names_nothing_is_mended_by_the_next_publish(tmp_path: Path, content: str) -> None:
    publish_versions(tmp_path, 2)
    (tmp_path / NAME / "CURRENT").write_text(content)
    assert publish(tmp_path, manifest(), ONNX) == 3
    assert current_version(tmp_path, NAME) == 3


def test_rolling_back_and_forward_again(tmp_path: Path) -> None:
    contents = publish_versions(tmp_path, 3)
    for number in (1, 3, 2):
        use(tmp_path, NAME, number)
        assert read_version(tmp_path, NAME, current_version(tmp_path, NAME)).onnx == contents[number - 1]
    assert publish(tmp_path, manifest(), ONNX) == 4
    assert current_version(tmp_path, NAME) == 4


def test_only_a_published_version_can_become_current(tmp_path: Path) -> None:
    publish_versions(tmp_path, 2)
    with pytest.raises(NotPublished, match="forest has no version 3; it has 1, 2"):
        use(tmp_path, NAME, 3)
    with pytest.raises(NotPublished, match="other has no version 1; it has none"):
        use(tmp_path, "other", 1)
    assert current_version(tmp_path, NAME) == 2
    assert models(tmp_path) == [NAME]


def test_a_version_pruned_while_waiting_for_the_lock_does_not_become_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_versions(tmp_path, 2)
    monkeypatch.setattr(fcntl, "flock", lambda *_: (tmp_path / NAME / "1").rename(tmp_path / "pruned"))
    with pytest.raises(NotPublished, match="forest has no version 1; it has 2"):
        use(tmp_path, NAME, 1)
    assert current_version(tmp_path, NAME) == 2


@pytest.mark.parametrize("in_the_way", ["model", "root"])
def test_a_file_where_a_folder_should_be_is_one_sentence(tmp_path: Path, in_the_way: str) -> None:
    root = tmp_path / "root"
    path = root if in_the_way == "root" else root / NAME
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(PublishFailed, match=r"^cannot publish a version of forest: Not a directory$"):
        publish(root, manifest(), ONNX)
    assert path.is_file()


def test_a_version_that_appears_meanwhile_keeps_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_versions(tmp_path, 3)
    monkeypatch.setattr(publishing, "versions", lambda *_: [1])
    assert publish(tmp_path, manifest(), ONNX) == 4
    assert read_version(tmp_path, NAME, 2).onnx == b"model 2 of forest"


def test_without_locks_a_later_publishers_version_stays_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_versions(tmp_path, 1)
    monkeypatch.setattr(fcntl, "flock", _refused(errno.ENOLCK))
    real = publishing._take_number

    def overtaken(root: Path, model: str, draft: Path) -> int:
        number: int = real(root, model, draft)
        monkeypatch.setattr(publishing, "_take_number", real)
        assert publish(root, manifest(), ONNX) == number + 1
        return number

    monkeypatch.setattr(publishing, "_take_number", overtaken)
    assert publish(tmp_path, manifest(), ONNX) == 2
    assert versions(tmp_path, NAME) == [1, 2, 3]
    assert current_version(tmp_path, NAME) == 3


def test_a_lock_that_fails_in_earnest_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", _refused(errno.EIO))
    with pytest.raises(PublishFailed, match="Input/output error"):
        publish(tmp_path, manifest(), ONNX)
    assert versions(tmp_path, NAME) == []


def test_a_volume_that_cannot_flush_folders_can_still_be_published_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def files_only(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    assert publish(tmp_path, manifest(), ONNX) == 1


def test_an_error_of_the_system_without_a_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexplained(*_: object) -> NoReturn:
        raise TimeoutError

    monkeypatch.setattr(os, "mkdir", unexplained)
    with pytest.raises(PublishFailed, match=r"^cannot publish a version of forest: TimeoutError$"):
        publish(tmp_path, manifest(), ONNX)


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:3]))
    write_new(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"other")
    assert (tmp_path / "file").read_bytes() == b"kept"


def _refused(number: int) -> object:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return refuse
