"""Reading: what is not byte for byte what was published is refused with its reason."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from model_repository import (
    Damaged,
    NotPublished,
    PublishedVersion,
    current_version,
    prune,
    publish,
    read_manifest,
    read_version,
)
from model_repository import read as reading
from tests.factories import NAME, manifest, publish_versions


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with two versions."""
    publish_versions(tmp_path, 2)
    return tmp_path


def test_a_version_is_read_as_it_was_published(root: Path) -> None:
    content = b"model 2 of forest"
    assert read_version(root, NAME, 2) == PublishedVersion(NAME, 2, manifest(onnx=content), content)


def test_a_version_or_model_that_is_not_there_is_not_published(root: Path) -> None:
    with pytest.raises(NotPublished, match="forest has no version 3"):
        read_version(root, NAME, 3)
    with pytest.raises(NotPublished, match="other has no version 1"):
        read_version(root, "other", 1)


def test_current_that_names_nothing_is_not_published(root: Path) -> None:
    (root / NAME / "CURRENT").write_text("7\n")
    with pytest.raises(NotPublished, match="forest has no version 7"):
        read_version(root, NAME, current_version(root, NAME))


@pytest.mark.parametrize("length", [0, 1, 16])
def test_a_truncated_model_is_damaged(root: Path, length: int) -> None:
    os.truncate(root / NAME / "2" / "model.onnx", length)
    with pytest.raises(Damaged, match=f"has {length} bytes, its manifest says 17"):
        read_version(root, NAME, 2)


def test_every_single_flipped_bit_of_the_model_is_noticed(root: Path) -> None:
    path = root / NAME / "2" / "model.onnx"
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(Damaged, match="SHA-256 differs"):
            read_version(root, NAME, 2)


@pytest.mark.parametrize("length", [0, 1, 200])
def test_a_truncated_manifest_is_damaged(root: Path, length: int) -> None:
    os.truncate(root / NAME / "2" / "model.json", length)
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        read_version(root, NAME, 2)


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_the_file_of_another_version_is_damaged(root: Path, name: str) -> None:
    shutil.copyfile(root / NAME / "1" / name, root / NAME / "2" / name)
    with pytest.raises(Damaged, match="SHA-256 differs"):
        read_version(root, NAME, 2)


def test_two_files_swapped_are_damaged(root: Path) -> None:
    folder = root / NAME / "2"
    (folder / "model.onnx").rename(folder / "kept")
    (folder / "model.json").rename(folder / "model.onnx")
    (folder / "kept").rename(folder / "model.json")
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        read_version(root, NAME, 2)


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_a_missing_file_is_damaged(root: Path, name: str) -> None:
    (root / NAME / "2" / name).unlink()
    with pytest.raises(Damaged, match=f"{name} is missing"):
        read_version(root, NAME, 2)


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_something_that_is_no_file_counts_as_missing_and_does_not_block(root: Path, name: str) -> None:
    path = root / NAME / "2" / name
    path.unlink()
    os.mkfifo(path)
    signal.signal(signal.SIGALRM, _blocked)
    signal.alarm(10)
    with pytest.raises(Damaged, match=f"{name} is missing"):
        read_version(root, NAME, 2)
    signal.alarm(0)
    path.unlink()
    path.mkdir()
    with pytest.raises(Damaged, match=f"{name} is missing"):
        read_version(root, NAME, 2)


def test_another_models_version_is_damaged(root: Path) -> None:
    publish(root, manifest("other"), b"stands for a model")
    shutil.copytree(root / "other" / "1", root / NAME / "3")
    with pytest.raises(Damaged, match="the manifest is another model's"):
        read_version(root, NAME, 3)


def test_a_model_over_the_cap_is_refused_and_one_at_the_cap_is_read(root: Path) -> None:
    assert read_version(root, NAME, 2, largest=17).version == 2
    with pytest.raises(Damaged, match=r"model\.onnx has 17 bytes, more than the 16 allowed"):
        read_version(root, NAME, 2, largest=16)


def test_a_manifest_over_the_cap_is_refused_before_it_is_read(root: Path) -> None:
    os.truncate(root / NAME / "2" / "model.json", 2**40)  # a hole: reading it would need a terabyte of memory
    with pytest.raises(Damaged, match=r"model\.json has 1099511627776 bytes, more than the 16777216 allowed"):
        read_manifest(root, NAME, 2)


def test_a_file_that_grows_while_it_is_read_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / NAME / "2" / "model.onnx"
    path.write_bytes(bytes(100))
    real = os.fstat

    def smaller(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[6] = 10
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", smaller)
    with pytest.raises(Damaged, match=r"model\.onnx has 21 bytes, more than the 20 allowed"):
        reading._read_capped(path, 20)


def test_a_version_pruned_while_it_is_read_is_not_called_damaged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = reading.read_manifest

    def pruned_after(*place: object) -> object:
        found = real(*place)  # type: ignore[arg-type]
        prune(root, NAME, keep=1)
        return found

    monkeypatch.setattr(reading, "read_manifest", pruned_after)
    with pytest.raises(NotPublished, match="version 1 of forest is no longer published"):
        read_version(root, NAME, 1)


def test_a_file_that_vanishes_before_it_is_opened_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    with pytest.raises(Damaged, match="gone is missing"):
        reading._read_capped(root / "gone", 20)


def _blocked(*_: object) -> None:
    raise TimeoutError("reading has blocked")
