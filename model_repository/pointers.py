"""CURRENT and CANDIDATE: which version is served, and which one is only compared with it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_repository.errors import Damaged, NotPublished, PublishFailed
from model_repository.files import flush_folder, write_new
from model_repository.layout import (
    CANDIDATE_FILE,
    CURRENT_FILE,
    candidate_version,
    current_version,
    model_folder,
    versions,
)
from model_repository.lock import locked
from model_repository.read import read_manifest


def use(root: Path, model: str, version: int) -> None:
    """Make a published version current: the way back to an older one, and forward again. A candidate is one no longer.

    Raises:
        NotPublished: there is no such version.
        Damaged: it has no manifest that could be served.
        PublishFailed: the file system refused; nothing has changed.

    """
    _require(root, model, version)
    read_manifest(root, model, version)
    with failures_explained(f"cannot make version {version} of {model} current"), locked(model_folder(root, model)):
        _require(root, model, version)  # again, since it may have been pruned before the lock was ours
        point(root, model, CURRENT_FILE, version)
        with suppress(OSError):  # a candidate that is current is none
            _withdraw(root, model, version)


def propose(root: Path, model: str, version: int) -> None:
    """Make a published version the candidate, which is compared with the current one.

    Raises:
        NotPublished: there is no such version, or none is current.
        Damaged: it has no manifest that could be served.
        PublishFailed: it is current already, or the file system refused; nothing has changed.

    """
    _require(root, model, version)
    read_manifest(root, model, version)
    failure = f"cannot make version {version} of {model} the candidate"
    with failures_explained(failure), locked(model_folder(root, model)):
        _require(root, model, version)
        if current_version(root, model) == version:
            raise PublishFailed(f"{failure}: it is current")
        point(root, model, CANDIDATE_FILE, version)


def withdraw(root: Path, model: str) -> int | None:
    """Have no candidate any more; return which one it was, or None where there was none.

    Raises:
        PublishFailed: the file system refused; nothing has changed.

    """
    folder = model_folder(root, model)
    if not folder.is_dir():
        raise NotPublished(f"no version of {model} is published yet")
    with failures_explained(f"cannot withdraw the candidate of {model}"), locked(folder):
        with suppress(Damaged):
            version = candidate_version(root, model)
            _withdraw(root, model, version)
            return version
        (folder / CANDIDATE_FILE).unlink()
    return None


def _withdraw(root: Path, model: str, version: int | None) -> None:
    """Remove CANDIDATE if it names this version; CURRENT goes before it, so that nothing is lost without it."""
    path = model_folder(root, model) / CANDIDATE_FILE
    with suppress(FileNotFoundError, ValueError):
        if int(path.read_text()) == version:
            path.unlink()


def is_set(root: Path, model: str) -> bool:
    """Return whether CURRENT names a version that is there."""
    with suppress(NotPublished, Damaged):
        return current_version(root, model) in versions(root, model)
    return False


def point(root: Path, model: str, pointer: str, version: int) -> None:
    """Have CURRENT or CANDIDATE name a version, at once."""
    folder = model_folder(root, model)
    draft = folder / f".{pointer}-{uuid.uuid4().hex}"
    try:
        write_new(draft, f"{version}\n".encode())
        os.replace(draft, folder / pointer)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    with suppress(OSError):  # the rename was the commit: from here on it is so
        flush_folder(folder)


def _require(root: Path, model: str, version: int) -> None:
    known = versions(root, model)
    if version not in known:
        raise NotPublished(f"{model} has no version {version}; it has {', '.join(map(str, known)) or 'none'}")


@contextmanager
def failures_explained(failure: str) -> Iterator[None]:
    """Raise PublishFailed, with what failed and why, where the file system refuses."""
    try:
        yield
    except OSError as error:
        raise PublishFailed(f"{failure}: {error.strerror or type(error).__name__}") from error
