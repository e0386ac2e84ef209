"""Several processes at once: every publisher succeeds, and no reader ever sees half a version."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from typing import IO

import pytest

from model_repository import NotPublished, current_version, prune, read_version, versions
from tests.factories import NAME

HOME = Path(__file__).parents[2]
DEADLINE_SECONDS = 60


@pytest.mark.parametrize(("publishers", "each"), [(2, 40), (12, 8)])
def test_all_succeed_with_numbers_of_their_own_and_readers_see_whole_versions(
    tmp_path: Path, publishers: int, each: int
) -> None:
    seen = [0]
    with _publishing(tmp_path, publishers, each, "with-locks") as programs:
        while _running(programs):
            seen.append(_read_current(tmp_path))
        numbers = _numbers(programs)
    assert sorted(numbers) == list(range(1, publishers * each + 1))
    assert versions(tmp_path, NAME) == sorted(numbers)
    assert current_version(tmp_path, NAME) == publishers * each
    assert seen == sorted(seen), "CURRENT only moved forward"
    assert len(set(seen)) > 3, "the reader read while publishers published"


def test_without_locks_all_succeed_with_numbers_of_their_own(tmp_path: Path) -> None:
    with _publishing(tmp_path, 6, 10, "without-locks") as programs:
        while _running(programs):
            _read_current(tmp_path)
        numbers = _numbers(programs)
    assert sorted(numbers) == list(range(1, 61))
    assert current_version(tmp_path, NAME) in numbers


def test_pruning_while_others_publish_never_takes_what_is_current(tmp_path: Path) -> None:
    with _publishing(tmp_path, 4, 20, "with-locks") as programs:
        while _running(programs):
            if _read_current(tmp_path):
                prune(tmp_path, NAME, keep=1)
                assert current_version(tmp_path, NAME) in versions(tmp_path, NAME)
        numbers = _numbers(programs)
    assert sorted(numbers) == list(range(1, 81))
    assert current_version(tmp_path, NAME) == 80
    assert read_version(tmp_path, NAME, 80).version == 80


@contextmanager
def _publishing(root: Path, publishers: int, each: int, locks: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Start publishers that begin at the same time."""
    with ExitStack() as stack:
        programs = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.publishers", str(root), str(each), str(word), locks],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=HOME,
                )
            )
            for word in range(publishers)
        ]
        for program in programs:
            assert _pipe(program.stdout).readline() == "ready\n"
        for program in programs:
            print(file=_pipe(program.stdin), flush=True)
        end = Timer(DEADLINE_SECONDS, _kill, [programs])
        end.start()
        try:
            yield programs
        finally:
            end.cancel()


def _kill(programs: list[subprocess.Popen[str]]) -> None:
    for program in programs:
        program.kill()


def _running(programs: list[subprocess.Popen[str]]) -> bool:
    return any(program.poll() is None for program in programs)


def _numbers(programs: list[subprocess.Popen[str]]) -> list[int]:
    answers = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * len(programs)
    return [number for answer in answers for number in json.loads(answer)]


def _read_current(root: Path) -> int:
    """Read what is current as a server does; a version pruned in between is looked up again."""
    try:
        number = current_version(root, NAME)
        return read_version(root, NAME, number).version
    except NotPublished:
        return 0


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe
    return pipe
