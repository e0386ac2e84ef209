"""Removing old versions; never what CURRENT or CANDIDATE names, never the newest, so that no number is given twice."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from model_repository.errors import Damaged, NotPublished
from model_repository.files import remove_folder
from model_repository.layout import candidate_version, current_version, model_folder, version_folder, versions
from model_repository.lock import locked

_ABANDONED_AFTER_SECONDS = 24 * 60 * 60


def prune(root: Path, model: str, keep: int) -> list[int]:
    """Remove all but the newest `keep` versions (at least 1), the current one and the candidate; return the removed.

    Drafts that a killed publisher left behind more than a day ago go too.

    Raises:
        NotPublished: nothing is current.
        Damaged: CURRENT or CANDIDATE names no published version, so it is not known what is safe to remove.

    """
    if keep < 1:
        raise ValueError("keep at least 1 version")
    folder = model_folder(root, model)
    if not folder.is_dir():
        raise NotPublished(f"no version of {model} is published yet")
    with locked(folder):
        removable = _removable(root, model, keep)
        for version in removable:
            remove_folder(version_folder(root, model, version))
        _remove_abandoned(folder)
    return removable


def _removable(root: Path, model: str, keep: int) -> list[int]:
    published = versions(root, model)
    current = current_version(root, model)
    if current not in published:
        raise Damaged(f"CURRENT of {model} names version {current}, which is not published; nothing was removed")
    wanted = {current, candidate_version(root, model)}
    return [version for version in published[:-keep] if version not in wanted]


def _remove_abandoned(folder: Path) -> None:
    oldest = time.time() - _ABANDONED_AFTER_SECONDS
    for entry in folder.iterdir():
        with suppress(FileNotFoundError):  # a draft may just have become a version
            if entry.name.startswith((".draft-", ".removed-")) and entry.stat().st_mtime < oldest:
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.startswith((".CURRENT-", ".CANDIDATE-")) and entry.stat().st_mtime < oldest:
                entry.unlink()
