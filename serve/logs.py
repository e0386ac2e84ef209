"""The log on standard error: one JSON object a line for programs, or one line of text for people."""

import asyncio
import logging
import re
import sys
import threading
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from serve.rotation import Rotating, Unusable
from serve.settings import LOG_LEVELS, Settings

NAME = "copse"
log = logging.getLogger(NAME)

MOST_FRAMES = 12  # of a traceback, the innermost
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_VALUES_MAY_FOLLOW = re.compile(r"[<(\n]")  # asyncio and others show whole objects, and so what is in them


class JsonLine(logging.Formatter):
    """A record as one JSON object in one line. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (RFC 3339, UTC, milliseconds), level and message first."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        first = {"time": time.replace("+00:00", "Z"), "level": record.levelname.lower(), "message": _message(record)}
        told = {_text(name): _plain(value) for name, value in ({**_more(record), **first}).items()}
        ordered = {name: told[name] for name in first} | told
        try:
            return orjson.dumps(ordered).decode()
        except TypeError:  # a whole number beyond 64 bits
            return orjson.dumps({name: _text(value) for name, value in ordered.items()}).decode()


class TextLine(logging.Formatter):
    """A record as one line for people, in local time. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, message, then what else is known as name=value."""
        more = "".join(f" {_text(name)}={_text(value)}" for name, value in _more(record).items())
        line = f"{self.formatTime(record)} {record.levelname:7} {_message(record)}{more}"
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def writes_json(log_format: str) -> bool:
    """Return whether the log is JSON; `auto` is text on a terminal only."""
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())


def configure(settings: Settings) -> None:
    """Have all that is said while the server runs, by whatever library, be lines of one form on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if writes_json(settings.log_format) else TextLine())
    logging.basicConfig(handlers=[handler], force=True)
    logging.raiseExceptions = False  # it would print a traceback where a line cannot be written
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn.error").addFilter(_worth_saying)
    set_level(settings.log_level)
    sys.excepthook = lambda kind, error, trace: log.critical("the server failed", exc_info=(kind, error, trace))
    threading.excepthook = lambda failed: _say_unhandled(failed.exc_value)
    sys.unraisablehook = lambda failed: _say_unhandled(failed.exc_value)


def set_level(level: str) -> None:
    """Write lines of this level and above; of libraries only warnings, of uvicorn only errors."""
    number = logging.getLevelNamesMapping()[level.upper()]
    log.setLevel(number)
    logging.getLogger().setLevel(max(number, logging.WARNING))
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def level_from(path: Path, otherwise: str) -> Rotating[str]:
    """Return the level that a file holds, set now and whenever the file changes; another where it holds none yet."""

    def read(contents: Sequence[bytes]) -> str:
        level = contents[0].decode(errors="replace").strip()
        if level not in LOG_LEVELS:
            raise Unusable(f"{path} must hold one of {', '.join(LOG_LEVELS)}")
        set_level(level)
        return level

    return Rotating("settings of the log", [path], read, otherwise)


def _say_unhandled(error: BaseException | None) -> None:
    log.error("an error reached nobody", exc_info=error)


def _worth_saying(record: logging.LogRecord) -> bool:
    """Leave out that a request was cancelled because the time to shut down was over."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cancelled and "CancelledError" not in record.getMessage()


def _message(record: logging.LogRecord) -> str:
    """Return the message; of what a library says only as much as shows no object."""
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit
        message = _text(record.msg)
    shown = message if _is_ours(record) else _VALUES_MAY_FOLLOW.split(message)[0].strip() or record.name
    return _text(shown)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == NAME


def _more(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was given as extra, whose logger it is if not ours, and of an exception type and place.

    An exception's own text is left out: of libraries it may repeat a value of a row.
    """
    more = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if not _is_ours(record):
        more["logger"] = record.name
    if record.exc_info and (error := record.exc_info[1]):
        more["exception"] = type(error).__name__
        frames = [
            f"{Path(each.f_code.co_filename).name}:{line}" for each, line in traceback.walk_tb(error.__traceback__)
        ]
        more["raised_at"] = " ".join(frames[-MOST_FRAMES:])
    return more


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else _text(value)


def _text(value: Any) -> str:
    """Return any value as text that is valid in UTF-8."""
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001 - a log must not fail for what it is told
        return type(value).__name__
