"""How rows become answers, whichever protocol brought them: one admission, one model, one set of counters."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from serve.admission import Admission
from serve.errors import ModelFailed, WrongValues
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.settings import Settings
from serve.watcher import Watcher

ALWAYS_IN_A_THREAD = sys.maxsize  # bytes: the size of what takes longer than the event loop should be busy


class Answered(NamedTuple):
    """What `work` returns: what is sent, the rows that were asked for, and the model's answers to them."""

    content: Any
    rows: Inputs
    answers: Answers


class Service:
    """Has requests answered when their turn comes. To be used on its event loop only."""

    def __init__(self, settings: Settings, watcher: Watcher, admission: Admission, metrics: Metrics) -> None:
        self._settings = settings
        self._watcher = watcher
        self._admission = admission
        self._metrics = metrics

    async def answer(
        self, model: LoadedModel, size: int, rows: int, work: Callable[[], Answered], gone: Callable[[], bool]
    ) -> Answered:
        """Return what `work` returns; it decodes, asks the model, and encodes.

        A request of a small `size` in bytes is answered on the loop, where a thread would cost more than the model;
        `rows` is about how many it has. `gone` tells whether the client has closed its connection.

        Raises:
            RequestError: the request is refused, here or by `work`.
            ClientGone: nobody waits for the answer any more.

        """
        small = size <= self._settings.inline_bytes
        lane = self._admission.on_loop if small else self._admission.in_thread
        try:
            answered: Answered = await lane(rows, work, gone)
        except (WrongValues, ModelFailed):
            self._watcher.failed(model)
            raise
        self._watcher.answered(model, answered.rows, answered.answers)
        self._metrics.predicted(model.name, len(answered.rows))
        return answered
