"""Log lines: whatever is logged is one line, as JSON or as text, and shows nothing of a value."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.logs import JsonLine, TextLine, level_from, set_level
from tests.rotations import replace, swap

SECRET = "4815162342"
RESERVED = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Untold:
    """An object that fails when it is to be shown."""

    def __str__(self) -> str:
        raise ValueError(SECRET)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Untold)
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
extras = st.dictionaries(st.text().filter(lambda name: name not in RESERVED), anything, max_size=4)


def record(
    message: Any = "said", *arguments: Any, name: str = "copse", error: BaseException | None = None, **extra: Any
) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.getLogger(name).makeRecord(name, logging.WARNING, "f", 1, message, arguments, exc_info, extra=extra)
    assert isinstance(made, logging.LogRecord)
    return made


def told(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonLine().format(made)
    found: dict[str, Any] = json.loads(line)
    return found


def failed() -> ValueError:
    """Return an error that was raised, and repeats a value."""
    try:
        float(f"x{SECRET}")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.fixture
def levels() -> Iterator[None]:
    """Have all levels as before when the test is over."""
    loggers = [logging.getLogger(name) for name in ("copse", "uvicorn", None)]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@given(anything, st.lists(anything, max_size=3), extras, st.booleans())
def test_whatever_is_logged_is_one_line_of_json(message: Any, arguments: list[Any], extra: Any, error: bool) -> None:
    made = record(message, *arguments, error=failed() if error else None, **extra)

    line = JsonLine().format(made)

    line.encode()
    assert "\n" not in line
    assert isinstance(json.loads(line), dict)
    assert list(json.loads(line))[:3] == ["time", "level", "message"]


@given(anything, st.lists(anything, max_size=3), extras, st.booleans())
def test_whatever_is_logged_is_one_line_of_text(message: Any, arguments: list[Any], extra: Any, error: bool) -> None:
    line = TextLine().format(record(message, *arguments, error=failed() if error else None, **extra))

    assert line.isprintable()
    line.encode()


def test_a_line_has_its_time_in_utc_its_level_and_what_was_given_beside_the_message() -> None:
    found = told(record("%s of %d", "row", 3, request_id="a-1", rows=2, seconds=0.5, hot=True, model=None))

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {
        "level": "warning",
        "message": "row of 3",
        "request_id": "a-1",
        "rows": 2,
        "seconds": 0.5,
        "hot": True,
        "model": None,
    }


@pytest.mark.parametrize(
    ("number", "shown"),
    [(2**70, str(2**70)), (10**5000, "int"), (2**63, 2**63)],
    ids=["70 bits", "5000 digits", "64 bits"],
)
def test_a_number_that_is_too_large_for_json_is_told_as_text(number: int, shown: object) -> None:
    assert told(record(rows=number))["rows"] == shown


def test_what_cannot_be_encoded_is_escaped_and_the_rest_is_told() -> None:
    assert told(record("half \ud800 é", name="copse"))["message"] == r"half \ud800 é"


def test_nothing_that_is_given_takes_the_place_of_time_level_and_message() -> None:
    made = record(time="never", level="none")

    assert told(made)["level"] == "warning"
    assert told(made)["time"] != "never"


def test_text_has_the_same_in_one_line_that_a_terminal_shows_as_it_is() -> None:
    line = TextLine().format(record("first\nsecond \x1b[31m", rows=2))

    assert line.endswith(r"WARNING first\nsecond \x1b[31m rows=2")


def test_of_an_error_the_type_and_the_place_are_told_and_not_what_it_says() -> None:
    for formatter in (JsonLine(), TextLine()):
        line = formatter.format(record(error=failed()))
        assert "ValueError" in line
        assert "test_logs.py:" in line
        assert SECRET not in line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Task exception was never retrieved\nfuture: <Task '{}'>", "Task exception was never retrieved"),
        ("Exception in callback Model.answer([{}])", "Exception in callback Model.answer"),
        ("Exception in callback <method answer of {}>", "Exception in callback"),
        ("f.py:7: RuntimeWarning: overflow in cast\n  float({})", "f.py:7: RuntimeWarning: overflow in cast"),
    ],
)
def test_of_what_a_library_says_no_object_is_shown(said: str, line: str) -> None:
    found = told(record(said.format(SECRET), name="asyncio"))

    assert (found["message"], found["logger"]) == (line, "asyncio")


@pytest.mark.usefixtures("levels")
def test_a_file_sets_the_level_and_each_change_of_it_as_the_kubelet_changes_it(tmp_path: Path) -> None:
    swap(tmp_path / "log", level="warning\n")
    level = level_from(tmp_path / "log" / "level", "info")
    assert logging.getLogger("copse").level == logging.WARNING

    swap(tmp_path / "log", level="debug")
    level.reload()

    assert logging.getLogger("copse").level == logging.DEBUG
    assert level.current == "debug"


@pytest.mark.usefixtures("levels")
def test_what_is_no_level_is_said_once_and_the_level_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "level"
    file.write_text("debug")
    level = level_from(file, "info")
    for content in (SECRET, SECRET, "DEBUG debug"):
        replace(file, content)
        level.reload()

    assert logging.getLogger("copse").level == logging.DEBUG
    (said,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert said.startswith(f"{file} must hold one of debug, info, warning, error; ")
    assert SECRET not in said


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize("content", ["loud", "", None])
def test_a_file_that_holds_no_level_yet_keeps_no_server_from_starting(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "level"
    if content is not None:
        file.write_text(content)
    set_level("warning")

    level = level_from(file, "warning")
    assert len(caplog.messages) == 1
    level.reload()
    assert len(caplog.messages) == 1
    file.write_text("error")
    level.reload()

    assert logging.getLogger("copse").level == logging.ERROR


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize(("level", "libraries"), [("debug", "WARNING"), ("warning", "WARNING"), ("error", "ERROR")])
def test_of_libraries_no_more_than_warnings_are_logged(level: str, libraries: str) -> None:
    set_level(level)

    assert logging.getLevelName(logging.getLogger("asyncio").getEffectiveLevel()) == libraries
    assert logging.getLevelName(logging.getLogger("copse").level) == level.upper()
