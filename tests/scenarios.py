"""Changes of a model repository that are interrupted by tests, and a light program that does them and dies midway.

The program reads one JSON line an attempt ({"scenario", "root", "at", "half"}), forks, lets the child kill itself with
SIGKILL before its operation number `at` (or when half of that write is done), and answers with how the child ended.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from model_repository import prune, publish, use
from tests.factories import NAME, manifest, publish_versions
from tests.faults import Operation, watched

NEW = b"the bytes of a new model"


def prepare(scenario: str, root: Path) -> None:
    """Put the repository into the state that the scenario starts from."""
    publish_versions(root, {"first": 0, "publish": 1, "use": 2, "prune": 4}[scenario])


def change(scenario: str, root: Path) -> None:
    """Do what the scenario is named after."""
    if scenario == "use":
        use(root, NAME, 1)
    elif scenario == "prune":
        prune(root, NAME, keep=2)
    else:
        publish(root, manifest(onnx=NEW), NEW)


def attempt(scenario: str, root: Path, at: int, *, half: bool) -> NoReturn:
    """Do the change in this process and die at the operation; exit 0 if it ends before."""

    def before(number: int, operation: Operation, arguments: tuple[Any, ...]) -> None:
        if number == at:
            if half and operation.name == "write":
                descriptor, content = arguments
                os.pwrite(descriptor, content[: len(content) // 2], 0)
            os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        with watched(before):
            change(scenario, root)
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Answer each line with "killed", "done" or "failed"."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            attempt(asked["scenario"], Path(asked["root"]), asked["at"], half=asked["half"])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print({0: "done", -signal.SIGKILL: "killed"}.get(status, "failed"), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
