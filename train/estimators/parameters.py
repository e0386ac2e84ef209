"""Parameters from the command line: NAME=VALUE, and NAME=VALUE,VALUE for a search."""

import json
from collections.abc import Sequence
from typing import Any

from train.errors import BadParameter

_WORDS = {"true": True, "false": False, "none": None, "null": None}


def parse(texts: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that NAME=VALUE texts give; numbers, true, false, none and JSON are read as such.

    Raises:
        BadParameter: a text has no equals sign, or a name is given twice.

    """
    return {name: value(text) for name, text in _pairs(texts, "NAME=VALUE")}


def parse_choices(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return for each NAME=VALUE,VALUE the values to choose from.

    Raises:
        BadParameter: a text has no equals sign, or a name is given twice.

    """
    return {name: [value(each) for each in text.split(",")] for name, text in _pairs(texts, "NAME=VALUE,VALUE")}


def value(text: str) -> Any:
    """Return what a text stands for; a text that is nothing else is itself."""
    if text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def apply(estimator: Any, parameters: dict[str, Any], option: str) -> None:
    """Set parameters on an estimator.

    Raises:
        BadParameter: it has no parameter of such a name.

    """
    known = estimator.get_params()
    for name in parameters:
        if name not in known:
            listed = ", ".join(sorted(each for each in known if "__" not in each))
            raise BadParameter(f"{option} {name}: {type(estimator).__name__} has no such parameter; it has {listed}")
    estimator.set_params(**parameters)


def _pairs(texts: Sequence[str], form: str) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise BadParameter(f"{name or 'a parameter'} must be given as {form}")
    names = [name for name, _, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise BadParameter(f"the parameter {repeated} is given twice")
    return [(name, text) for name, _, text in pairs]
