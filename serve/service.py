"""How rows become answers, whichever protocol brought them: one admission, one model, one set of counters."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from serve.admission import MOST_ROWS_TOGETHER, Admission, Asker, Ticket
from serve.ended import Stages, Work
from serve.errors import ModelFailed, WrongValues
from serve.identity import Caller
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.questions import Answered, Decode, Question
from serve.settings import Settings
from serve.watcher import Watcher

if TYPE_CHECKING:
    from serve.prediction_log.log import PredictionLog

ALWAYS_IN_A_THREAD = sys.maxsize  # bytes: the size of what takes longer than the event loop should be busy


class Service:
    """Has requests answered when their turn comes. To be used on its event loop only."""

    def __init__(
        self,
        settings: Settings,
        watcher: Watcher,
        admission: Admission,
        metrics: Metrics,
        prediction_log: "PredictionLog | None" = None,
    ) -> None:
        self._settings = settings
        self._watcher = watcher
        self._admission = admission
        self._metrics = metrics
        self._prediction_log = prediction_log

    async def answer(self, model: LoadedModel, size: int, rows: int, decode: Decode, caller: Caller) -> Answered:
        """Return the answers to the rows that `decode` returns, once their turn has come, and note the work.

        Raises:
            RequestError: the request is refused: here, by `decode`, by the model, or where its answers are encoded.
            ClientGone: nobody waits for the answer any more.

        """
        asker: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        asked = time.monotonic()
        self.ask(Question(model, decode), size, rows, caller.gone, asker)
        try:
            answered = await asker
        except (WrongValues, ModelFailed):
            self._watcher.failed(model)
            raise
        waiting = self.count(model, answered, time.monotonic() - asked, caller.request_id)
        caller.work = work_of(model, answered, waiting)
        return answered

    def ask(self, question: Question, size: int, rows: int, gone: Callable[[], bool], asker: Asker) -> None:
        """Have a question answered when its turn has come; `gone` tells whether the client has closed its connection.

        A request of a small `size` in bytes, and of about so few `rows`, is answered on the loop, where a thread would
        cost more than the model.

        Raises:
            Overloaded: too many wait already.

        """
        ticket = Ticket(rows, question, gone, asker)
        if size <= self._settings.inline_bytes and rows <= MOST_ROWS_TOGETHER:
            self._admission.ask_on_loop(ticket)
        else:
            self._admission.ask_in_thread(ticket)

    def count(self, model: LoadedModel, answered: Answered, seconds: float, request_id: str) -> float:
        """Count what a version answered, `seconds` after it was asked; candidate and log have their share of it.

        Return how many of the seconds were spent waiting.
        """
        _, rows, answers, decoding, inference, encoding, run = answered
        waiting = max(0.0, seconds - decoding - inference - encoding)
        worked = self._metrics.of(model.name, model.version)
        worked.add(len(rows), (waiting, decoding, inference, encoding), len(run.rows) if run else 0)
        if run:
            self._watcher.answered(model, *run)
        if self._prediction_log:
            self._prediction_log.offer(model, rows, answers, request_id)
        return waiting


def work_of(model: LoadedModel, answered: Answered, waiting: float) -> Work:
    """Return what a model did for a request that waited so many seconds."""
    stages = Stages(waiting, answered.decoding, answered.inference, answered.encoding)
    return Work(model.name, model.version, len(answered.rows), stages)
