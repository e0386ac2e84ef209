"""From the body of an inference request to tensors: JSON, and behind it the bytes of those that are sent as such."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from serve.decode import check_size
from serve.errors import Malformed, WrongValues
from serve.inference.binary import array_from
from serve.inference.refusals import explain
from serve.inference.rows import takes_matrix
from serve.inference.tensor import FP32, Place, Tensor
from serve.inference.values import Input, tensor_from
from serve.onnx_runtime import NUMBERS
from serve.signature import Signature

_STRUCTURE = 64  # commas that a request may have beside those between values, and as many for each input


class OutputParameters(msgspec.Struct):
    """Whether an output is wanted as bytes behind the JSON."""

    binary_data: bool | None = None


class WantedOutput(msgspec.Struct):
    """An output that is wanted."""

    name: str
    parameters: OutputParameters | None = None


class RequestParameters(msgspec.Struct):
    """Whether outputs are wanted as bytes behind the JSON, where each does not say."""

    binary_data_output: bool | None = None


class RequestBody(msgspec.Struct):
    """The JSON of an inference request."""

    inputs: list[Input]
    id: str | None = None
    parameters: RequestParameters | None = None
    outputs: list[WantedOutput] | None = None


class InferRequest(NamedTuple):
    """What is asked for: outputs by name (none: all), and which of them, or else all others, are wanted as bytes."""

    id: str | None
    inputs: list[Tensor]
    wanted: list[str]
    binary: dict[str, bool]
    others_binary: bool


_decoder = msgspec.json.Decoder(RequestBody)


def decode_request(body: bytes, header_length: int | None, signature: Signature, max_rows: int) -> InferRequest:
    """Decode the body of an inference request, whose JSON has `header_length` bytes (None: all; 0: there is none).

    Raises:
        Malformed: it is not JSON, or shorter than that.
        TooLarge: it has more values than `max_rows` rows have.
        WrongValues: it is JSON, and no inference request.

    """
    if header_length == 0:
        return InferRequest(None, [_raw(body, signature)], [], {}, others_binary=True)
    if header_length is not None and header_length > len(body):
        raise Malformed("the body is shorter than its Inference-Header-Content-Length")
    content = body if header_length is None else body[:header_length]
    check_size(content, signature, max_rows, _STRUCTURE * (1 + len(signature.names)))
    try:
        request = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise explain(content, refusal) from None
    inputs = _tensors(request.inputs, memoryview(body)[len(content) :], signature)
    outputs = request.outputs or []
    chosen = {output.name: output.parameters.binary_data for output in outputs if output.parameters}
    binary = {name: wanted for name, wanted in chosen.items() if wanted is not None}
    others = bool(request.parameters and request.parameters.binary_data_output)
    return InferRequest(request.id, inputs, [output.name for output in outputs], binary, others)


def _raw(body: bytes, signature: Signature) -> Tensor:
    """Return the only input of a model without texts: all of the body."""
    width = len(signature.names)
    if not takes_matrix(signature) or not body or len(body) % (4 * width):
        expected = f"rows of {width} float32 numbers" if takes_matrix(signature) else "JSON that names the inputs"
        raise WrongValues("the body is not the model's only input as bytes", expected=expected)
    rows = np.frombuffer(body, "<f4").reshape(-1, width)
    return Tensor(NUMBERS, FP32, rows.shape, rows)


def _tensors(inputs: Sequence[Input], behind: memoryview, signature: Signature) -> list[Tensor]:
    """Return the inputs; those without data in JSON have theirs behind it, in their order."""
    found = []
    for index, sent in enumerate(inputs):
        place, shape = Place(index, len(inputs)), tuple(sent.shape)
        length = sent.parameters.binary_data_size if sent.parameters else None
        if (length is None) == (not sent.data):
            raise WrongValues(f"{place} needs its data in JSON or, by binary_data_size, behind it")
        if length is None:
            found.append(tensor_from(sent, place, signature))
            continue
        if not 0 <= length <= len(behind):
            raise WrongValues(f"{place} has a binary_data_size that is more than there is behind the JSON")
        array = array_from(behind[:length], sent.datatype, shape, place)
        found.append(Tensor(sent.name, sent.datatype, shape, array))
        behind = behind[length:]
    if behind:
        raise WrongValues("there is more data behind the JSON than the inputs' binary_data_size tells")
    return found
