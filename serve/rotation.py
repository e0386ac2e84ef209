"""What is read from files that may be replaced while the server runs: tokens, a certificate with its key, a level."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from serve.settings import SettingError

log = logging.getLogger("copse")

LARGEST_FILE = 2**20  # bytes

Content = TypeVar("Content")


class Unusable(Exception):
    """The files cannot be used; the text is one sentence that repeats nothing of what is in them."""


class Rotating(Generic[Content]):
    """The content of files, looked at again every poll. What cannot be used is not taken: `current` stays as it was.

    Each has a task of its own and reads in a thread, so that a volume which stalls harms nobody else.
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        read: Callable[[Sequence[bytes]], Content],
        otherwise: Content | None = None,
    ) -> None:
        """Read the files for the first time.

        Raises:
            SettingError: they cannot be used, and there is nothing to begin with otherwise.

        """
        self._name = name
        self._paths = paths
        self._read = read
        self._problem: str | None = None
        self._woken = asyncio.Event()
        self._digest = b""
        try:
            contents = self._contents()
            self.current = read(contents)
            self._digest = _digest(contents)
        except Unusable as error:
            if otherwise is None:
                raise SettingError(str(error)) from None
            self.current = otherwise
            self._say(error)

    async def watch(self, poll_seconds: float) -> None:
        """Look at the files until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), poll_seconds)
            self._woken.clear()
            await asyncio.to_thread(self.reload)

    def wake(self) -> None:
        """Look now, and not only when the next poll is due."""
        self._woken.set()

    def reload(self) -> None:
        """Take what the files hold now, if it is new and can be used; say once if it cannot."""
        try:
            contents = self._contents()
            digest = _digest(contents)
            if digest != self._digest:
                self.current = self._read(contents)
                self._digest = digest
                log.info("the %s were read anew", self._name)
            self._problem = None
        except Unusable as error:
            self._say(error)

    def _say(self, problem: Unusable) -> None:
        """Say once what is wrong."""
        if str(problem) != self._problem:
            log.warning("%s; the %s from before stay valid", problem, self._name)
        self._problem = str(problem)

    def _contents(self) -> list[bytes]:
        return [_content(path) for path in self._paths]


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    if len(content) > LARGEST_FILE:
        raise Unusable(f"{path} is too large: at most {LARGEST_FILE} bytes are read")
    return content


def _digest(contents: Sequence[bytes]) -> bytes:
    return b"".join(hashlib.sha256(content).digest() for content in contents)
