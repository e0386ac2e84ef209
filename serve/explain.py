"""Says in one sentence why a request was refused: what, where, and what was expected, never what was sent."""

import json
import re
from itertools import zip_longest
from typing import Any, NoReturn

import msgspec

from model_repository import Column
from serve.errors import Malformed, RequestError, WrongValues
from serve.signature import Signature

_KINDS = {str: "text", bool: "true or false", type(None): "null", list: "a list", float: "a number"}
_PLACE = re.compile(r"\$\.instances\[(\d+)\](?:\[(\d+)\])?")  # where msgspec says that the error is
LARGEST_READ_AGAIN = 2**20


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, repeated ones too."""


def explain(body: bytes, signature: Signature, refusal: Exception) -> RequestError:
    """Return the error for a body that typed decoding refused."""
    if len(body) > LARGEST_READ_AGAIN:
        return _explain_large(signature, refusal)
    try:
        _walk(load(body), signature)
    except RequestError as error:
        return error
    return WrongValues("the body is not a prediction request; see GET /")


def _explain_large(signature: Signature, refusal: Exception) -> RequestError:
    """Tell what is known without reading a large body again, which would hold up everybody else."""
    if not isinstance(refusal, msgspec.ValidationError):
        return Malformed("the body is not JSON")
    place = _PLACE.search(str(refusal))
    if not place:
        return WrongValues("the body is not a prediction request; see GET /")
    row, column = place.groups()
    known = signature.columns[int(column)] if column and int(column) < len(signature.columns) else None
    at = {"column": known.name} if known else {}
    sentence = "a value is neither number nor text" if signature.texts else "a value is no number"
    return WrongValues(sentence, row=int(row), **at, expected=_expected(known, signature))


def check_repeated(body: bytes, signature: Signature) -> None:
    """Refuse a body in which an object has the same name twice; a decoder would silently take the last.

    Raises:
        WrongValues: a name is repeated.

    """
    document = load(body)
    _check_members(document, {})
    for member, value in document:
        rows = value if member == "instances" else [value]
        for index, row in enumerate(rows):
            if isinstance(row, _Pairs):
                _check_members(row, {"row": index} if member == "instances" else {}, signature)


def load(body: bytes) -> Any:
    """Return what a body holds, an object as its members in their order, repeated ones too.

    Raises:
        Malformed: it is not JSON.

    """
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


def _check_members(members: _Pairs, where: dict[str, int], signature: Signature | None = None) -> None:
    seen: set[str] = set()
    repeated = next((name for name, _ in members if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]
    if repeated is None:
        return
    if signature and repeated in signature.by_name:
        raise WrongValues("a feature is named twice; expected each once", column=repeated, **where)
    raise WrongValues("a name is repeated; expected each once", **where)


def _walk(document: Any, signature: Signature) -> None:
    if not isinstance(document, _Pairs):
        raise WrongValues(f"the body is {_kind(document)}; expected an object with features or instances")
    _check_members(document, {})
    for name, value in document:
        if name == "features":
            _walk_row(value, signature, {})
        elif name == "instances":
            _walk_rows(value, signature)
        else:
            raise WrongValues("the body has an unknown member; expected features or instances")


def _walk_rows(rows: Any, signature: Signature) -> None:
    if not isinstance(rows, list) or isinstance(rows, _Pairs):
        raise WrongValues(f"instances is {_kind(rows)}; expected a list of rows")
    for index, row in enumerate(rows):
        _walk_row(row, signature, {"row": index})


def _walk_row(row: Any, signature: Signature, where: dict[str, int]) -> None:
    cells: list[tuple[Column | None, Any]]
    if isinstance(row, _Pairs):
        _check_members(row, where, signature)
        cells = [(signature.by_name.get(name), value) for name, value in row]
    elif isinstance(row, list):
        cells = list(zip_longest(signature.columns, row))[: len(row)]
    else:
        raise WrongValues(
            f"a row is {_kind(row)}; expected a list of {signature.values}, or an object of them by name", **where
        )
    for column, value in cells:
        _check_value(value, column, signature, where | ({"column": column.name} if column else {}))


def _check_value(value: Any, column: Column | None, signature: Signature, at: dict[str, Any]) -> None:
    """Refuse a value of the wrong kind; where it is no column's, one that no column takes."""
    if value is None and (column.missing if column else signature.any_missing):
        return
    if not isinstance(value, _types(column, signature)):
        expected = _expected(column, signature)
        if isinstance(value, bool) and expected == "a number":
            expected += "; true is 1 and false is 0"
        raise WrongValues(f"a value is {_kind(value)}", **at, expected=expected)
    if isinstance(value, str) and not _is_unicode(value):
        raise WrongValues("a text is not Unicode", **at, expected="a text")
    if isinstance(value, float) and signature.clearly_too_large(value):
        sentence, expected = signature.too_large()
        raise WrongValues(sentence, **at, expected=expected)


def _types(column: Column | None, signature: Signature) -> tuple[type, ...]:
    if column:
        return (str,) if column.type == "string" else (float,)
    return (float, str) if signature.texts else (float,)


def _expected(column: Column | None, signature: Signature) -> str:
    if column:
        return "a text" if column.type == "string" else "a number"
    return "a number or a text" if signature.texts else "a number"


def _is_unicode(text: str) -> bool:
    """Return whether a text has no halves of characters, which JSON's escapes can make."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, _Pairs) else _KINDS[type(value)]
