"""The trial: what its child does never reaches the server, and bad luck is not taken for a bad model."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_repository import PublishedVersion
from serve import trial
from serve.loader import MOST_TRIALS
from serve.settings import Settings
from serve.trial import TrialFailed, Trials
from serve.watcher import Watcher
from tests.children import child


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 600", "did not answer within 0 seconds"),
        ("head -c 9 >/dev/null; kill -SEGV $$", "it crashed, or needed more than"),
        ("head -c 9 >/dev/null; exit 1", "it crashed, or needed more than"),
    ],
)
def test_a_child_that_hangs_or_crashes_is_ended_and_told(
    published: PublishedVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    monkeypatch.setattr(trial, "sys", child(tmp_path, script))

    with pytest.raises(TrialFailed, match=reason):
        asyncio.run(Trials().try_out(published, 0 if "sleep" in script else 10))


def test_a_child_that_cannot_be_started_is_told(
    published: PublishedVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trial, "sys", SimpleNamespace(executable=str(tmp_path)))

    with pytest.raises(TrialFailed, match="its trial could not be started"):
        asyncio.run(Trials().try_out(published, 10))


def test_a_failed_trial_is_tried_again_and_a_version_that_passes_then_goes_live(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(Settings(models=trained))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="copse"):
        patch.setattr(trial, "sys", child(tmp_path, "head -c 9 >/dev/null; exit 1"))
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
        patch.setattr(trial, "sys", child(tmp_path, "head -c 9 >/dev/null; exit 1"))
        for _ in range(MOST_TRIALS):
            asyncio.run(watcher.look())
    asyncio.run(watcher.look())

    assert watcher.slots["breast-cancer"].refused == 1


FORKED = """
import asyncio, os, sys, threading
from pathlib import Path
from model_repository import read_version
from serve import trial

async def tried(published):
    try:
        await trials.try_out(published, 10)
    except trial.ModelRefused as error:
        return str(error)

async def main(published):
    junk = published._replace(onnx=published.onnx[:100])
    {what}

trial._spawned_child = lambda: sys.exit("a new interpreter was started")
trials, trials.ready = trial.Trials(), trial.child_at_start()
asyncio.run(main(read_version(Path(sys.argv[1]), "breast-cancer", 1)))
"""


def forked(trained: Path, *what: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a process that has a child ready, and can start no other."""
    script = FORKED.replace("{what}", "\n    ".join(what))
    return subprocess.run(
        [sys.executable, "-c", script, str(trained)], check=False, capture_output=True, text=True, timeout=60
    )


def test_a_child_that_is_ready_tries_one_version_after_another(trained: Path) -> None:
    ran = forked(trained, "print(await tried(published))", "print(await tried(published))", "print(bool(trials.ready))")

    assert (ran.stdout, ran.stderr) == ("None\nNone\nTrue\n", "")


def test_a_child_that_refused_a_version_tries_no_other(trained: Path) -> None:
    ran = forked(trained, "print(await tried(junk))", "await tried(published)")

    assert (ran.stdout, ran.stderr) == (
        "ONNX Runtime cannot load it (InvalidProtobuf)\n",
        "a new interpreter was started\n",
    )


def test_a_child_that_is_let_go_has_ended(trained: Path) -> None:
    ran = forked(
        trained, "await trials.let_go()", "await trials.let_go()", "print(trial.multiprocessing.active_children())"
    )

    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_a_child_that_is_ready_is_bound_as_any_other(trained: Path) -> None:
    tiny = "trial.MEMORY_BYTES, trial.MEMORY_BYTES_PER_MODEL_BYTE = 1, 0"
    ran = forked(trained, tiny, "print(await tried(published))")

    assert (ran.stdout, ran.stderr) == ("in its trial it crashed, or needed more than 10 CPU seconds or 1 bytes\n", "")
