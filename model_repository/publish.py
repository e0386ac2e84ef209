"""Publishing: a version appears whole or not at all, and keeps its number for ever."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_repository.errors import Damaged, NotPublished
from model_repository.files import discard_folder, flush_folder, make_folder, write_new
from model_repository.layout import (
    CANDIDATE_FILE,
    CURRENT_FILE,
    EXPLANATION_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    current_version,
    model_folder,
    version_folder,
    versions,
)
from model_repository.lock import locked
from model_repository.manifest import Manifest
from model_repository.pointers import failures_explained, is_set, point
from model_repository.read import LARGEST_MANIFEST

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


def publish(
    root: Path, manifest: Manifest, onnx: bytes, explanation: bytes | None = None, *, candidate: bool = False
) -> int:
    """Publish a model under the next free number, make it current, and return the number.

    As a candidate it leaves CURRENT alone, unless nothing is current yet. Killed at any instant it leaves the old state
    or the new one. Two publishers at once get two numbers, and the higher one stays current.

    Raises:
        PublishFailed: the file system refused; nothing has changed.
        Damaged: the manifest does not describe these bytes, or no reader would accept it.

    """
    manifest.onnx.check(onnx)
    _check_explanation(manifest, explanation)
    described = _readable(manifest)
    folder = model_folder(root, manifest.name)
    draft = folder / f".draft-{uuid.uuid4().hex}"
    with failures_explained(f"cannot publish a version of {manifest.name}"), _removed_on_failure(draft):
        make_folder(draft)
        write_new(draft / ONNX_FILE, onnx)
        if explanation is not None:
            write_new(draft / EXPLANATION_FILE, explanation)
        write_new(draft / MANIFEST_FILE, described)
        flush_folder(draft)
        flush_folder(root)  # whoever made the model's folder may have been killed before this
        with locked(folder):
            version = _take_number(root, manifest.name, draft)
            with _removed_on_failure(version_folder(root, manifest.name, version)):
                flush_folder(folder)
                if candidate and is_set(root, manifest.name):
                    point(root, manifest.name, CANDIDATE_FILE, version)
                else:
                    _advance_current(root, manifest.name, version)
    return version


def _check_explanation(manifest: Manifest, explanation: bytes | None) -> None:
    if (manifest.explanation is None) != (explanation is None):
        raise Damaged("the manifest describes an explanation that is not there, or not the one that is")
    if manifest.explanation and explanation is not None:
        manifest.explanation.check(explanation)


def _readable(manifest: Manifest) -> bytes:
    """Return the manifest's bytes if a reader accepts them: JSON has no NaN, and a reader has a size limit."""
    content = manifest.encode()
    if len(content) > LARGEST_MANIFEST:
        raise Damaged(f"the manifest has {len(content)} bytes, more than the {LARGEST_MANIFEST} allowed")
    Manifest.decode(content)
    return content


def _take_number(root: Path, model: str, draft: Path) -> int:
    """Rename the draft to the lowest number above all others; whoever renames first has it."""
    version = max(versions(root, model), default=0) + 1
    while True:
        try:
            os.rename(draft, version_folder(root, model, version))
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            version += 1
        else:
            return version


def _advance_current(root: Path, model: str, version: int) -> None:
    """Write CURRENT unless, on a volume without locks, a later publisher has already written a higher number."""
    with suppress(NotPublished, Damaged):
        current = current_version(root, model)
        if current > version and current in versions(root, model):
            return
    point(root, model, CURRENT_FILE, version)


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Leave nothing of a folder when the block fails; its name goes first, so that no reader finds half of it."""
    try:
        yield
    except OSError:
        discard_folder(folder)
        raise
