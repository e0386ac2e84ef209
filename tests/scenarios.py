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

from model_repository import propose, prune, publish, use
from tests.factories import NAME, explained, manifest, publish_versions
from tests.faults import Operation, watched

NEW = b"the bytes of a new model"
EXPLANATION = b"the bytes of what explains it"


def prepare(scenario: str, root: Path) -> None:
    """Put the repository into the state that the scenario starts from."""
    before = {"first": 0, "publish": 1, "explained": 1, "use": 2, "prune": 4, "candidate": 1, "promote": 2}
    publish_versions(root, before[scenario])
    if scenario == "promote":
        use(root, NAME, 1)
        propose(root, NAME, 2)


def change(scenario: str, root: Path) -> None:
    """Do what the scenario is named after."""
    if scenario == "use":
        use(root, NAME, 1)
    elif scenario == "promote":
        use(root, NAME, 2)
    elif scenario == "prune":
        prune(root, NAME, keep=2)
    elif scenario == "explained":
        publish(root, explained(manifest(onnx=NEW), EXPLANATION), NEW, EXPLANATION)
    else:
        publish(root, manifest(onnx=NEW), NEW, candidate=scenario == "candidate")


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


def audit(scenario: str, root: Path) -> None:
    """Print, as two lists, the changes that Python itself saw in the change, and those that tests can interrupt."""
    names = {"rename": "os.rename", "replace": "os.rename", "unlink": "os.remove", "open": "open"}
    python_saw: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or (event.startswith("os.") and event not in ("os.listdir", "os.scandir")):
            python_saw.append(event)

    prepare(scenario, root)
    sys.addaudithook(hook)
    python_saw.clear()
    with watched() as operations:
        change(scenario, root)
    tests_saw = [
        names.get(operation.name, f"os.{operation.name}")
        for operation in operations
        if operation.name not in ("write", "fsync", "close", "flock")
        and (operation.creates or operation.name != "open")
    ]
    print(json.dumps([python_saw, tests_saw]), flush=True)  # noqa: T201 - its answer


def main() -> None:
    """Answer each line with "killed", "done" or "failed"; with arguments, audit that scenario in that folder."""
    if sys.argv[1:]:
        audit(sys.argv[1], Path(sys.argv[2]))
        return
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            attempt(asked["scenario"], Path(asked["root"]), asked["at"], half=asked["half"])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print({0: "done", -signal.SIGKILL: "killed"}.get(status, "failed"), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
