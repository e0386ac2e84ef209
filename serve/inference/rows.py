"""From a request's tensors to a model's rows: one tensor of all numbers, or a tensor a column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from serve.errors import TooLarge, WrongValues
from serve.inference.tensor import BYTES, FP32, Place, Tensor
from serve.mixed import mixed_columns
from serve.onnx_runtime import NUMBERS, Inputs, Rows
from serve.signature import Signature

_EXACT = 2**24  # float32 holds each whole number up to here, and beyond it those of at most 24 significant bits


def takes_matrix(signature: Signature) -> bool:
    """Return whether all columns may come as one tensor [n, columns], called NUMBERS: there are no texts among them."""
    return not signature.texts and signature.names != [NUMBERS]


def is_matrix(name: str, place: Place, signature: Signature) -> bool:
    """Return whether an input is the one that holds all columns."""
    return name == NUMBERS and place.total == 1 and takes_matrix(signature)


def where_is(position: int, name: str, place: Place, signature: Signature) -> dict[str, Any]:
    """Return the row and the column of a value, by its position in the data of an input; {} if that is none."""
    if is_matrix(name, place, signature):
        row, column = divmod(position, len(signature.names))
        return {"row": row, "column": signature.names[column]}
    return {"row": position, "column": name} if name in signature.by_name else {}


def rows_of(inputs: Sequence[Tensor], signature: Signature, max_rows: int) -> Inputs:
    """Return the rows that tensors hold; their numbers are not checked yet.

    Raises:
        TooLarge: they are more than `max_rows`.
        WrongValues: the tensors are no rows of this model, or hold texts that it does not take.

    """
    alone = Place(0, len(inputs))
    if inputs and is_matrix(inputs[0].name, alone, signature):
        rows: Inputs = _matrix(inputs[0], alone, signature, max_rows)
    else:
        columns = _columns(inputs, signature, max_rows)
        rows = mixed_columns(columns, signature, single=False) if signature.texts else np.stack(columns, axis=1)
    return rows


def _matrix(tensor: Tensor, place: Place, signature: Signature, max_rows: int) -> Rows:
    width = len(signature.names)
    if len(tensor.shape) != 2 or tensor.shape[1] != width:
        raise WrongValues(f"{place} has another shape than the model's rows", expected=f"the shape [rows, {width}]")
    _check_count(tensor.shape[0], max_rows)
    numbers, bad = _as_float32(tensor, place)
    if bad is not None:
        raise _not_exact(where_is(bad, tensor.name, place, signature))
    return np.ascontiguousarray(numbers)


def _columns(inputs: Sequence[Tensor], signature: Signature, max_rows: int) -> list[Any]:
    """Return the values of each column in the model's order: float32 [n], or a list of n texts."""
    by_name = _by_name(inputs, signature)
    columns: list[Any] = []
    count = _check_count(_length(*by_name[signature.names[0]]), max_rows)
    for index, name in enumerate(signature.names):
        tensor, place = by_name[name]
        if _length(tensor, place) != count:
            raise WrongValues("the inputs have different numbers of rows", column=name)
        if (tensor.datatype == BYTES) != (index in signature.texts):
            expected = "BYTES: it is a column of texts" if index in signature.texts else "a datatype of numbers"
            raise WrongValues(f"{place} has a datatype that its column does not take", column=name, expected=expected)
        if index in signature.texts:
            columns.append(tensor.data.reshape(-1).tolist())
            continue
        numbers, bad = _as_float32(tensor, place)
        if bad is not None:
            raise _not_exact(where_is(bad, name, place, signature))
        columns.append(numbers.reshape(-1))
    return columns


def _by_name(inputs: Sequence[Tensor], signature: Signature) -> dict[str, tuple[Tensor, Place]]:
    """Return the tensor of each column, and its place in the request."""
    found: dict[str, tuple[Tensor, Place]] = {}
    for index, tensor in enumerate(inputs):
        place = Place(index, len(inputs))
        if tensor.name not in signature.by_name:
            raise WrongValues(f"{place} has a name that is no input of this model", expected=_names(signature))
        if tensor.name in found:
            raise WrongValues("an input is sent twice; expected each once", column=tensor.name)
        found[tensor.name] = tensor, place
    for name in signature.names:
        if name not in found:
            raise WrongValues("an input is missing", column=name, expected=_names(signature))
    return found


def _names(signature: Signature) -> str:
    each = f"an input for each of its {len(signature.names)} columns, named like it"
    return f"{NUMBERS} alone, with all columns, or {each}" if takes_matrix(signature) else each


def _length(tensor: Tensor, place: Place) -> int:
    """Return how many rows a column's tensor has."""
    if len(tensor.shape) == 1 or (len(tensor.shape) == 2 and tensor.shape[1] == 1):
        return tensor.shape[0]
    column = tensor.name
    raise WrongValues(
        f"{place} has another shape than a column", column=column, expected="the shape [rows] or [rows, 1]"
    )


def _check_count(rows: int, max_rows: int) -> int:
    if rows > max_rows:
        raise TooLarge(f"the inputs have {rows} rows; at most {max_rows} are answered at once")
    if not rows:
        raise WrongValues("the inputs have no rows; expected at least 1")
    return rows


def _as_float32(tensor: Tensor, place: Place) -> tuple[Rows, int | None]:
    """Return numbers as float32, and the position of the first whole number that is not the same in it."""
    data = tensor.data
    if tensor.datatype == FP32:
        return data, None
    if tensor.datatype == BYTES:
        raise WrongValues(f"{place} holds texts; expected numbers")
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        numbers: Rows = data.astype(np.float32, copy=False)
    if data.dtype.kind in "iu" and data.itemsize > 2:
        return numbers, _first_not_exact(data)
    return numbers, None


def _first_not_exact(data: npt.NDArray[Any]) -> int | None:
    """Return the position of the first whole number that has more significant bits than a float32 has room for."""
    magnitudes = np.abs(data).astype(np.uint64)  # the least int64 has no positive one; its bits are the same as such
    if magnitudes.max(initial=0) <= _EXACT:
        return None
    lowest_bits = np.maximum(magnitudes & (~magnitudes + np.uint64(1)), np.uint64(1))
    bad = (magnitudes // lowest_bits >= _EXACT).reshape(-1)
    return int(np.argmax(bad)) if bad.any() else None


def _not_exact(at: dict[str, Any]) -> WrongValues:
    expected = "one that float32 holds, or FP64, which is rounded"
    return WrongValues("a whole number is not the same in float32", **at, expected=expected)
