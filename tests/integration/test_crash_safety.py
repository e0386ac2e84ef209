"""Killed, out of space, or at once: at every file operation the repository stays whole."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_repository import (
    NotPublished,
    PublishFailed,
    candidate_version,
    current_version,
    prune,
    publish,
    read_version,
    versions,
)
from model_repository.cli import main as copse_models
from tests.factories import NAME, manifest
from tests.faults import Operation, watched
from tests.scenarios import NEW, change, prepare

HOME = Path(__file__).parents[2]
SCENARIOS = ("first", "publish", "explained", "use", "prune", "candidate", "promote")
ALLOWED_AFTER: dict[str, set[tuple[int | None, tuple[int, ...]]]] = {  # what is current, and what there is
    "first": {(None, ()), (None, (1,)), (1, (1,))},
    "publish": {(1, (1,)), (1, (1, 2)), (2, (1, 2))},
    "explained": {(1, (1,)), (1, (1, 2)), (2, (1, 2))},
    "use": {(2, (1, 2)), (1, (1, 2))},
    "prune": {(4, (1, 2, 3, 4)), (4, (2, 3, 4)), (4, (3, 4))},
    "candidate": {(1, (1,)), (1, (1, 2))},
    "promote": {(1, (1, 2)), (2, (1, 2))},
}


class Mortals:
    """Processes that die at a chosen operation."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HOME,
        )

    def end(self, scenario: str, root: Path, at: int, *, half: bool) -> str:
        assert self._program.stdin
        assert self._program.stdout
        asked = {"scenario": scenario, "root": str(root), "at": at, "half": half}
        print(json.dumps(asked), file=self._program.stdin, flush=True)
        return self._program.stdout.readline().strip()

    def close(self) -> None:
        self._program.communicate(timeout=10)
        assert self._program.returncode == 0


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    """Return a program whose children die as asked."""
    program = Mortals()
    yield program
    program.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_any_operation_it_leaves_the_old_state_or_the_new_one(
    scenario: str, tmp_path: Path, mortals: Mortals
) -> None:
    operations = _operations_of(scenario, tmp_path / "undisturbed")
    seen = set()
    for at, operation in enumerate(operations, 1):
        for half in (False, True) if operation.name == "write" else (False,):
            root = tmp_path / f"{at}-{half}"
            prepare(scenario, root)
            assert mortals.end(scenario, root, at, half=half) == "killed", operation
            seen.add(_whole(root, operation))
            _goes_on(root, operation)
    prepare(scenario, tmp_path / "whole")
    assert mortals.end(scenario, tmp_path / "whole", len(operations) + 1, half=False) == "done"
    assert seen == ALLOWED_AFTER[scenario]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_change_of_the_file_system_escapes_these_tests(scenario: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.scenarios", scenario, str(tmp_path)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HOME, timeout=30)
    python_saw, tests_saw = json.loads(ended.stdout)
    assert len(python_saw) > 1
    assert tests_saw == python_saw


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each != "prune"])
def test_a_disk_that_refuses_any_write_gives_one_sentence_and_changes_nothing(
    scenario: str, number: int, lasting: bool, tmp_path: Path
) -> None:
    operations = _operations_of(scenario, tmp_path / "undisturbed")
    committed = next(at for at, operation in enumerate(operations, 1) if operation.name == "replace")
    for at, operation in enumerate(operations, 1):
        if not operation.creates:
            continue
        root = tmp_path / str(at)
        prepare(scenario, root)
        before = _tree(root)
        with watched(_refusing(at, number, lasting=lasting)):
            if at > committed:  # CURRENT is replaced: the change is made, whatever comes
                change(scenario, root)
                _whole(root, operation)
                continue
            with pytest.raises(PublishFailed, match=rf"^cannot .* of {NAME}.*: {re.escape(os.strerror(number))}$"):
                change(scenario, root)
        assert _tree(root) == before, operation
        _goes_on(root, operation)


@pytest.mark.parametrize("name", ["open", "close", "flock", "unlink"])
def test_an_operation_that_fails_without_writing_never_breaks_what_is_current(name: str, tmp_path: Path) -> None:
    operations = _operations_of("publish", tmp_path / "undisturbed")
    for at, operation in enumerate(operations, 1):
        if operation.name == name:
            root = tmp_path / str(at)
            prepare("publish", root)
            with watched(_refusing(at, errno.EIO, lasting=False)):
                try:
                    change("publish", root)
                except PublishFailed:
                    assert (current_version(root, NAME), versions(root, NAME)) == (1, [1])
                else:
                    assert (current_version(root, NAME), versions(root, NAME)) == (2, [1, 2])
            _goes_on(root, operation)


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each != "prune"])
def test_what_a_name_stands_for_is_flushed_before_the_name_and_the_folder_after_it(
    scenario: str, tmp_path: Path
) -> None:
    operations = _operations_of(scenario, tmp_path)
    unflushed: set[str] = set()
    renames = 0
    for operation in operations:
        if operation.name == "fsync":
            unflushed.discard(operation.path)
        elif operation.name in ("rename", "replace"):
            assert unflushed == set(), f"not flushed before {operation}"
            unflushed.add(str(Path(operation.target).parent))
            renames += 1
        elif operation.name == "write":
            unflushed.add(operation.path)
        elif (
            operation.creates
            and not operation.path.endswith((".lock", "CURRENT", "CANDIDATE"))
            and not Path(operation.path).name.startswith((".CURRENT-", ".CANDIDATE-"))
        ):
            unflushed.add(str(Path(operation.path).parent))
    assert unflushed == set(), "not flushed when publishing has ended"
    assert renames == (1 if scenario in ("use", "promote") else 2)


def test_a_models_folder_that_a_killed_publisher_made_is_flushed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    flushed = [operation.path for operation in _operations_of("first", tmp_path) if operation.name == "fsync"]
    assert str(tmp_path) in flushed


def _operations_of(scenario: str, root: Path) -> list[Operation]:
    prepare(scenario, root)
    with watched() as operations:
        change(scenario, root)
    assert len(operations) > 5
    return operations


def _refusing(at: int, number: int, *, lasting: bool) -> Any:
    """Refuse the operation and, if it is lasting, all later ones that need room too; of a write, half is done first."""

    def before(count: int, operation: Operation, arguments: tuple[Any, ...]) -> None:
        if count == at or (lasting and count > at and operation.creates):
            if operation.name == "write":
                os.pwrite(arguments[0], arguments[1][: len(arguments[1]) // 2], 0)
            raise OSError(number, os.strerror(number))

    return before


def _whole(root: Path, operation: Operation) -> tuple[int | None, tuple[int, ...]]:
    """Return what is current and what there is, after every version was read whole."""
    there = versions(root, NAME)
    for version in there:
        read_version(root, NAME, version)
    try:
        current = current_version(root, NAME)
    except NotPublished:
        assert copse_models(["--models", str(root), "verify"]) == (1 if there else 0), operation
        return None, tuple(there)
    assert current in there, operation
    assert candidate_version(root, NAME) in (None, *there), operation
    assert copse_models(["--models", str(root), "verify"]) == 0, operation
    return current, tuple(there)


def _goes_on(root: Path, operation: Operation) -> None:
    """The next publish succeeds, and pruning a day later leaves nothing of the accident."""
    version = publish(root, manifest(onnx=NEW), NEW)
    assert _whole(root, operation)[0] == version, operation
    for entry in (root / NAME).iterdir():
        os.utime(entry, (0, 0))
    prune(root, NAME, keep=9)
    left = {entry.name for entry in (root / NAME).iterdir() if not entry.name.isdecimal()}
    assert left - {"CANDIDATE"} == {".lock", "CURRENT"}, operation


def _tree(root: Path) -> dict[str, bytes]:
    """Return every file by its path, hidden ones and leftover drafts too; the lock is no state."""
    found = (Path(folder, name) for folder, folders, names in os.walk(root) for name in [*folders, *names])
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in found
        if path.name not in (".lock", NAME)
    }
