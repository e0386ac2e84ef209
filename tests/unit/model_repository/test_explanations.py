"""explanation.npz is published, read and refused as the model's own file is."""

import os
from pathlib import Path

import msgspec
import pytest

from model_repository import Damaged, ExplanationFile, publish, read_version
from model_repository.cli import main
from tests.factories import NAME, ONNX, explained, manifest

CONTENT = b"what explains the answers"
DESCRIBED = explained(manifest(), CONTENT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a version that was published with an explanation."""
    publish(tmp_path, DESCRIBED, ONNX, CONTENT)
    return tmp_path / NAME / "1" / "explanation.npz"


def test_an_explanation_is_read_as_it_was_published(file: Path) -> None:
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["explanation.npz", "model.json", "model.onnx"]
    version = read_version(file.parents[2], NAME, 1)
    assert (version.manifest, version.onnx, version.explanation) == (DESCRIBED, ONNX, CONTENT)


def test_a_version_without_one_is_read_and_so_is_a_manifest_that_does_not_know_of_it(tmp_path: Path) -> None:
    publish(tmp_path, manifest(), ONNX)
    path = tmp_path / NAME / "1" / "model.json"
    older = msgspec.json.decode(path.read_bytes())
    del older["explanation"]
    path.write_bytes(msgspec.json.encode(older))

    assert read_version(tmp_path, NAME, 1).explanation is None


def test_every_single_flipped_bit_is_noticed(file: Path) -> None:
    for bit in range(8 * len(CONTENT)):
        flipped = bytearray(CONTENT)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        with pytest.raises(Damaged, match=r"explanation\.npz is not the file that was published"):
            read_version(file.parents[2], NAME, 1)


def test_a_file_that_is_cut_off_missing_or_no_file_is_damaged_and_verify_says_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = file.parents[2]
    os.truncate(file, 7)
    with pytest.raises(Damaged, match=r"explanation\.npz has 7 bytes, its manifest says 25"):
        read_version(root, NAME, 1)
    file.unlink()
    with pytest.raises(Damaged, match=r"explanation\.npz is missing"):
        read_version(root, NAME, 1)
    assert main(["--models", str(root), "verify"]) == 1
    assert "explanation.npz is missing" in capsys.readouterr().out
    os.mkfifo(file)
    with pytest.raises(Damaged, match=r"explanation\.npz is missing"):
        read_version(root, NAME, 1)


def test_its_size_has_the_models_bound(file: Path) -> None:
    os.truncate(file, 2**40)
    with pytest.raises(Damaged, match=r"explanation\.npz has 1099511627776 bytes, more than the 1000 allowed"):
        read_version(file.parents[2], NAME, 1, largest=1_000)


@pytest.mark.parametrize("given", [None, b"", CONTENT + b"!"])
def test_what_the_manifest_does_not_describe_is_not_published(tmp_path: Path, given: bytes | None) -> None:
    with pytest.raises(Damaged):
        publish(tmp_path, DESCRIBED, ONNX, given)
    with pytest.raises(Damaged, match="describes an explanation that is not there, or not the one that is"):
        publish(tmp_path, manifest(), ONNX, CONTENT)
    assert not (tmp_path / NAME).exists()


def test_a_file_elsewhere_is_no_explanation() -> None:
    described = msgspec.structs.asdict(ExplanationFile.of(CONTENT, "log-odds")) | {"file": "../explanation.npz"}
    with pytest.raises(msgspec.ValidationError, match="file"):
        msgspec.convert(described, ExplanationFile)
