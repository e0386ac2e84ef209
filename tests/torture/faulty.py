"""copse-serve in whose process every file operation on the model repository fails or hangs while a file says so.

python -m tests.torture.faulty CONTROL ROOT python -m serve.cli FLAGS: CONTROL is a file elsewhere. It holds the name of
an error (EIO), READ and a name (READ EIO: files open, reading them fails), or HANG and seconds (HANG 5). This injection
stands for a network volume's faults, which cannot be had by asking.
"""

import builtins
import errno
import io
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Self

WRAPPED = (
    *((os, name) for name in ("open", "stat", "lstat", "scandir", "listdir", "readlink", "access")),
    (io, "open"),
    (builtins, "open"),
)


class Faults:
    """Turns operations on paths under the root into errors or pauses, as the control file says at that moment."""

    def __init__(self, control: str, root: str) -> None:
        self._control, self._root = control, os.path.abspath(root)  # noqa: PTH100 - pathlib is what is wrapped
        self._open = builtins.open

    def install(self) -> None:
        """Wrap the functions by which Python reaches files."""
        for module, name in WRAPPED:
            setattr(module, name, self._wrapped(getattr(module, name)))

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            path = arguments[0] if arguments else "."
            if not isinstance(path, str | os.PathLike) or not os.path.abspath(path).startswith(self._root):  # noqa: PTH100
                return real(*arguments, **options)
            kind, _, value = self._asked().partition(" ")
            if kind == "HANG":
                time.sleep(float(value))
            elif kind == "READ":
                return _Unreadable(real(*arguments, **options), value) if "open" in real.__name__ else real(*arguments)
            elif kind:
                raise _error(kind, str(path))
            return real(*arguments, **options)

        return operation

    def _asked(self) -> str:
        try:
            with self._open(self._control) as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""


class _Unreadable:
    """A file that is open and cannot be read."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        return int(self._file.fileno())

    def read(self, *_: int) -> bytes:
        raise _error(self._name, self._file.name)


def _error(name: str, path: str) -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), path)


def main() -> int:
    """Serve with the faults installed."""
    control, root, *command = sys.argv[1:]
    from serve.cli import main as serve  # noqa: PLC0415 - before operations are wrapped

    Faults(control, root).install()
    return serve(command[command.index("serve.cli") + 1 :])


if __name__ == "__main__":
    sys.exit(main())
