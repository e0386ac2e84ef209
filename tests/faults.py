"""File operations that are recorded and made to fail: every one that the model repository does is seen here.

This module imports nothing that a light child process would have to wait for.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_WATCHED = (
    *((os, name) for name in ("open", "write", "fsync", "close", "mkdir", "rename", "replace", "unlink", "rmdir")),
    (fcntl, "flock"),
)


class Operation(NamedTuple):
    """One file operation: which one, on which path (or the path behind its descriptor), and whether it creates."""

    name: str
    path: str
    target: str = ""
    creates: bool = False


Before = Callable[[int, Operation, tuple[Any, ...]], None]


@contextmanager
def watched(before: Before | None = None) -> Iterator[list[Operation]]:
    """Record every file operation; `before` is called with its number from 1, and may raise or kill instead."""
    done: list[Operation] = []
    real = [(module, name, getattr(module, name)) for module, name in _WATCHED]

    def stand_in(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            described = _describe(name, arguments)
            done.append(described)
            try:
                if before:
                    before(len(done), described, arguments)
            except OSError:
                if name == "close":  # a close that fails has closed all the same
                    call(*arguments, **options)
                raise
            return call(*arguments, **options)

        return operation

    for module, name, call in real:
        setattr(module, name, stand_in(name, call))
    try:
        yield done
    finally:
        for module, name, call in real:
            setattr(module, name, call)


def _describe(name: str, arguments: tuple[Any, ...]) -> Operation:
    first = arguments[0]
    path = str(Path(f"/proc/self/fd/{first}").readlink()) if isinstance(first, int) else os.fspath(first)
    if name in ("rename", "replace"):
        return Operation(name, path, os.fspath(arguments[1]), creates=True)
    creates = name in ("mkdir", "write", "fsync") or (name == "open" and bool(arguments[1] & os.O_CREAT))
    return Operation(name, path, creates=creates)
