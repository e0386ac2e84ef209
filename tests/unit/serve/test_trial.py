"""The trial: what its child does never reaches the server, and bad luck is not taken for a bad model."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_repository import PublishedVersion
from serve import trial
from serve.loader import MOST_TRIALS
from serve.settings import Settings
from serve.trial import TrialFailed, try_out
from serve.watcher import Watcher
from tests.children import child


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 600", "did not answer within 0 seconds"),
        ("cat >/dev/null; kill -SEGV $$", "it crashed, or needed more than"),
        ("cat >/dev/null; exit 1", "it crashed, or needed more than"),
    ],
)
def test_a_child_that_hangs_or_crashes_is_ended_and_told(
    published: PublishedVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    monkeypatch.setattr(trial, "sys", child(tmp_path, script))

    with pytest.raises(TrialFailed, match=reason):
        asyncio.run(try_out(published, 0 if "sleep" in script else 10))


def test_a_child_that_cannot_be_started_is_told(
    published: PublishedVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trial, "sys", SimpleNamespace(executable=str(tmp_path)))

    with pytest.raises(TrialFailed, match="its trial could not be started"):
        asyncio.run(try_out(published, 10))


def test_a_failed_trial_is_tried_again_and_a_version_that_passes_then_goes_live(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(Settings(models=trained))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="copse"):
        patch.setattr(trial, "sys", child(tmp_path, "cat >/dev/null; exit 1"))
        for _ in range(MOST_TRIALS - 1):
            asyncio.run(watcher.look())
    asyncio.run(watcher.look())

    assert watcher.served().version == 1
    assert len(caplog.records) == 1


def test_a_trial_that_fails_every_time_refuses_the_version(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watcher = Watcher(Settings(models=trained))
    with monkeypatch.context() as patch:
        patch.setattr(trial, "sys", child(tmp_path, "cat >/dev/null; exit 1"))
        for _ in range(MOST_TRIALS):
            asyncio.run(watcher.look())
    asyncio.run(watcher.look())

    assert watcher.slots["breast-cancer"].refused == 1
