"""How a volume fails: really, by mounting and renaming, or by errors injected into the server's file operations."""

import os
import stat
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

VANISHES = "The volume vanishes"
READ_ONLY = "The volume becomes read-only"
ERRORS = "File operations fail (injected)"
HANGS = "File operations hang (injected)"
ROWS = (VANISHES, READ_ONLY, ERRORS, HANGS)


@dataclass
class Fault(ABC):
    """One way to fail, the row it belongs to, and what the server says of it."""

    row: str
    name: str
    says: str = ""

    def launcher(self, root: Path) -> tuple[str, ...]:  # noqa: ARG002 - other faults need the root
        """Return what the server's command begins with."""
        return ()

    @contextmanager
    def prepared(self, root: Path) -> Iterator[None]:  # noqa: ARG002 - likewise
        """Make ready what the fault needs."""
        yield

    @abstractmethod
    def lasting(self, root: Path) -> AbstractContextManager[None]:
        """Let the volume fail while the block runs."""


class RenamedAway(Fault):
    """The folder is not there."""

    @contextmanager
    def lasting(self, root: Path) -> Iterator[None]:
        """Rename the folder away and back."""
        away = root.with_suffix(".away")
        root.rename(away)
        yield
        away.rename(root)


class NoWriting(Fault):
    """The folder's permissions take writing away; for root they mean nothing."""

    @contextmanager
    def lasting(self, root: Path) -> Iterator[None]:
        """Take the permissions to write away and give them back."""
        folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(folder.stat().st_mode & ~stat.S_IWUSR)
        yield
        for folder in folders:
            folder.chmod(folder.stat().st_mode | stat.S_IWUSR)


class Mounted(Fault):
    """The folder is a mount point."""

    @contextmanager
    def prepared(self, root: Path) -> Iterator[None]:
        """Mount the repository where it was."""
        root.rename(root.with_suffix(".volume"))
        root.mkdir()
        _run("mount", "--bind", str(root.with_suffix(".volume")), str(root))
        try:
            yield
        finally:
            _run("umount", "--lazy", str(root))


class Unmounted(Mounted):
    @contextmanager
    def lasting(self, root: Path) -> Iterator[None]:
        """Unmount it under the server's feet, and mount it again."""
        _run("umount", "--lazy", str(root))
        yield
        _run("mount", "--bind", str(root.with_suffix(".volume")), str(root))


class MountedReadOnly(Mounted):
    @contextmanager
    def lasting(self, root: Path) -> Iterator[None]:
        """Mount it read-only, and writable again."""
        _run("mount", "--options", "remount,bind,ro", str(root))
        yield
        _run("mount", "--options", "remount,bind,rw", str(root))


@dataclass
class Injected(Fault):
    """The server's own file operations are turned into errors or pauses (tests/torture/faulty.py)."""

    control: Path = Path()
    orders: str = ""

    def launcher(self, root: Path) -> tuple[str, ...]:
        """Return the program that wraps the server's file operations."""
        return (sys.executable, "-m", "tests.torture.faulty", str(self.control), str(root))

    @contextmanager
    def lasting(self, root: Path) -> Iterator[None]:  # noqa: ARG002 - the launcher was told
        """Order the faults through the control file."""
        draft = self.control.with_suffix(".draft")
        draft.write_text(self.orders)
        draft.replace(self.control)
        yield
        self.control.unlink()


def faults(control: Path) -> list[Fault]:
    """Return all faults that can be had here: mounting needs root."""
    error, stale = "(Input/output error)", "(Stale file handle)"
    return [
        RenamedAway(VANISHES, "folder renamed away", "the model repository is"),
        *([Unmounted(VANISHES, "unmounted", "the model repository is")] if _may_mount() else []),
        MountedReadOnly(READ_ONLY, "remounted") if _may_mount() else NoWriting(READ_ONLY, "permissions"),
        Injected(ERRORS, "EIO", error, control, "EIO"),
        Injected(ERRORS, "ESTALE", stale, control, "ESTALE"),
        Injected(ERRORS, "EIO on reading", error, control, "READ EIO"),
        Injected(HANGS, "hanging", "", control, "HANG 5"),
    ]


def _may_mount() -> bool:
    return os.geteuid() == 0 and sys.platform == "linux"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
