"""All settings of the server, each from a flag, else from a COPSE_* variable, else its default."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from model_repository import LARGEST_MODEL

PREFIX = "COPSE_"


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


def folder(text: str) -> Path:
    """Parse a folder's path, which need not exist yet."""
    if not text:
        raise ValueError("a folder's path")
    return Path(text)


def word(text: str) -> str:
    """Parse any text but the empty one."""
    if not text:
        raise ValueError("a word")
    return text


def setting(parse: Any, text: str, default: Any = MISSING) -> Any:
    """Declare a setting: how its text is read, what it is for, and its default (none: it must be given)."""
    return field(default=default, metadata={"parse": parse, "help": text})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The server's settings, read once at start."""

    models: Path = setting(folder, "the model repository, a folder")
    model: str | None = setting(word, "the model that / and /predict mean, where the repository has several", None)
    host: str = setting(word, "address to listen on", "127.0.0.1")
    port: int = setting(whole_number(0, 65535), "port to listen on; 0 takes a free one", 8000)
    poll_seconds: float = setting(seconds(0.05, 3600), "how often to look for a new version", 2.0)
    max_body_bytes: int = setting(whole_number(1, 2**31), "largest request body, in bytes", 16 * 2**20)
    body_seconds: float = setting(seconds(0.1, 3600), "how long a request's body may take to come", 30.0)
    idle_seconds: int = setting(
        whole_number(1, 3600), "how long a connection may be idle; longer than a proxy before the server keeps one", 75
    )
    max_rows: int = setting(whole_number(1, 10**7), "most rows in one request", 10_000)
    max_model_bytes: int = setting(whole_number(1, 2**31), "largest ONNX file that is loaded, in bytes", LARGEST_MODEL)
    trial_seconds: int = setting(
        whole_number(1, 3600), "CPU seconds that a new version may take to load and answer its golden rows", 10
    )
    inline_bytes: int = setting(
        whole_number(0, 2**31), "largest body answered on the event loop; a larger one goes to a thread", 64 * 2**10
    )
    threads: int | None = setting(
        whole_number(1, 1024), "large requests answered at the same time; as many as the container has CPUs", None
    )
    drain_seconds: float = setting(
        seconds(0, 3600), "after SIGTERM, how long to go on answering, not ready, before listening ends", 0.0
    )
    shutdown_seconds: int = setting(whole_number(0, 3600), "how long requests under way may take to finish", 20)
    log_level: str = setting(one_of("debug", "info", "warning", "error"), "least severe log lines to write", "info")


class SettingError(Exception):
    """A setting that cannot be used; its text names it and what was expected."""


def flag(entry: "Field[Any]") -> str:
    """Return a setting's flag: --max-rows."""
    return "--" + entry.name.replace("_", "-")


def variable(entry: "Field[Any]") -> str:
    """Return a setting's environment variable: COPSE_MAX_ROWS."""
    return PREFIX + entry.name.upper()


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the settings; argparse ends the program for --help or an unknown flag.

    Raises:
        SettingError: a value cannot be used, one that is needed is not given, or a COPSE_* variable is unknown.

    """
    given = vars(_parser().parse_args(arguments))
    known = {variable(entry): entry for entry in fields(Settings)}
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            raise SettingError(
                f"{name} is no setting; see copse-serve --help (in Kubernetes: enableServiceLinks: false)"
            )
    values = {}
    for name, entry in known.items():
        if given[entry.name] is not None:
            values[entry.name] = _parse(entry, flag(entry), given[entry.name])
        elif name in environment:
            values[entry.name] = _parse(entry, name, environment[name])
        elif entry.default is MISSING:
            raise SettingError(f"{flag(entry)} or {name} must be given: {entry.metadata['help']}")
    return Settings(**values)


def _parse(entry: "Field[Any]", source: str, text: str) -> Any:
    try:
        return entry.metadata["parse"](text)
    except ValueError as error:
        raise SettingError(f"{source} must be {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copse-serve",
        description="Serve a published model over HTTP. Every flag is also a variable.",
        allow_abbrev=False,
    )
    for entry in fields(Settings):
        default = "needed" if entry.default is MISSING else entry.default
        suffix = f" [{variable(entry)}" + (f", {default}]" if default is not None else "]")
        parser.add_argument(
            flag(entry), metavar=entry.name.rpartition("_")[2].upper(), help=entry.metadata["help"] + suffix
        )
    return parser
