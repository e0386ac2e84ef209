"""Tensors of the Open Inference Protocol, and what is wrong with one before it is compared with a model."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from serve.errors import WrongValues

BYTES = "BYTES"
FP32 = "FP32"
INT64 = "INT64"
MOST_DIMENSIONS = 8  # rows have one or two
MOST_VALUES = 2**32  # no request holds as many
BF16 = "BF16"  # the upper half of a float32; NumPy has no such type, so it is kept as float32

DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    INT64: np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    FP32: np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    BF16: np.dtype("<f4"),
    BYTES: np.dtype(np.object_),
}


class Tensor(NamedTuple):
    """A named array of `shape`, of its datatype's dtype in DATATYPES; BYTES are texts: an object array of str."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: npt.NDArray[Any]


class Place(NamedTuple):
    """Which of a request's inputs is meant. Errors tell its position, since its name is what was sent."""

    position: int  # from 0
    total: int

    def __str__(self) -> str:
        return f"input {self.position + 1} of {self.total}"


def dtype_of(datatype: str, place: Place) -> np.dtype[Any]:
    """Return the dtype of a datatype.

    Raises:
        WrongValues: there is no such datatype.

    """
    try:
        return DATATYPES[datatype]
    except KeyError:
        raise WrongValues(f"{place} has an unknown datatype", expected=f"one of {', '.join(DATATYPES)}") from None


def size_of(shape: Sequence[int], place: Place) -> int:
    """Return how many values a shape has room for. Nothing of that size is made for it.

    Raises:
        WrongValues: one of its dimensions is negative, or it is none that an array may have.

    """
    if shape and min(shape) < 0:
        raise WrongValues(f"{place} has a negative number in its shape")
    if len(shape) > MOST_DIMENSIONS:  # the product of very many takes minutes
        raise WrongValues(f"{place} has too many dimensions in its shape", expected=f"at most {MOST_DIMENSIONS}")
    size = math.prod(shape)
    if not size and math.prod(filter(None, shape)) > MOST_VALUES:
        raise WrongValues(f"{place} has a shape that is too large")
    return size


def check_size(values: int, shape: Sequence[int], place: Place) -> None:
    """Refuse data that has not as many values as its shape.

    Raises:
        WrongValues: it has more or less, or the shape is none.

    """
    size = size_of(shape, place)
    if size != values:
        found, room = f"{values} value{'' if values == 1 else 's'}", "more" if size > values else "fewer"
        raise WrongValues(f"{place} has {found}; its shape has room for {room}")


def shaped(values: npt.NDArray[Any], shape: Sequence[int], place: Place) -> npt.NDArray[Any]:
    """Return values, in row-major order, in their shape.

    Raises:
        WrongValues: the shape is none, or has room for more or less.

    """
    check_size(values.size, shape, place)
    return values.reshape(shape)
