"""File operations that survive a crash: what they finished is on the disk, not in a cache.

A name appears only by rename, after the bytes behind it were flushed, and the folder that holds the name is flushed
after it (https://www.man7.org/linux/man-pages/man2/fsync.2.html: fsync of a file does not flush its folder entry).
"""

import errno
import os
import shutil
import uuid
from pathlib import Path

_CANNOT_FLUSH = (errno.EINVAL, errno.ENOTSUP)


def write_new(path: Path, content: bytes) -> None:
    """Create a file with this content and flush it; it must not exist yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder, and those above it, each flushed into its parent."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        return
    flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:  # some network volumes flush files only
            raise
    finally:
        os.close(descriptor)


def remove_folder(path: Path) -> None:
    """Remove a folder; its name goes first, so that no reader finds half of it."""
    hidden = path.with_name(f".removed-{uuid.uuid4().hex}")
    os.rename(path, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def discard_folder(path: Path) -> None:
    """Remove a folder that may not be there, as far as the disk allows; a full one may refuse even the rename."""
    try:
        remove_folder(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
