"""The prediction log: a sampled share of requests with their answers, written by a thread of its own.

Nobody waits for it. What it has no room for is dropped, and so is what cannot be written; both are counted.
The thread is not woken for each request, which would cost more than the rest, but looks ten times a second.
"""

import asyncio
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.prediction_log.samples import LoggedModel, Policy, Sample, sample_of

log = logging.getLogger("copse")

MOST_BYTES = 16 * 2**20  # of rows that wait to be written; more are dropped
PART_BYTES = 2**20  # that are written at a time
LOOK_SECONDS = 0.1
CLOSE_LOOK_SECONDS = 0.01
THREAD = "prediction-log"

FULL, FAILED, COLUMN, SHUTDOWN = "full", "failed", "column", "shutdown"


class Sink(Protocol):
    """What samples are written to."""

    seconds: float  # how long samples of a version are gathered
    last_seconds: float  # for what waits at the end

    def write(self, samples: Sequence[Sample]) -> Iterator[int]:
        """Write samples of one version; yield, after each step, how many more rows are safely written.

        Raises:
            OSError: the others cannot be written.

        """


@dataclass
class _Gathered:
    """Samples of one version that wait for more."""

    since: float
    samples: list[Sample] = field(default_factory=list)
    bytes: int = 0


class PredictionLog:
    """Takes samples on the event loop, and has them written. To be offered to on one thread only."""

    def __init__(
        self, sink: Sink, share: float, policy: Policy, served: Callable[[], Iterable[LoadedModel]] = tuple
    ) -> None:
        """Write to a sink; `served` returns the versions that serve, in one of which each named column must be."""
        self.rows = 0  # written
        self.dropped = dict.fromkeys((FULL, FAILED, COLUMN, SHUTDOWN), 0)
        self._sink, self._share, self._policy, self._served = sink, share, policy, served
        self._models: WeakKeyDictionary[LoadedModel, LoggedModel] = WeakKeyDictionary()
        self._waiting: deque[Sample] = deque()
        self._gathered: dict[LoggedModel, _Gathered] = {}
        self._accepted_rows = self._accepted_bytes = self._done_bytes = 0
        self._said: frozenset[str] = frozenset()
        self._failing = False
        self._closing, self._given_up = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def offer(self, model: LoadedModel, rows: Inputs, answers: Answers, request_id: str) -> None:
        """Have a share of the requests written later, with what was answered; never waits."""
        if random.random() < self._share:  # noqa: S311 - a sample, no secret
            self._take(model, rows, answers, request_id)

    def _take(self, model: LoadedModel, rows: Inputs, answers: Answers, request_id: str) -> None:
        logged = self._models.get(model)
        if logged is None:
            logged = self._models[model] = LoggedModel(model, self._policy)
        size = len(rows) * logged.row_bytes
        if reason := self._refuse(logged, size):
            self.dropped[reason] += len(rows)
            return
        self._accepted_rows += len(rows)
        self._accepted_bytes += size
        self._waiting.append(sample_of(logged, time.time(), request_id, rows, answers))

    def _refuse(self, model: LoggedModel, size: int) -> str | None:
        """Return why a sample of so many bytes is not taken, if it is not."""
        if self._closing.is_set():
            return SHUTDOWN
        if model.lacks and self._unknown(model.lacks):
            return COLUMN
        return FULL if self._accepted_bytes - self._done_bytes + size > MOST_BYTES else None

    def _unknown(self, names: frozenset[str]) -> bool:
        """Return whether no version that serves has one of these columns, and say so once."""
        unknown = names.difference(*(each.signature.by_name for each in self._served()))
        if unknown and unknown != self._said:
            told = ", ".join(f'"{name}"' for name in sorted(unknown))
            log.warning(
                "nothing is written to the prediction log: no model that is served has the column %s, "
                "which is not to be written as it is",
                told,
            )
        self._said = unknown
        return bool(unknown)

    async def close(self) -> None:
        """Have what waits written, for a bounded time; what is left then is dropped."""
        self._closing.set()
        deadline = time.monotonic() + self._sink.last_seconds
        while self._thread.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread is waited for
            await asyncio.sleep(CLOSE_LOOK_SECONDS)
        if self._thread.is_alive():
            self._given_up.set()
            self.dropped[SHUTDOWN] += self._accepted_rows - self.rows - self.dropped[FAILED]
        if self.dropped[SHUTDOWN]:
            log.warning("%d rows were not written to the prediction log in time", self.dropped[SHUTDOWN])

    def _work(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(LOOK_SECONDS)
            while self._waiting:
                self._gather(self._waiting.popleft())
            self._write_due(at_once=closing)

    def _gather(self, sample: Sample) -> None:
        for part in sample.parts(PART_BYTES):
            gathered = self._gathered.setdefault(part.model, _Gathered(time.monotonic()))
            gathered.samples.append(part)
            gathered.bytes += part.bytes
            if gathered.bytes >= PART_BYTES:
                self._write(self._gathered.pop(part.model))

    def _write_due(self, *, at_once: bool) -> None:
        """Write what was gathered for long enough; all of it where there is much."""
        much = at_once or self._accepted_bytes - self._done_bytes > MOST_BYTES // 2
        for model, gathered in [*self._gathered.items()]:
            if much or time.monotonic() - gathered.since >= self._sink.seconds:
                self._write(self._gathered.pop(model))

    def _write(self, gathered: _Gathered) -> None:
        left = sum(len(sample.rows) for sample in gathered.samples)
        try:
            for rows in self._sink.write(gathered.samples):
                if self._given_up.is_set():
                    return
                self.rows += rows
                left -= rows
            self._say(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, later rows are tried all the same
            if self._given_up.is_set():
                return
            self.dropped[FAILED] += left
            self._say(getattr(error, "strerror", None) or type(error).__name__)
        self._done_bytes += gathered.bytes

    def _say(self, problem: str | None) -> None:
        """Say once that the log cannot be written, and once that it can be again."""
        if problem and not self._failing:
            log.warning("the prediction log cannot be written: %s; rows are dropped until it can", problem)
        elif self._failing and not problem:
            log.warning("the prediction log is written again; %d rows were dropped", self.dropped[FAILED])
        self._failing = bool(problem)
