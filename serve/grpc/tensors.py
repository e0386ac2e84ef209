"""Between messages and tensors: raw contents, or typed ones in the field of their datatype."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from serve.errors import WrongValues
from serve.grpc.messages import MESSAGES
from serve.inference.binary import array_from, bytes_of, text_from
from serve.inference.tensor import BYTES, Place, Tensor, dtype_of, shaped
from serve.model import LoadedModel

# The field of each datatype, and how it is read. The 16-bit floats have none: they are always raw.
_FIELDS: dict[str, tuple[str, Any]] = {
    "BOOL": ("bool_contents", np.bool_),
    "UINT8": ("uint_contents", np.uint32),
    "UINT16": ("uint_contents", np.uint32),
    "UINT32": ("uint_contents", np.uint32),
    "UINT64": ("uint64_contents", np.uint64),
    "INT8": ("int_contents", np.int32),
    "INT16": ("int_contents", np.int32),
    "INT32": ("int_contents", np.int32),
    "INT64": ("int64_contents", np.int64),
    "FP32": ("fp32_contents", np.float32),
    "FP64": ("fp64_contents", np.float64),
    BYTES: ("bytes_contents", np.object_),
}

_Response = MESSAGES["ModelInferResponse"]


def tensors_from(request: Any) -> list[Tensor]:
    """Return the inputs of a ModelInferRequest.

    Raises:
        WrongValues: one of them is no tensor.

    """
    return list(_tensors(request.inputs, request.raw_input_contents))


def _tensors(inputs: Sequence[Any], raw: Sequence[bytes]) -> Iterator[Tensor]:
    if raw and len(raw) != len(inputs):
        raise WrongValues(f"raw_input_contents has {len(raw)} entries; expected one for each of {len(inputs)} inputs")
    for index, sent in enumerate(inputs):
        place, shape = Place(index, len(inputs)), tuple(sent.shape)
        if not raw:
            data = _typed(sent, shape, place)
        elif sent.HasField("contents"):
            raise WrongValues(f"{place} has contents beside raw_input_contents; expected either")
        else:
            data = array_from(memoryview(raw[index]), sent.datatype, shape, place)
        yield Tensor(sent.name, sent.datatype, shape, data)


def _typed(sent: Any, shape: tuple[int, ...], place: Place) -> npt.NDArray[Any]:
    """Return the values of an input's contents, of the datatype's dtype."""
    dtype = dtype_of(sent.datatype, place)
    if sent.datatype not in _FIELDS:
        raise WrongValues(f"{place} has a datatype without a field in contents", expected="it in raw_input_contents")
    name, wide = _FIELDS[sent.datatype]
    others = [field.name for field, _ in sent.contents.ListFields() if field.name != name]
    if others:
        raise WrongValues(f"{place} has its values in {others[0]}", expected=f"{name}, the field of its datatype")
    field = getattr(sent.contents, name)
    values = _texts(field, place) if sent.datatype == BYTES else np.fromiter(field, wide, len(field))
    narrow = values.astype(dtype, copy=False)
    if narrow.dtype.itemsize < values.dtype.itemsize and (narrow != values).any():
        raise WrongValues(f"{place} has a value that its datatype does not hold")
    return shaped(narrow, shape, place)


def _texts(values: Sequence[bytes], place: Place) -> npt.NDArray[np.object_]:
    texts = np.empty(len(values), np.object_)
    texts[:] = [text_from(value, place) for value in values]
    return texts


def response_of(tensors: Sequence[Tensor], model: LoadedModel, identifier: str) -> Any:
    """Return the ModelInferResponse with tensors as raw contents."""
    response = _Response(model_name=model.name, model_version=str(model.version), id=identifier)
    for tensor in tensors:
        response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        response.raw_output_contents.append(bytes_of(tensor))
    return response
