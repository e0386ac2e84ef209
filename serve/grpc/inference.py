"""The methods of inference.GRPCInferenceService, answered by what answers HTTP."""

from functools import partial

from starlette.datastructures import State

from serve.errors import NotReady
from serve.grpc.bounds import SMALL_MESSAGE, Bounds
from serve.grpc.calls import Answer
from serve.grpc.messages import MESSAGES, encoded
from serve.grpc.tensors import response_of, tensors_from
from serve.identity import Caller
from serve.inference.control import check_allowed, check_parameters
from serve.inference.index import index_of
from serve.inference.metadata import model_metadata, server_metadata
from serve.inference.outputs import check_wanted, tensors_of
from serve.inference.rows import rows_of
from serve.model import LoadedModel
from serve.onnx_runtime import Answers
from serve.questions import Asked

SERVICE = "inference.GRPCInferenceService"
INFER = f"/{SERVICE}/ModelInfer"
OPEN = (f"/{SERVICE}/ServerLive", f"/{SERVICE}/ServerReady")
_NUMBER_BYTES = 4  # of a float32, for about how many rows a message has


class Inference:
    """Translates each method's messages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def methods(self) -> dict[str, Answer]:
        """Return the functions by path."""
        return {
            f"/{SERVICE}/ServerLive": self.server_live,
            f"/{SERVICE}/ServerReady": self.server_ready,
            f"/{SERVICE}/ModelReady": self.model_ready,
            f"/{SERVICE}/ServerMetadata": self.server_metadata,
            f"/{SERVICE}/ModelMetadata": self.model_metadata,
            INFER: self.model_infer,
            f"/{SERVICE}/RepositoryIndex": self.repository_index,
            f"/{SERVICE}/RepositoryModelLoad": self.repository_model_load,
            f"/{SERVICE}/RepositoryModelUnload": self.repository_model_unload,
        }

    async def server_live(self, _: bytes, __: Caller) -> bytes:
        """Say that the event loop turns."""
        return encoded("ServerLiveResponse", live=True)

    async def server_ready(self, _: bytes, __: Caller) -> bytes:
        """Say whether the models have answered their golden rows, and the server was not told to stop."""
        return encoded("ServerReadyResponse", ready=is_ready(self._state))

    async def model_ready(self, message: bytes, __: Caller) -> bytes:
        """Say whether a model answers; NOT_FOUND where there is none of that name or version."""
        asked = MESSAGES["ModelReadyRequest"].FromString(message)
        try:
            self._state.watcher.served(asked.name, asked.version)
        except NotReady:
            return encoded("ModelReadyResponse", ready=False)
        return encoded("ModelReadyResponse", ready=True)

    async def server_metadata(self, _: bytes, __: Caller) -> bytes:
        """Tell what the server is."""
        return encoded("ServerMetadataResponse", **server_metadata())

    async def model_metadata(self, message: bytes, __: Caller) -> bytes:
        """Tell what a model takes and gives."""
        asked = MESSAGES["ModelMetadataRequest"].FromString(message)
        return encoded("ModelMetadataResponse", **model_metadata(self._state.watcher.served(asked.name, asked.version)))

    async def model_infer(self, message: bytes, caller: Caller) -> bytes:
        """Answer rows."""
        asked = MESSAGES["ModelInferAddress"].FromString(message)
        model, limits = self._state.watcher.served(asked.model_name, asked.model_version), self._state.settings
        rows = len(message) // (_NUMBER_BYTES * len(model.signature.names))
        decode = partial(read, message, model, limits.max_rows)
        rows = min(limits.max_rows, max(1, rows))
        answered = await self._state.service.answer(model, len(message), rows, decode, caller)
        content: bytes = answered.content
        return content

    async def repository_index(self, message: bytes, __: Caller) -> bytes:
        """List the versions known here; only those that answer, where `ready` is asked for."""
        asked = MESSAGES["RepositoryIndexRequest"].FromString(message)
        return encoded("RepositoryIndexResponse", models=index_of(self._state.watcher.slots, ready=asked.ready))

    async def repository_model_load(self, message: bytes, __: Caller) -> bytes:
        """Load the version that a model's CURRENT names, also after an unload."""
        check_allowed(self._state.settings)
        asked = MESSAGES["RepositoryModelLoadRequest"].FromString(message)
        check_parameters(asked.parameters)
        await self._state.watcher.load(asked.model_name)
        return encoded("RepositoryModelLoadResponse")

    async def repository_model_unload(self, message: bytes, __: Caller) -> bytes:
        """Have a model answer no more until it is loaded again."""
        check_allowed(self._state.settings)
        asked = MESSAGES["RepositoryModelUnloadRequest"].FromString(message)
        await self._state.watcher.unload(asked.model_name)
        return encoded("RepositoryModelUnloadResponse")


def read(message: bytes, model: LoadedModel, max_rows: int) -> Asked:
    """Return the rows of a ModelInferRequest; they are answered by a ModelInferResponse."""
    if len(message) > SMALL_MESSAGE:
        Bounds(model.signature, max_rows).check(message)
    request = MESSAGES["ModelInferRequest"].FromString(message)
    wanted = [output.name for output in request.outputs]
    check_wanted(wanted, model)
    rows = rows_of(tensors_from(request), model.signature, max_rows)

    def encode(answers: Answers) -> bytes:
        content: bytes = response_of(tensors_of(answers, model, wanted), model, request.id).SerializeToString()
        return content

    return Asked(rows, encode)


def is_ready(state: State) -> bool:
    """Return whether requests should be sent here."""
    try:
        state.watcher.check_ready()
    except NotReady:
        return False
    return not state.drain.begun
