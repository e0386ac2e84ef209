"""From a request's JSON to float32 rows.

Typed decoding is the fast path and takes no "1.5", true or null for a number. What it refuses is explained in
serve/explain.py, off the fast path, without ever repeating a value that was sent.
"""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from serve.errors import TooLarge, WrongValues
from serve.explain import check_repeated, explain
from serve.model import LoadedModel
from serve.onnx_runtime import Rows

Row = list[float] | dict[str, float]
RowWithMissing = list[float | None] | dict[str, float | None]


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    features: Row | msgspec.UnsetType = msgspec.UNSET
    instances: list[Row] | msgspec.UnsetType = msgspec.UNSET


class _RequestWithMissing(msgspec.Struct, forbid_unknown_fields=True):
    features: RowWithMissing | msgspec.UnsetType = msgspec.UNSET
    instances: list[RowWithMissing] | msgspec.UnsetType = msgspec.UNSET


class Decoded(NamedTuple):
    """Rows [n, columns], and whether they came as one row (`features`) or as a list of rows (`instances`)."""

    rows: Rows
    single: bool


_decoder = msgspec.json.Decoder(_Request)
_decoder_with_missing = msgspec.json.Decoder(_RequestWithMissing)


def decode(body: bytes, model: LoadedModel, max_rows: int) -> Decoded:
    """Decode the body of a prediction request.

    Raises:
        Malformed: it is not JSON.
        TooLarge: it has more than `max_rows` rows, or more values than so many rows have.
        WrongValues: it is JSON, and not rows of this model.

    """
    _check_size(body, model, max_rows)
    request = _parse(body, model)
    single = request.features is not msgspec.UNSET
    if single == (request.instances is not msgspec.UNSET):
        raise WrongValues("expected one of features (one row) and instances (a list of rows)")
    given: list[Any] = [request.features] if single else request.instances
    if not given:
        raise WrongValues("instances has no rows; expected at least 1")
    if len(given) > max_rows:
        raise TooLarge(f"instances has {len(given)} rows; at most {max_rows} are answered at once")
    ordered = [_ordered(row, index, single, model.columns) for index, row in enumerate(given)]
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
        rows = np.array(ordered, dtype=np.float32)
    _check_values(rows, single, model)
    return Decoded(rows, single)


def count_rows(body: bytes, max_rows: int) -> int:
    """Return how many rows a body has, by counting its brackets: exact for a good body, and never above `max_rows`."""
    return min(max_rows, max(1, body.count(b"[") + body.count(b"{") - 2))


def _check_size(body: bytes, model: LoadedModel, max_rows: int) -> None:
    """Refuse far too many values before an object is made for each; up to twice as many are told more exactly later."""
    commas = len(model.columns) + sum(name.count(",") for name in model.columns)
    if body.count(b",") > 2 * max_rows * commas:
        features = len(model.columns)
        raise TooLarge(f"too many values for the rows; at most {max_rows} rows of {features} are answered at once")


def _parse(body: bytes, model: LoadedModel) -> Any:
    decoder: Any = _decoder_with_missing if any(model.may_be_missing.values()) else _decoder
    try:
        request = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise explain(body, model.may_be_missing, refusal) from None
    if body.count(b'"') != 2:
        check_repeated(body, model.may_be_missing)
    return request


def _ordered(row: Any, index: int, single: bool, columns: list[str]) -> list[float | None]:
    """Return a row's values in the model's order of columns."""
    where = {} if single else {"row": index}
    if isinstance(row, list):
        if len(row) != len(columns):
            raise WrongValues(f"a row has {len(row)} numbers; expected {len(columns)}", **where)
        return row
    missing = [name for name in columns if name not in row]
    if missing:
        raise WrongValues(f"a feature is missing; expected all {len(columns)} by name", column=missing[0], **where)
    if len(row) != len(columns):
        raise _unknown_name(row, columns, where)
    return [row[name] for name in columns]


def _unknown_name(row: dict[str, Any], columns: list[str], where: dict[str, int]) -> WrongValues:
    """Return the error for a name that is no feature's: its position, and not the name, which was sent."""
    position = next(index for index, name in enumerate(row) if name not in set(columns))
    return WrongValues(f"name {position + 1} of {len(row)} in a row is no feature of this model", **where)


def _check_values(rows: Rows, single: bool, model: LoadedModel) -> None:
    """Refuse the first value that is infinite as float32, or missing where none may be."""
    bad = ~np.isfinite(rows)
    if not bad.any():
        return
    bad &= ~(np.isnan(rows) & np.array(list(model.may_be_missing.values())))
    if not bad.any():
        return
    row, column = (int(index) for index in np.argwhere(bad)[0])
    absent = bool(np.isnan(rows[row, column]))
    sentence = "a value is missing; training saw none missing here" if absent else "a number is too large for float32"
    raise WrongValues(
        sentence,
        **({} if single else {"row": row}),
        column=model.columns[column],
        expected="a number" if absent else "a number between -3.4e38 and 3.4e38",
    )
