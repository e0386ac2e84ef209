"""From a request's JSON to rows of numbers and texts.

Typed decoding is the fast path and takes no "1.5", true or null for a number. What it refuses is explained in
serve/explain.py, off the fast path, without ever repeating a value that was sent.
"""

from itertools import chain
from typing import Any, NamedTuple

import msgspec
import numpy as np

from serve.errors import TooLarge, WrongValues
from serve.explain import check_repeated, explain
from serve.mixed import mixed_rows
from serve.onnx_runtime import Inputs
from serve.signature import Signature

Row = list[float] | dict[str, float]
RowWithMissing = list[float | None] | dict[str, float | None]
MixedRow = list[float | str | None] | dict[str, float | str | None]
_QUOTE, _COMMA = b'",'
_BEGINNING = 64 * 2**10  # bytes


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    features: Row | msgspec.UnsetType = msgspec.UNSET
    instances: list[Row] | msgspec.UnsetType = msgspec.UNSET


class _RequestWithMissing(msgspec.Struct, forbid_unknown_fields=True):
    features: RowWithMissing | msgspec.UnsetType = msgspec.UNSET
    instances: list[RowWithMissing] | msgspec.UnsetType = msgspec.UNSET


class _MixedRequest(msgspec.Struct, forbid_unknown_fields=True):
    features: MixedRow | msgspec.UnsetType = msgspec.UNSET
    instances: list[MixedRow] | msgspec.UnsetType = msgspec.UNSET


class Decoded(NamedTuple):
    """Rows, and whether they came as one row (`features`) or as a list of rows (`instances`)."""

    rows: Inputs
    single: bool


_decoder = msgspec.json.Decoder(_Request)
_decoder_with_missing = msgspec.json.Decoder(_RequestWithMissing)
_mixed_decoder = msgspec.json.Decoder(_MixedRequest)


def decode(body: bytes, signature: Signature, max_rows: int) -> Decoded:
    """Decode the body of a prediction request; the numbers are not checked yet.

    Raises:
        Malformed: it is not JSON.
        TooLarge: it has more than `max_rows` rows, or more values than so many rows have.
        WrongValues: it is JSON, and not rows of this model.

    """
    check_size(body, signature, max_rows)
    request = _parse(body, signature)
    single = request.features is not msgspec.UNSET
    both_or_none = single == (request.instances is not msgspec.UNSET)
    given: list[Any] = [] if both_or_none else [request.features] if single else request.instances
    if body.count(b'"') != 2 and not _names_one_member(body):
        _check_repeated(body, given, signature)
    if both_or_none:
        raise WrongValues("expected one of features (one row) and instances (a list of rows)")
    if not given:
        raise WrongValues("instances has no rows; expected at least 1")
    if len(given) > max_rows:
        raise TooLarge(f"instances has {len(given)} rows; at most {max_rows} are answered at once")
    width = len(signature.names)
    ordered = [
        row if isinstance(row, list) and len(row) == width else _ordered(row, index, single, signature)
        for index, row in enumerate(given)
    ]
    rows = mixed_rows(ordered, signature, single=single) if signature.texts else signature.inputs(ordered)
    return Decoded(rows, single)


def decoder_of(signature: Signature) -> Any:
    """Return the decoder of a model's requests; its `type` is what /openapi.json is made from."""
    if signature.texts:
        return _mixed_decoder
    return _decoder_with_missing if signature.any_missing else _decoder


def count_rows(body: bytes, max_rows: int) -> int:
    """Return about how many rows a body has, and never above `max_rows`, by counting its brackets.

    That is exact for a small good body, but for one with brackets in its texts: that counts for more.
    """
    return min(max_rows, max(1, estimated_count(body, b"[") + estimated_count(body, b"{") - 2))


def estimated_count(body: bytes, mark: bytes) -> int:
    """Return about how often a body has a mark, by its beginning: to count in all of a large one takes milliseconds."""
    return int(body.count(mark, 0, _BEGINNING) * max(1.0, len(body) / _BEGINNING))


def check_size(body: bytes, signature: Signature, max_rows: int, others: int = 0) -> None:
    """Refuse far too many values before an object is made for each; up to twice as many are told more exactly later.

    A body may have so many `others` commas beside those between values.

    Raises:
        TooLarge: it has more than twice as many values as `max_rows` rows have.

    """
    if body.count(b",") <= 2 * max_rows * signature.commas + others:
        return
    features = len(signature.names)
    if signature.texts and _commas_outside_texts(body) <= 2 * max_rows * features + others:
        return
    raise TooLarge(f"too many values for the rows; at most {max_rows} rows of {features} are answered at once")


def _commas_outside_texts(body: bytes) -> int:
    """Count the commas between values, in memory of a few times the body's."""
    plain = np.frombuffer(body.replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
    inside = np.logical_xor.accumulate(plain == _QUOTE)
    return int(np.count_nonzero((plain == _COMMA) & ~inside))


def _parse(body: bytes, signature: Signature) -> Any:
    try:
        return decoder_of(signature).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise explain(body, signature, refusal) from None


def _names_one_member(body: bytes) -> bool:
    """Return whether no name can be repeated, since the body names a single one; that is quickly seen."""
    members = body.count(b'"instances"') + body.count(b'"features"')
    return members == 1 and body.count(b"{") == 1 and body.find(b"\\") < 0


def _check_repeated(body: bytes, given: list[Any], signature: Signature) -> None:
    """Refuse a repeated name. Unless there is one, or a quote in a text, a body has two quotes for each text in it."""
    texts = 1 + sum(len(row) for row in given if isinstance(row, dict))
    if signature.texts:
        values = chain.from_iterable(row.values() if isinstance(row, dict) else row for row in given)
        texts += [*map(type, values)].count(str)
    if body.count(b'"') != 2 * texts:
        check_repeated(body, signature)


def _ordered(row: Any, index: int, single: bool, signature: Signature) -> list[float | str | None]:
    """Return the values of a row by name in the model's order of columns; refuse a list, which has too many or few."""
    columns = signature.names
    where = {} if single else {"row": index}
    if isinstance(row, list):
        raise WrongValues(f"a row has {len(row)} {signature.values}; expected {len(columns)}", **where)
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
