"""The line to paste: a golden row that is answered, whatever its texts do to a shell."""

import asyncio
import json
import shlex
from pathlib import Path
from typing import Any

import msgspec

from model_repository import Category
from serve.settings import Settings
from serve.watcher import Watcher
from serve.welcome import welcome
from tests.mixed_models import ROWS, Row, columns, publish_mixed, version


def row_of(root: Path) -> Row:
    """Return the row that a shell would send."""
    watcher = Watcher(Settings(models=root))
    asyncio.run(watcher.look())
    line = next(line for line in welcome("http://x", watcher, "").splitlines() if line.startswith("curl"))
    assert line.isascii()
    *_, flag, body = shlex.split(line)
    assert flag == "-d"
    found: Row = json.loads(body)["features"]
    return found


def golden(rows: list[Row]) -> Any:
    """Return golden rows whose answers may be anything."""
    whole = version("number").manifest.golden
    return msgspec.structs.replace(
        whole, rows=rows, labels=[0.0] * len(rows), probabilities=[[]] * len(rows), tolerance=1e9
    )


def test_the_row_has_nothing_missing_and_nothing_unknown_where_there_is_such_a_row(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "number")

    assert ROWS[0] != ROWS[2]
    assert row_of(tmp_path) == ROWS[2]


def test_a_row_that_would_be_refused_is_not_shown(tmp_path: Path) -> None:
    refused = [0.0, "red", 0.0, "no such category"]
    publish_mixed(tmp_path, "number", golden=golden([refused, [0.5, None, None, "round"]]))

    assert row_of(tmp_path) == [0.5, None, None, "round"]


def test_texts_and_numbers_come_through_a_shell_as_they_are(tmp_path: Path) -> None:
    strange = 'it\'s "5 €"; $HOME \\ `ls`\n'
    made = columns()
    made[3] = msgspec.structs.replace(made[3], categories=[Category(strange, 1)])
    row = [0.1, "red", 1e-45, strange]
    publish_mixed(tmp_path, "number", columns=made, golden=golden([row]))

    assert row_of(tmp_path) == row
