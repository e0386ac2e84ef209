"""How rows become answers, whichever protocol brought them: one admission, one model, one set of counters."""

import asyncio
import sys
from collections.abc import Callable

from serve.admission import MOST_ROWS_TOGETHER, Admission, Ticket
from serve.errors import ModelFailed, WrongValues
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.questions import Answered, Decode, Question
from serve.settings import Settings
from serve.watcher import Watcher

ALWAYS_IN_A_THREAD = sys.maxsize  # bytes: the size of what takes longer than the event loop should be busy


class Service:
    """Has requests answered when their turn comes. To be used on its event loop only."""

    def __init__(self, settings: Settings, watcher: Watcher, admission: Admission, metrics: Metrics) -> None:
        self._settings = settings
        self._watcher = watcher
        self._admission = admission
        self._metrics = metrics

    async def answer(
        self, model: LoadedModel, size: int, rows: int, decode: Decode, gone: Callable[[], bool]
    ) -> Answered:
        """Return the answers to the rows that `decode` returns, once their turn has come.

        A request of a small `size` in bytes, and of about so few `rows`, is answered on the loop, where a thread would
        cost more than the model. `gone` tells whether the client has closed its connection.

        Raises:
            RequestError: the request is refused: here, by `decode`, by the model, or where its answers are encoded.
            ClientGone: nobody waits for the answer any more.

        """
        asker: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        ticket = Ticket(rows, Question(model, decode), gone, asker)
        if size <= self._settings.inline_bytes and rows <= MOST_ROWS_TOGETHER:
            self._admission.ask_on_loop(ticket)
        else:
            self._admission.ask_in_thread(ticket)
        try:
            answered = await asker
        except (WrongValues, ModelFailed):
            self._watcher.failed(model)
            raise
        self.count(model, answered)
        return answered

    def count(self, model: LoadedModel, answered: Answered) -> None:
        """Count what a version answered, and let its candidate have its share of it."""
        self._watcher.answered(model, answered.rows, answered.answers)
        self._metrics.predicted(model.name, len(answered.rows))
