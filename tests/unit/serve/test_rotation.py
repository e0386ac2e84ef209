"""Files that are rotated: what is new and good is taken, what is bad is said once."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from serve.rotation import LARGEST_FILE, Rotating, Unusable
from serve.settings import SettingError
from tests.rotations import replace, swap


def read(contents: Sequence[bytes]) -> bytes:
    if b"bad" in contents[0]:
        raise Unusable("it is bad")
    return b"+".join(contents)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_new_content_replaces_the_old_at_the_next_look(path: Path) -> None:
    rotating = Rotating("words", [path], read)
    replace(path, "new")

    assert rotating.current == b"old"
    rotating.reload()
    assert rotating.current == b"new"


def test_a_swap_of_the_link_that_all_files_go_through_is_seen(tmp_path: Path) -> None:
    swap(tmp_path / "secret", tls_crt="a", tls_key="b")
    rotating = Rotating("words", [tmp_path / "secret" / name for name in ("tls.crt", "tls.key")], read)
    swap(tmp_path / "secret", tls_crt="c", tls_key="d")

    rotating.reload()

    assert rotating.current == b"c+d"


def test_the_same_content_is_not_read_anew(path: Path) -> None:
    seen: list[bytes] = []
    rotating = Rotating("words", [path], seen.extend)
    replace(path, "old")

    rotating.reload()

    assert seen == [b"old"]


def test_what_cannot_be_used_is_said_once_and_the_old_content_stays(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rotating = Rotating("words", [path], read)
    with caplog.at_level(logging.WARNING):
        for content in ("bad", "bad", "bad too"):
            replace(path, content)
            rotating.reload()
        path.unlink()
        rotating.reload()
        rotating.reload()

    assert caplog.messages == [
        "it is bad; the words from before stay valid",
        f"{path} cannot be read: No such file or directory; the words from before stay valid",
    ]
    assert rotating.current == b"old"


def test_a_problem_that_was_over_is_said_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rotating = Rotating("words", [path], read)
    for content in ("bad", "old", "bad"):
        replace(path, content)
        rotating.reload()

    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 2


@pytest.mark.parametrize("content", [b"bad", b"x" * (LARGEST_FILE + 1), None])
def test_what_cannot_be_used_at_start_is_an_error_of_a_setting(path: Path, content: bytes | None) -> None:
    path.unlink() if content is None else path.write_bytes(content)

    with pytest.raises(SettingError):
        Rotating("words", [path], read)


def test_a_stalled_volume_stalls_nobody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled, other = Rotating("words", [path], read), Rotating("words", [path], read)
    goes_on, taken = threading.Event(), threading.Event()
    monkeypatch.setattr(stalled, "_contents", lambda: goes_on.wait(30) and [])
    monkeypatch.setattr(other, "reload", taken.set)

    async def look() -> None:
        tasks = [asyncio.create_task(each.watch(0.01)) for each in (stalled, other)]
        assert await asyncio.to_thread(taken.wait, 30)
        goes_on.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(look())


def test_it_looks_at_once_when_woken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rotating = Rotating("words", [path], read)
    looked = threading.Event()
    monkeypatch.setattr(rotating, "reload", looked.set)

    async def look() -> None:
        task = asyncio.create_task(rotating.watch(3600))
        rotating.wake()
        assert await asyncio.to_thread(looked.wait, 30)
        task.cancel()

    asyncio.run(look())
