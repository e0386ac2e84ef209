"""How the text of a setting is read; what cannot be read is a ValueError that says what was expected."""

import json
import re
from pathlib import Path
from typing import Any

STANDARD_OUTPUT = "-"


def whole_number(least: int, most: int) -> Any:
    """Return a parser of whole numbers within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def seconds(least: float, most: float) -> Any:
    """Return a parser of seconds within bounds."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not least <= float(text) <= most:
            raise ValueError(f"a number of seconds from {least:g} to {most:g}")
        return float(text)

    return parse


def one_of(*choices: str) -> Any:
    """Return a parser that takes one of several words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return parse


def word(text: str) -> str:
    """Parse any text but the empty one."""
    if not text:
        raise ValueError("a word")
    return text


def path_of(what: str) -> Any:
    """Return a parser of the path of a thing, which need not exist yet."""

    def parse(text: str) -> Path:
        if not text:
            raise ValueError(f"a {what}'s path")
        return Path(text)

    return parse


def share(text: str) -> float:
    """Parse a share, from 0 to 1."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or float(text) > 1:
        raise ValueError("a share from 0 to 1")
    return float(text)


def log_path(text: str) -> Path:
    """Parse the path of a log, whose ending is its format."""
    if text != STANDARD_OUTPUT and not re.search(r"[^/]\.(jsonl|parquet)\Z", text):
        raise ValueError("a path that ends in .jsonl or .parquet, or - for standard output")
    return Path(text)


def names(text: str) -> tuple[str, ...]:
    """Parse columns' names: with commas between them, or, where a name has one itself, as a list in JSON."""
    expected = 'a list of names: one,other or ["one","other"]'
    try:
        found = json.loads(text) if text.startswith("[") else [name.strip() for name in text.split(",")]
    except ValueError:
        raise ValueError(expected) from None
    if not isinstance(found, list) or not found or not all(isinstance(name, str) and name for name in found):
        raise ValueError(expected)
    return tuple(found)
