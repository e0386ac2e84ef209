"""Tensors as bytes: row-major, little-endian, without padding; a text is its length, 4 bytes, and its UTF-8."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from serve.errors import WrongValues
from serve.inference.tensor import BF16, BYTES, Place, Tensor, check_size, dtype_of, shaped, size_of

_LENGTH_BYTES = 4
_HALF = np.dtype("<u2")


def array_from(content: memoryview, datatype: str, shape: Sequence[int], place: Place) -> npt.NDArray[Any]:
    """Return the values that bytes hold, in a shape; numbers are a view of the bytes where these are aligned.

    Raises:
        WrongValues: there is no such datatype, the bytes are not as many as the shape asks for, or a text is no UTF-8.

    """
    if datatype == BYTES:
        return shaped(_texts(content, size_of(shape, place), place), shape, place)
    dtype = _HALF if datatype == BF16 else dtype_of(datatype, place)
    values, rest = divmod(len(content), dtype.itemsize)
    if rest:
        raise WrongValues(f"{place} has a part of a value at its end; expected values of {dtype.itemsize} bytes each")
    check_size(values, shape, place)
    array: npt.NDArray[Any] = np.frombuffer(content, dtype)
    if not array.flags.aligned:  # the JSON before it may end anywhere
        array = array.copy()
    if datatype == BF16:
        array = (array.astype("<u4") << 16).view("<f4")
    return array.reshape(shape)


def bytes_of(tensor: Tensor) -> bytes:
    """Return a tensor's values as bytes."""
    if tensor.datatype == BYTES:
        texts = [text.encode() for text in tensor.data.reshape(-1)]
        return b"".join(part for text in texts for part in (len(text).to_bytes(_LENGTH_BYTES, "little"), text))
    if tensor.datatype == BF16:
        return (tensor.data.astype("<f4").view("<u4") >> 16).astype(_HALF).tobytes()
    return tensor.data.tobytes()


def _texts(content: memoryview, most: int, place: Place) -> npt.NDArray[np.object_]:
    """Return the texts that bytes hold, at most so many of them."""
    texts: list[str] = []
    start, end = 0, len(content)
    while start < end and len(texts) <= most:
        begin = start + _LENGTH_BYTES
        start = begin + int.from_bytes(content[start:begin], "little")
        if begin > end or start > end:
            raise WrongValues(f"{place} ends within a text; expected 4 bytes of length, then as many bytes, for each")
        texts.append(text_from(content[begin:start], place))
    found = np.empty(len(texts), np.object_)
    found[:] = texts
    return found


def text_from(content: bytes | memoryview, place: Place) -> str:
    """Return a text.

    Raises:
        WrongValues: it is no UTF-8.

    """
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise WrongValues(f"{place} has a text that is not UTF-8") from None
