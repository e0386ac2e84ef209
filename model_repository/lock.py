"""One writer of a model at a time: publishing, choosing the current version and pruning exclude each other."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK_FILE = ".lock"
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a model's folder; it ends with the process that holds it."""
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:  # some network volumes have no locks; renames are atomic there too
                raise
        yield
    finally:
        with suppress(OSError):  # nothing was written through it, and what was done under the lock is done
            os.close(descriptor)
