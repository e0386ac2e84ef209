"""The conformance table in the docs is complete, and every test that it names is there."""

import re
from pathlib import Path

import pytest

from serve.inference.tensor import DATATYPES

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
TABLE = [line for line in PAGE.partition("## Conformance")[2].splitlines() if line.startswith("| ")]
ROWS = [line.strip("| ").split(" | ") for line in TABLE[1:]]
PARTS = [row[0] for row in ROWS]
ONE, VERSION = "v2/models/{name}", "v2/models/{name}/versions/{version}"
PATHS = [
    "GET v2",
    "GET v2/health/live",
    "GET v2/health/ready",
    *(f"GET {path}" for path in (ONE, VERSION)),
    *(f"GET {path}/ready" for path in (ONE, VERSION)),
    *(f"POST {path}/infer" for path in (ONE, VERSION)),
    "POST v2/repository/index",
    "POST v2/repository/models/{name}/load",
    "POST v2/repository/models/{name}/unload",
]
FIELDS = {
    "`GET v2`": ["name", "version", "extensions"],
    "`GET v2/models/{name}`": ["name", "versions", "platform", "inputs", "outputs"],
    "request": ["id", "parameters", "inputs", "outputs"],
    "request input": ["name", "shape", "datatype", "parameters", "data"],
    "request output": ["name", "parameters"],
    "response": ["model_name", "model_version", "id", "parameters", "outputs"],
    "response output": ["name", "shape", "datatype", "parameters", "data"],
    "error": ["error"],
    "binary": ["Inference-Header-Content-Length", "binary_data_size", "binary_data", "binary_data_output"],
    "index": ["ready", "name", "version", "state", "reason"],
    "load": ["parameters"],
    "unload": ["parameters"],
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_specification_is_in_the_table(path: str) -> None:
    assert f"`{path}`" in PARTS


@pytest.mark.parametrize(("whole", "field"), [(whole, field) for whole, fields in FIELDS.items() for field in fields])
def test_a_field_of_the_specification_is_in_the_table(whole: str, field: str) -> None:
    assert any(part.startswith(f"{whole}: ") and f"`{field}`" in part for part in PARTS)


def test_all_datatypes_of_the_specification_are_in_the_table() -> None:
    (row,) = [part for part in PARTS if part.startswith("datatypes ")]

    assert set(row.removeprefix("datatypes ").split(", ")) == set(DATATYPES) - {"BF16"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_test_that_a_row_names_is_there(row: list[str]) -> None:
    found = re.fullmatch(r"`(test_\w+\.py)::(test_\w+)`", row[-1])

    assert found, row
    (file,) = (ROOT / "tests").rglob(found[1])
    assert f"def {found[2]}(" in file.read_text()
