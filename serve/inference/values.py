"""The data of a tensor in JSON, flat or in its shape: typed decoding, and what is wrong with what it refuses."""

import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from serve.errors import RequestError, WrongValues
from serve.inference.rows import is_matrix, where_is
from serve.inference.tensor import DATATYPES, Place, Tensor, check_size, dtype_of
from serve.pieces import PIECE_BYTES, JsonList, NotTaken, numbers_in_pieces
from serve.signature import Signature

Number = float | None
Text = str | None
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "f": msgspec.json.Decoder(list[Number | list[Number]]),
    "i": msgspec.json.Decoder(list[int | list[int]]),
    "u": msgspec.json.Decoder(list[int | list[int]]),
    "b": msgspec.json.Decoder(list[bool | list[bool]]),
    "O": msgspec.json.Decoder(list[Text | list[Text]]),
}
_NUMBERS: dict[str, msgspec.json.Decoder[Any]] = {
    "f": msgspec.json.Decoder(list[Number]),
    "i": msgspec.json.Decoder(list[int]),
    "u": msgspec.json.Decoder(list[int]),
}
_ROWS: dict[str, msgspec.json.Decoder[Any]] = {
    "f": msgspec.json.Decoder(list[list[Number]]),
    "i": msgspec.json.Decoder(list[list[int]]),
    "u": msgspec.json.Decoder(list[list[int]]),
}
_EXPECTED = {"f": "a number", "i": "a whole number", "u": "a whole number", "b": "true or false", "O": "a text"}
_KINDS = {
    "str": "text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "float": "no whole number",
    "int": "a number",
}
_LONGEST_SPACE = 64  # bytes before the first number
_GOT = re.compile(r"got `(\w+)`")
_WHERE = re.compile(r"\$\[(\d+)\](?:\[(\d+)\])?")


class Parameters(msgspec.Struct):
    """How many bytes behind the JSON are an input's data, where they are not in it."""

    binary_data_size: int | None = None


class Input(msgspec.Struct):
    """An input as JSON describes it."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters | None = None
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


def tensor_from(sent: Input, place: Place, signature: Signature) -> Tensor:
    """Return the tensor of an input with data in JSON; null stands for a missing number or text.

    Raises:
        WrongValues: there is no such datatype, or data and datatype or shape do not go together.

    """
    dtype, shape = dtype_of(sent.datatype, place), tuple(sent.shape)
    if len(memoryview(sent.data)) > PIECE_BYTES and (found := _in_pieces(bytes(sent.data), dtype, shape)) is not None:
        return Tensor(sent.name, sent.datatype, shape, found)
    try:
        values = _flat(_DECODERS[dtype.kind].decode(sent.data), shape, place)
    except (msgspec.DecodeError, UnicodeDecodeError) as refusal:
        raise _refused(refusal, sent, place, signature) from None
    return Tensor(sent.name, sent.datatype, shape, _array(values, dtype, place).reshape(shape))


def _in_pieces(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """Return the values of many numbers in their shape, or None where something is not as it should be."""
    nested = data[1:_LONGEST_SPACE].lstrip().startswith(b"[")
    decoders, width = (_ROWS, shape[1]) if nested and len(shape) == 2 else (_NUMBERS, None)
    if dtype.kind not in decoders or not 1 <= len(shape) <= 2 or min(shape) < 0:
        return None
    try:
        parts = list(numbers_in_pieces(JsonList(data, 0, len(data)), decoders[dtype.kind], dtype, width))
    except NotTaken:
        return None
    found = np.concatenate(parts)
    return found.reshape(shape) if found.size == math.prod(shape) else None


def _flat(values: list[Any], shape: Sequence[int], place: Place) -> list[Any]:
    """Return values one after another, as many as there is room for in the shape, however they were nested."""
    if values and type(values[0]) is list:
        if len(shape) != 2 or len(values) != shape[0]:
            raise _other_shape(place)
        if any(type(row) is not list or len(row) != shape[1] for row in values):
            raise _other_shape(place)
        return list(chain.from_iterable(values))
    check_size(len(values), shape, place)
    return values


def _array(values: list[Any], dtype: np.dtype[Any], place: Place) -> npt.NDArray[Any]:
    if dtype.kind == "O":
        if list in map(type, values):
            raise _other_shape(place)
        texts = np.empty(len(values), np.object_)
        texts[:] = [text or "" for text in values] if None in values else values
        return texts
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            return np.array(values, dtype)
    except OverflowError:
        raise WrongValues(f"{place} has a number that its datatype does not hold") from None
    except (ValueError, TypeError):
        raise _other_shape(place) from None


def _other_shape(place: Place) -> WrongValues:
    return WrongValues(
        f"{place} has data that is not nested as its shape says", expected="a flat list, or lists of rows"
    )


def _refused(refusal: Exception, sent: Input, place: Place, signature: Signature) -> RequestError:
    """Return the error for data that typed decoding refused."""
    told, kind = str(refusal), DATATYPES[sent.datatype].kind
    if not isinstance(refusal, msgspec.ValidationError):
        return WrongValues(f"{place} has a text that is not Unicode")
    found, got = _WHERE.search(told), _GOT.search(told)
    if not found:
        return WrongValues(f"{place} has data that is {_KINDS[got[1]] if got else 'none'}", expected="a list")
    at = _where(int(found[1]), found[2], sent.name, place, signature)
    if got:
        which = "a value" if at else f"a value of {place}"
        return WrongValues(f"{which} is {_KINDS[got[1]]}", **at, expected=_EXPECTED[kind])
    if kind == "f":
        sentence, expected = signature.too_large()
        return WrongValues(sentence, **at, expected=expected)
    return WrongValues(f"{place} has a number that its datatype does not hold", **at)


def _where(first: int, inner: str | None, name: str, place: Place, signature: Signature) -> dict[str, Any]:
    """Return where a value is by its place in the data; the shape that was sent may be any."""
    if inner is None:
        return where_is(first, name, place, signature)
    width = len(signature.names) if is_matrix(name, place, signature) else 1
    return where_is(first * width + int(inner), name, place, signature) if int(inner) < width else {}
