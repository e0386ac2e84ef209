"""Where a request is answered: small ones on the event loop, others in threads."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serve.admission import MOST_ROWS_TOGETHER, Admission
from serve.errors import NotReady
from serve.identity import Caller
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.questions import Asked
from serve.service import ALWAYS_IN_A_THREAD, Service
from serve.settings import Settings
from serve.watcher import Watcher
from tests.mixed_models import version

SETTINGS = Settings(models=Path("models"))


def note_thread(questions: Sequence[Any]) -> list[Exception]:
    return [NotReady(threading.current_thread().name) for _ in questions]


async def thread_of(size: int, rows: int) -> str:
    """Return the name of the thread in which a request of so many bytes and rows is worked on."""
    with ThreadPoolExecutor(1, "large") as threads:
        admission = Admission(note_thread, threads, workers=1, under_way=100, waiting=1, seconds=9)
        watcher = Watcher(SETTINGS)
        service = Service(SETTINGS, watcher, admission, Metrics(watcher, admission))
        asked = Asked(np.empty((rows, 1), np.float32), lambda _: b"")
        with pytest.raises(NotReady) as noted:
            await service.answer(LoadedModel(version("number")), size, rows, lambda: asked, Caller((), bool))
    return str(noted.value)


@pytest.mark.parametrize(
    ("size", "rows", "in_thread"),
    [
        (SETTINGS.inline_bytes, MOST_ROWS_TOGETHER, False),
        (SETTINGS.inline_bytes + 1, 1, True),
        (1, MOST_ROWS_TOGETHER + 1, True),
        (ALWAYS_IN_A_THREAD, 1, True),
    ],
)
def test_a_request_of_many_bytes_or_many_rows_is_answered_in_a_thread(size: int, rows: int, in_thread: bool) -> None:
    assert asyncio.run(thread_of(size, rows)).startswith("large") == in_thread
