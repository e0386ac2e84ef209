"""Reading a published version: the bytes that are checked are the bytes that are returned."""

import os
from pathlib import Path
from typing import NamedTuple

from model_repository.errors import Damaged, NotPublished, RepositoryError
from model_repository.layout import EXPLANATION_FILE, MANIFEST_FILE, ONNX_FILE, version_folder
from model_repository.manifest import Manifest

LARGEST_MANIFEST = 16 * 2**20
LARGEST_MODEL = 64 * 2**20


class PublishedVersion(NamedTuple):
    """A version as it was published."""

    model: str
    version: int
    manifest: Manifest
    onnx: bytes
    explanation: bytes | None = None


def read_manifest(root: Path, model: str, version: int) -> Manifest:
    """Read the manifest of a version.

    Raises:
        NotPublished: there is no such version.
        Damaged: the manifest is missing, foreign, or another model's.

    """
    folder = version_folder(root, model, version)
    if not folder.is_dir():
        raise NotPublished(f"{model} has no version {version}")
    manifest = Manifest.decode(_read_capped(folder / MANIFEST_FILE, LARGEST_MANIFEST))
    if manifest.name != model:
        raise Damaged("the manifest is another model's")
    return manifest


def read_version(root: Path, model: str, version: int, largest: int = LARGEST_MODEL) -> PublishedVersion:
    """Read a version whole; `largest` bounds the size in bytes of the ONNX file, and of the explanation.

    Raises:
        NotPublished: there is no such version.
        Damaged: a file is missing, too large, or not what was published.

    """
    manifest = read_manifest(root, model, version)
    folder = version_folder(root, model, version)
    onnx = _read_capped(folder / ONNX_FILE, largest)
    manifest.onnx.check(onnx)
    if manifest.explanation is None:
        return PublishedVersion(model, version, manifest, onnx)
    explanation = _read_capped(folder / EXPLANATION_FILE, largest)
    manifest.explanation.check(explanation)
    return PublishedVersion(model, version, manifest, onnx, explanation)


def _read_capped(path: Path, largest: int) -> bytes:
    if not path.is_file():
        raise _missing(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(largest + 1) if size <= largest else b""
    except FileNotFoundError:
        raise _missing(path) from None
    if max(size, len(content)) > largest:
        raise Damaged(f"{path.name} has {max(size, len(content))} bytes, more than the {largest} allowed")
    return content


def _missing(path: Path) -> RepositoryError:
    """Tell a file that is missing from a version that was pruned while it was read."""
    if path.parent.is_dir():
        return Damaged(f"{path.name} is missing")
    return NotPublished(f"version {path.parent.name} of {path.parent.parent.name} is no longer published")
