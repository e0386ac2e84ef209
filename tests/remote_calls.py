"""A client of gRPC for tests: messages from the server's own table, bytes on the wire."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import grpc
import numpy as np
import numpy.typing as npt

from serve.grpc.inference import SERVICE
from serve.grpc.messages import MESSAGES
from tests.servers import DEADLINE_SECONDS, RunningServer

GRPC_ADDRESS = re.compile(r"gRPC on (\S+)")
HEALTH = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = 1, 2


def grpc_address(server: RunningServer) -> str:
    """Return host:port, once it is printed."""
    server.says("gRPC on")
    server.says("serve    ")
    found = GRPC_ADDRESS.search(server.text)
    assert found
    return found[1]


class Refused(NamedTuple):
    """The status of a call that failed, and the metadata behind it."""

    code: grpc.StatusCode
    details: str
    trailer: dict[str, str]


def refusal(call: Callable[[], object]) -> Refused:
    """Return how a call fails; it must."""
    try:
        call()
    except grpc.RpcError as error:
        trailer = {entry.key: str(entry.value) for entry in error.trailing_metadata()}
        return Refused(error.code(), error.details() or "", trailer)
    raise AssertionError("the call was answered")


class Caller:
    """A channel to a server."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self.channel = channel
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def method(self, path: str) -> Any:
        """Return a function from bytes to bytes."""
        return self.channel.unary_unary(path)

    def call(self, method: str, **values: Any) -> Any:
        """Return the answer to a request with these values."""
        content = MESSAGES[f"{method}Request"](**values).SerializeToString()
        found = self.method(f"/{SERVICE}/{method}")(content, metadata=self._metadata, timeout=DEADLINE_SECONDS)
        return MESSAGES[f"{method}Response"].FromString(found)

    def refused(self, method: str, **values: Any) -> Refused:
        """Return how a request with these values fails; it must."""
        return refusal(lambda: self.call(method, **values))

    def health(self, service: str = "") -> int:
        """Return the status of a service."""
        content = MESSAGES["HealthCheckRequest"](service=service).SerializeToString()
        found = self.method(HEALTH)(content, timeout=DEADLINE_SECONDS)
        status: int = MESSAGES["HealthCheckResponse"].FromString(found).status
        return status

    @classmethod
    @contextmanager
    def of(cls, server: RunningServer, token: str | None = None, **options: int | str) -> Iterator[Self]:
        """Connect to a server without TLS, with options of the channel such as max_receive_message_length."""
        given = [(f"grpc.{name}", value) for name, value in options.items()]
        given.append(("grpc.use_local_subchannel_pool", 1))
        with grpc.insecure_channel(grpc_address(server), given) as channel:
            yield cls(channel, token)


def raw(name: str, datatype: str, array: npt.NDArray[Any]) -> tuple[dict[str, Any], bytes]:
    """Return an input, and its raw contents."""
    return {"name": name, "datatype": datatype, "shape": array.shape}, array.tobytes()


def typed(name: str, datatype: str, shape: Sequence[int], **contents: Any) -> dict[str, Any]:
    """Return an input with typed contents, such as fp32_contents=[1.5]."""
    return {"name": name, "datatype": datatype, "shape": shape, "contents": contents}


def infer_raw(model: str, *inputs: tuple[dict[str, Any], bytes], **values: Any) -> dict[str, Any]:
    """Return the values of a ModelInferRequest with raw contents."""
    described, contents = zip(*inputs, strict=True)
    return {"model_name": model, "inputs": list(described), "raw_input_contents": list(contents), **values}


_DTYPES = {"FP32": np.float32, "INT64": np.int64}


def outputs_of(response: Any) -> dict[str, Any]:
    """Return each output's values as nested lists."""
    found = {}
    for output, content in zip(response.outputs, response.raw_output_contents, strict=True):
        values = _texts(content) if output.datatype == "BYTES" else np.frombuffer(content, _DTYPES[output.datatype])
        found[output.name] = values.reshape(tuple(output.shape)).tolist()
    return found


def _texts(content: bytes) -> npt.NDArray[np.object_]:
    texts = []
    while content:
        end = 4 + int.from_bytes(content[:4], "little")
        texts.append(content[4:end].decode())
        content = content[end:]
    return np.array(texts, np.object_)
