"""The methods of inference.GRPCInferenceService, answered by what answers HTTP."""

from functools import partial
from typing import Any

from starlette.datastructures import State

from serve.errors import NoSuchModel, NotReady
from serve.grpc.bounds import SMALL_MESSAGE, Bounds
from serve.grpc.calls import Answer, Context
from serve.grpc.messages import MESSAGES
from serve.grpc.tensors import response_of, tensors_from
from serve.inference.metadata import model_metadata, server_metadata
from serve.inference.outputs import check_wanted, tensors_of
from serve.inference.rows import rows_of
from serve.model import LoadedModel
from serve.service import Answered

SERVICE = "inference.GRPCInferenceService"
OPEN = (f"/{SERVICE}/ServerLive", f"/{SERVICE}/ServerReady")
_NUMBER_BYTES = 4  # of a float32, for about how many rows a message has


class Inference:
    """Translates each method's messages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def methods(self) -> dict[str, Answer]:
        """Return the functions by path."""
        each = (self.server_live, self.server_ready, self.model_ready, self.server_metadata, self.model_metadata)
        methods: dict[str, Answer] = {}
        for method in (*each, self.model_infer):
            name = "".join(word.capitalize() for word in method.__name__.split("_"))
            methods[f"/{SERVICE}/{name}"] = method
        return methods

    async def server_live(self, _: bytes, __: Context) -> Any:
        """Say that the event loop turns."""
        return MESSAGES["ServerLiveResponse"](live=True)

    async def server_ready(self, _: bytes, __: Context) -> Any:
        """Say whether the models have answered their golden rows, and the server was not told to stop."""
        return MESSAGES["ServerReadyResponse"](ready=is_ready(self._state))

    async def model_ready(self, message: bytes, _: Context) -> Any:
        """Say whether a model answers; NOT_FOUND where there is none of that name or version."""
        asked = MESSAGES["ModelReadyRequest"].FromString(message)
        try:
            served(self._state, asked.name, asked.version)
        except NotReady:
            return MESSAGES["ModelReadyResponse"](ready=False)
        return MESSAGES["ModelReadyResponse"](ready=True)

    async def server_metadata(self, _: bytes, __: Context) -> Any:
        """Tell what the server is."""
        return MESSAGES["ServerMetadataResponse"](**server_metadata())

    async def model_metadata(self, message: bytes, _: Context) -> Any:
        """Tell what a model takes and gives."""
        asked = MESSAGES["ModelMetadataRequest"].FromString(message)
        return MESSAGES["ModelMetadataResponse"](**model_metadata(served(self._state, asked.name, asked.version)))

    async def model_infer(self, message: bytes, context: Context) -> Any:
        """Answer rows."""
        asked = MESSAGES["ModelInferAddress"].FromString(message)
        model, limits = served(self._state, asked.model_name, asked.model_version), self._state.settings
        rows = len(message) // (_NUMBER_BYTES * len(model.signature.names))
        work = partial(answer, message, model, limits.max_rows)
        answered = await self._state.service.answer(
            model, len(message), min(limits.max_rows, max(1, rows)), work, context.cancelled
        )
        return answered.content


def answer(message: bytes, model: LoadedModel, max_rows: int) -> Answered:
    """Return the ModelInferResponse to a ModelInferRequest, its rows, and the model's answers to them."""
    if len(message) > SMALL_MESSAGE:
        Bounds(model.signature, max_rows).check(message)
    request = MESSAGES["ModelInferRequest"].FromString(message)
    wanted = [output.name for output in request.outputs]
    check_wanted(wanted, model)
    rows = rows_of(tensors_from(request), model.signature, max_rows)
    answers = model.predict(rows)
    return Answered(response_of(tensors_of(answers, model, wanted), model, request.id), rows, answers)


def served(state: State, name: str, version: str) -> LoadedModel:
    """Return the model of a name, if it is of that version or none is asked for.

    Raises:
        NoSuchModel: there is no such model or version.
        NotReady: it has no good version yet.

    """
    model: LoadedModel = state.watcher.served(name)
    if version and version != str(model.version):
        raise NoSuchModel("this version of the model does not answer here; GET /v2/repository/index lists them")
    return model


def is_ready(state: State) -> bool:
    """Return whether requests should be sent here."""
    try:
        state.watcher.check_ready()
    except NotReady:
        return False
    return not state.drain.begun
