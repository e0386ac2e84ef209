"""Publishing: a version appears whole or not at all, and keeps its number for ever."""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_repository.errors import Damaged, NotPublished, PublishFailed
from model_repository.files import flush_folder, make_folder, remove_folder, write_new
from model_repository.layout import (
    CURRENT_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    current_version,
    model_folder,
    version_folder,
    versions,
)
from model_repository.manifest import Manifest

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def publish(root: Path, manifest: Manifest, onnx: bytes) -> int:
    """Publish a model under the next free number, make it current, and return the number.

    Killed at any instant it leaves the old state or the new one. Two publishers at once get two numbers, and the
    higher one stays current.

    Raises:
        PublishFailed: the file system refused; nothing has changed.
        Damaged: the manifest does not describe these bytes.

    """
    manifest.onnx.check(onnx)
    folder = model_folder(root, manifest.name)
    draft = folder / f".draft-{uuid.uuid4().hex}"
    with _failures_explained(f"version of {manifest.name}"):
        with _removed_on_failure(draft):
            make_folder(draft)
            write_new(draft / ONNX_FILE, onnx)
            write_new(draft / MANIFEST_FILE, manifest.encode())
            flush_folder(draft)
            version = _take_number(root, manifest.name, draft)
        with _removed_on_failure(version_folder(root, manifest.name, version)):
            flush_folder(folder)
            _advance_current(root, manifest.name, version)
    return version


def use(root: Path, model: str, version: int) -> None:
    """Make a published version current: the way back to an older one, and forward again.

    Raises:
        NotPublished: there is no such version.
        PublishFailed: the file system refused; nothing has changed.

    """
    if version not in versions(root, model):
        raise NotPublished(f"{model} has no version {version}; it has {_listed(versions(root, model))}")
    with _failures_explained(f"{CURRENT_FILE} of {model}"), _locked(model_folder(root, model)):
        _write_current(root, model, version)


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
    """Write CURRENT unless a publisher that came later has already written a higher number."""
    with _locked(model_folder(root, model)):
        with suppress(NotPublished, Damaged):
            if current_version(root, model) > version:
                return
        _write_current(root, model, version)


def _write_current(root: Path, model: str, version: int) -> None:
    folder = model_folder(root, model)
    draft = folder / f".{CURRENT_FILE}-{uuid.uuid4().hex}"
    try:
        write_new(draft, f"{version}\n".encode())
        os.replace(draft, folder / CURRENT_FILE)
    finally:
        draft.unlink(missing_ok=True)
    with suppress(OSError):  # the rename was the commit: from here on the new version is current
        flush_folder(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the model's lock while CURRENT is read and written; it ends with the process that holds it."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:  # some network volumes have no locks; the rename is atomic there too
                raise
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Leave nothing of a folder when the block fails; its name goes first, so that no reader finds half of it."""
    try:
        yield
    except OSError:
        remove_folder(folder)
        raise


@contextmanager
def _failures_explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PublishFailed(f"cannot publish a {what}: {error.strerror or type(error).__name__}") from error


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
