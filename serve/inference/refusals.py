"""Says in one sentence why JSON is no inference request: what, where, and what was expected, never what was sent."""

import re

import msgspec

from serve.errors import Malformed, RequestError, WrongValues
from serve.explain import LARGEST_READ_AGAIN, load

# What msgspec tells: types and places, whose names are the protocol's. It tells no values.
_WRONG = re.compile(r"Expected `([^`]+)`, got `(\w+)`")
_LACKING = re.compile(r"missing required field `(\w+)`")
_PLACE = re.compile(r"`\$(?:\.(input|output)s\[(\d+)\])?(?:\.(\w+))?(?:\.(\w+))?(\[\d+\])?")
_KINDS = {
    "array": "a list",
    "object": "an object",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}


def explain(content: bytes, refusal: Exception) -> RequestError:
    """Return the error for JSON that typed decoding refused."""
    if len(content) <= LARGEST_READ_AGAIN:
        try:
            load(content)
        except RequestError as error:
            return error
    elif not isinstance(refusal, msgspec.ValidationError):
        return Malformed("the body is not JSON")
    if not isinstance(refusal, msgspec.ValidationError):
        return Malformed("the body is not JSON: it has a text that is not Unicode")
    told = str(refusal)
    what = _place(told)
    if lacking := _LACKING.search(told):
        return WrongValues(f"{what} has no {lacking[1]}")
    if wrong := _WRONG.search(told):
        expected = _KINDS[wrong[1].split(" |")[0]].replace("text", "a text")
        return WrongValues(f"{what} is {_KINDS[wrong[2]]}; expected {expected}")
    return WrongValues(f"{what} is not as the protocol has it")


def _place(told: str) -> str:
    """Return which part of the request is meant: "shape of input 1"."""
    found = _PLACE.search(told)
    if not found:
        return "the body"
    kind, index, member, inner, element = found.groups()
    whole = f"{kind} {int(index) + 1}" if kind else "the body"
    for name in filter(None, (member, inner)):
        whole = f"{name} of {whole}" if whole != "the body" else name
    return f"a number in {whole}" if element and member == "shape" else whole
