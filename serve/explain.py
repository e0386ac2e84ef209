"""Says in one sentence why a request was refused: what, where, and what was expected, never what was sent."""

import json
import re
from itertools import zip_longest
from typing import Any, NoReturn

import msgspec

from serve.errors import Malformed, RequestError, WrongValues

_KINDS = {str: "text", bool: "true or false", type(None): "null", list: "a list", float: "a number"}
_PLACE = re.compile(r"\$\.instances\[(\d+)\](?:\[(\d+)\])?")  # where msgspec says that the error is
LARGEST_READ_AGAIN = 2**20
_TOO_LARGE = "a number between -3.4e38 and 3.4e38"


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, repeated ones too."""


def explain(body: bytes, columns: dict[str, bool], refusal: Exception) -> RequestError:
    """Return the error for a body that typed decoding refused; `columns` tells of each whether it may be missing."""
    if len(body) > LARGEST_READ_AGAIN:
        return _explain_large(columns, refusal)
    try:
        _walk(_load(body), columns)
    except RequestError as error:
        return error
    return WrongValues("the body is not a prediction request; see GET /")


def _explain_large(columns: dict[str, bool], refusal: Exception) -> RequestError:
    """Tell what is known without reading a large body again, which would hold up everybody else."""
    if not isinstance(refusal, msgspec.ValidationError):
        return Malformed("the body is not JSON")
    place = _PLACE.search(str(refusal))
    if not place:
        return WrongValues("the body is not a prediction request; see GET /")
    row, column = place.groups()
    names = dict(enumerate(columns))
    at = {"column": names[int(column)]} if column and int(column) in names else {}
    return WrongValues("a value is no number", row=int(row), **at, expected="a number")


def check_repeated(body: bytes, columns: dict[str, bool]) -> None:
    """Refuse a body in which an object has the same name twice; a decoder would silently take the last.

    Raises:
        WrongValues: a name is repeated.

    """
    document = _load(body)
    _check_members(document, {})
    for member, value in document:
        rows = value if member == "instances" else [value]
        for index, row in enumerate(rows):
            if isinstance(row, _Pairs):
                _check_members(row, {"row": index} if member == "instances" else {}, columns)


def _load(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_Pairs, parse_int=float, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise Malformed("the body is not JSON: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON from character {error.pos + 1} on") from None


def _no_constant(_: str) -> NoReturn:
    raise Malformed("the body is not JSON: it has no NaN and no Infinity")


def _check_members(members: _Pairs, where: dict[str, int], columns: dict[str, bool] | None = None) -> None:
    seen: set[str] = set()
    repeated = next((name for name, _ in members if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]
    if repeated is None:
        return
    if columns and repeated in columns:
        raise WrongValues("a feature is named twice; expected each once", column=repeated, **where)
    raise WrongValues("a name is repeated; expected each once", **where)


def _walk(document: Any, columns: dict[str, bool]) -> None:
    if not isinstance(document, _Pairs):
        raise WrongValues(f"the body is {_kind(document)}; expected an object with features or instances")
    _check_members(document, {})
    for name, value in document:
        if name == "features":
            _walk_row(value, columns, {})
        elif name == "instances":
            _walk_rows(value, columns)
        else:
            raise WrongValues("the body has an unknown member; expected features or instances")


def _walk_rows(rows: Any, columns: dict[str, bool]) -> None:
    if not isinstance(rows, list) or isinstance(rows, _Pairs):
        raise WrongValues(f"instances is {_kind(rows)}; expected a list of rows")
    for index, row in enumerate(rows):
        _walk_row(row, columns, {"row": index})


def _walk_row(row: Any, columns: dict[str, bool], where: dict[str, int]) -> None:
    if isinstance(row, _Pairs):
        _check_members(row, where, columns)
        cells = [(name if name in columns else None, value) for name, value in row]
    elif isinstance(row, list):
        cells = list(zip_longest(columns, row))[: len(row)]
    else:
        raise WrongValues(f"a row is {_kind(row)}; expected a list of numbers, or an object of them by name", **where)
    for column, value in cells:
        at = where | ({"column": column} if column else {})
        if value is None and columns.get(column or "", False):
            continue
        if not isinstance(value, float):
            raise WrongValues(f"a value is {_kind(value)}", **at, expected="a number")
        if abs(value) > 3.5e38:
            raise WrongValues("a number is too large for float32", **at, expected=_TOO_LARGE)


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, _Pairs) else _KINDS[type(value)]
