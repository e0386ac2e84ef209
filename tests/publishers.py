"""A light program that waits for a line, publishes as often as asked, and prints the numbers it got as JSON."""

import errno
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from model_repository import publish
from tests.factories import manifest


def main() -> None:
    """Publish; the arguments are root, how often, a word of its own, and whether the volume has locks."""
    root, often, word, locks = sys.argv[1:]
    if locks == "without-locks":
        fcntl.flock = _no_locks
    print("ready", flush=True)  # noqa: T201 - its answer
    sys.stdin.readline()
    numbers = []
    for count in range(int(often)):
        content = f"model {count} of publisher {word}".encode() * 1000
        numbers.append(publish(Path(root), manifest(onnx=content), content))
    print(json.dumps(numbers), flush=True)  # noqa: T201 - its answer


def _no_locks(*_: object) -> NoReturn:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


if __name__ == "__main__":
    main()
