"""The watch over the model repository survives whatever it finds."""

import asyncio
import logging
from pathlib import Path

import pytest

from model_repository import PublishedVersion, publish
from serve import loader, trial
from serve import watcher as watching
from serve.errors import NoSuchModel, NotReady
from serve.settings import Settings
from serve.watcher import Watcher
from tests.children import child
from tests.servers import eventually


def look(watcher: Watcher, times: int = 1) -> None:
    async def looks() -> None:
        for _ in range(times):
            await watcher.look()

    asyncio.run(looks())


def test_an_unreadable_volume_is_said_once_and_the_model_stays(
    trained: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(Settings(models=trained))
    look(watcher)
    served = watcher.served()

    def stale(*_: object) -> int:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(watching, "current_version", stale)
    with caplog.at_level(logging.WARNING, logger="copse"):
        look(watcher, times=3)

    assert watcher.served() is served
    assert [record.message for record in caplog.records] == [
        "the model repository cannot be read (Stale file handle); version 1 goes on serving"
    ]


def test_an_unexpected_error_does_not_end_the_watch(
    trained: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(Settings(models=trained))

    def broken(*_: object) -> int:
        raise MemoryError

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="copse"):
        patch.setattr(loader, "read_version", broken)
        look(watcher)
    look(watcher)

    assert watcher.served().version == 1
    assert [record.message for record in caplog.records] == ["an unexpected error while loading; not ready"]


def test_a_version_that_is_served_is_not_loaded_again(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(Settings(models=trained))
    look(watcher)
    served = watcher.served()
    monkeypatch.setattr(loader, "read_version", None)

    look(watcher, times=2)

    assert watcher.served() is served


def test_why_a_version_was_refused_is_still_told_after_the_volume_was_away_for_a_moment(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (repository / "breast-cancer" / "1" / "model.onnx").write_bytes(b"nothing")
    watcher = Watcher(Settings(models=repository))
    look(watcher)
    slot = watcher.slots["breast-cancer"]
    refusal = slot.problem
    assert "version 1 of breast-cancer is refused" in str(refusal)

    def stale(*_: object) -> int:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(watching, "current_version", stale)
        look(watcher)
    assert "Stale file handle" in str(slot.problem)
    look(watcher)

    assert slot.problem == refusal
    assert len(caplog.records) == 2


def test_a_candidate_in_its_trial_is_left_off_for_a_version_that_goes_live(
    repository: Path, published: PublishedVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def swap() -> None:
        watcher = Watcher(Settings(models=repository))
        await watcher.look()
        publish(repository, published.manifest, published.onnx, published.explanation, candidate=True)
        started = tmp_path / "started"
        with monkeypatch.context() as patch:
            patch.setattr(trial, "sys", child(tmp_path, f"touch {started}; exec sleep 600"))
            watcher._trying = asyncio.create_task(watcher.look_at_candidates())
            await asyncio.to_thread(eventually, started.exists, lambda: "no trial was begun")
        publish(repository, published.manifest, published.onnx, published.explanation)

        await watcher.look()

        assert watcher.served().version == 3
        assert watcher._trying.cancelled()
        await watcher.look_at_candidates()
        assert watcher.slots["breast-cancer"].shadow
        await watcher.close()

    asyncio.run(swap())


def test_a_load_that_finds_no_such_model_leaves_it_unloaded(repository: Path) -> None:
    watcher = Watcher(Settings(models=repository))

    async def load_while_the_volume_is_away() -> None:
        await watcher.look()
        await watcher.unload("breast-cancer")
        folder = (repository / "breast-cancer").rename(repository.parent / "away")
        with pytest.raises(NoSuchModel):
            await watcher.load("breast-cancer")
        folder.rename(repository / "breast-cancer")
        await watcher.look()

    asyncio.run(load_while_the_volume_is_away())

    with pytest.raises(NotReady, match="unloaded"):
        watcher.served("breast-cancer")
