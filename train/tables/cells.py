"""Cells as numbers and as texts: whole Arrow arrays at a time, and what cannot be read marked, not raised."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from train.tables.limits import MISSING_MARKS

BOOLEANS = {"true": 1.0, "false": 0.0}


class Numbers(NamedTuple):
    """Values [n], float64, NaN where a cell is missing; and which cells [n] hold something else."""

    values: npt.NDArray[np.float64]
    wrong: npt.NDArray[np.bool_]


class Texts(NamedTuple):
    """The different texts of an array, "" for missing ones, and for each cell [n] the position of its own."""

    found: list[str]
    positions: npt.NDArray[np.intp]


def number(text: str, marks: frozenset[str] = MISSING_MARKS) -> float | None:
    """Return the number that a cell holds: NaN where it is missing, 1 and 0 for true and false, None if it is none."""
    text = text.strip().lower()
    if text in marks:
        return math.nan
    if text in BOOLEANS:
        return BOOLEANS[text]
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def moment(text: str, marks: frozenset[str] = MISSING_MARKS) -> float | None:
    """Return the seconds since 1970 of an ISO date or timestamp (of UTC unless told), NaN if missing, else None."""
    if text.strip().lower() in marks:
        return math.nan
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def numbers(array: pa.Array, marks: frozenset[str]) -> Numbers:
    """Read an array of numbers, booleans or texts as numbers."""
    try:
        cast = array.cast(pa.uint8()) if pa.types.is_boolean(array.type) else array
        values = cast.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a text that is not simply a number
        return parsed(array, number, marks)
    return Numbers(values, np.zeros(len(values), dtype=bool))


def parsed(array: pa.Array, parse: Callable[[str, frozenset[str]], float | None], marks: frozenset[str]) -> Numbers:
    """Read each different text of an array with a function that returns None for those it cannot read."""
    encoded = array.dictionary_encode()
    found = [parse(text, marks) for text in encoded.dictionary.to_pylist()]
    values = np.array([math.nan if value is None else value for value in found] + [math.nan])
    wrong = np.array([value is None for value in found] + [False])
    positions = _positions(encoded, len(found))
    return Numbers(values[positions], wrong[positions])


def texts(array: pa.Array, marks: frozenset[str]) -> Texts:
    """Read an array as texts without the spaces around them; numbers are written as Python writes them."""
    encoded = array.dictionary_encode()
    found = [_text(value, marks) for value in encoded.dictionary.to_pylist()]
    return Texts([*found, ""], _positions(encoded, len(found)))


def _positions(encoded: pa.DictionaryArray, null: int) -> npt.NDArray[np.intp]:
    indices = encoded.indices.fill_null(null) if encoded.indices.null_count else encoded.indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.intp)


def _text(value: Any, marks: frozenset[str]) -> str:
    text = "" if isinstance(value, float) and math.isnan(value) else str(value).strip()
    return "" if text.lower() in marks else text
