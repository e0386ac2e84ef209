"""Publishing: a version appears whole or not at all, and keeps its number for ever."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_repository.errors import Damaged, NotPublished, PublishFailed
from model_repository.files import discard_folder, flush_folder, make_folder, write_new
from model_repository.layout import (
    CURRENT_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    current_version,
    model_folder,
    version_folder,
    versions,
)
from model_repository.lock import locked
from model_repository.manifest import Manifest
from model_repository.read import LARGEST_MANIFEST, read_manifest

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


def publish(root: Path, manifest: Manifest, onnx: bytes) -> int:
    """Publish a model under the next free number, make it current, and return the number.

    Killed at any instant it leaves the old state or the new one. Two publishers at once get two numbers, and the
    higher one stays current.

    Raises:
        PublishFailed: the file system refused; nothing has changed.
        Damaged: the manifest does not describe these bytes, or no reader would accept it.

    """
    manifest.onnx.check(onnx)
    described = _readable(manifest)
    folder = model_folder(root, manifest.name)
    draft = folder / f".draft-{uuid.uuid4().hex}"
    with _failures_explained(f"cannot publish a version of {manifest.name}"), _removed_on_failure(draft):
        make_folder(draft)
        write_new(draft / ONNX_FILE, onnx)
        write_new(draft / MANIFEST_FILE, described)
        flush_folder(draft)
        flush_folder(root)  # whoever made the model's folder may have been killed before this
        with locked(folder):
            version = _take_number(root, manifest.name, draft)
            with _removed_on_failure(version_folder(root, manifest.name, version)):
                flush_folder(folder)
                _advance_current(root, manifest.name, version)
    return version


def use(root: Path, model: str, version: int) -> None:
    """Make a published version current: the way back to an older one, and forward again.

    Raises:
        NotPublished: there is no such version.
        Damaged: it has no manifest that could be served.
        PublishFailed: the file system refused; nothing has changed.

    """
    _require(root, model, version)
    read_manifest(root, model, version)
    with _failures_explained(f"cannot make version {version} of {model} current"), locked(model_folder(root, model)):
        _require(root, model, version)  # again, since it may have been pruned before the lock was ours
        _write_current(root, model, version)


def _readable(manifest: Manifest) -> bytes:
    """Return the manifest's bytes if a reader accepts them: JSON has no NaN, and a reader has a size limit."""
    content = manifest.encode()
    if len(content) > LARGEST_MANIFEST:
        raise Damaged(f"the manifest has {len(content)} bytes, more than the {LARGEST_MANIFEST} allowed")
    Manifest.decode(content)
    return content


def _require(root: Path, model: str, version: int) -> None:
    known = versions(root, model)
    if version not in known:
        raise NotPublished(f"{model} has no version {version}; it has {', '.join(map(str, known)) or 'none'}")


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
    _write_current(root, model, version)


def _write_current(root: Path, model: str, version: int) -> None:
    folder = model_folder(root, model)
    draft = folder / f".{CURRENT_FILE}-{uuid.uuid4().hex}"
    try:
        write_new(draft, f"{version}\n".encode())
        os.replace(draft, folder / CURRENT_FILE)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    with suppress(OSError):  # the rename was the commit: from here on the new version is current
        flush_folder(folder)


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Leave nothing of a folder when the block fails; its name goes first, so that no reader finds half of it."""
    try:
        yield
    except OSError:
        discard_folder(folder)
        raise


@contextmanager
def _failures_explained(failure: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PublishFailed(f"{failure}: {error.strerror or type(error).__name__}") from error
