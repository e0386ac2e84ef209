"""The memory of a process, looked at again and again while something is done to it."""

import threading
from types import TracebackType
from typing import Self

from tests.torture.measure import Sample, sample


class Watching:
    """Samples a process in a thread while the block runs."""

    def __init__(self, process_id: int, seconds: float = 0.2) -> None:
        self._process_id, self._seconds = process_id, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def most(self) -> float:
        """Return the most memory seen, in MiB."""
        return max((entry.memory for entry in self.samples), default=0.0)

    def _watch(self) -> None:
        while True:
            self.samples.append(sample(self._process_id))
            if self._stop.wait(self._seconds):
                return
