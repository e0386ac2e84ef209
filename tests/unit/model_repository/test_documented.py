"""docs/model-repository.md names every field of the manifest and every command."""

import re
from pathlib import Path

import msgspec
import pytest

from model_repository import (
    Calibration,
    Category,
    Column,
    DataSet,
    Evaluation,
    Example,
    ExplanationFile,
    Golden,
    Histogram,
    Importance,
    Importances,
    Manifest,
    OnnxFile,
    Parity,
    Provenance,
    Roc,
    RowSet,
    Target,
    cli,
)

TEXT = (Path(__file__).parents[3] / "docs" / "model-repository.md").read_text()
PLACES: list[tuple[str, type[msgspec.Struct]]] = [
    ("", Manifest),
    ("onnx.", OnnxFile),
    ("columns[].", Column),
    ("columns[].histogram.", Histogram),
    ("columns[].categories[].", Category),
    ("target.", Target),
    ("dataset.", DataSet),
    ("parity.", Parity),
    ("parity.row_sets[].", RowSet),
    ("golden.", Golden),
    ("provenance.", Provenance),
    ("explanation.", ExplanationFile),
    ("evaluation.", Evaluation),
    ("evaluation.roc[].", Roc),
    ("evaluation.calibration[].", Calibration),
    ("importances.", Importances),
    ("importances.columns[].", Importance),
    ("examples[].", Example),
]
FIELDS = [place + field.name for place, struct in PLACES for field in msgspec.structs.fields(struct)]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_manifest_is_in_the_table(field: str) -> None:
    if any(other.startswith((f"{field}.", f"{field}[].")) for other in FIELDS):
        return  # its own fields are in the table
    above, _, name = field.rpartition(".")
    short = rf"`{re.escape(above)}\.[a-z_]+`.*, `\.{name}`"
    assert re.search(rf"^\| (`{re.escape(field)}`|{short})", TEXT, re.MULTILINE), field


def test_every_command_is_in_the_synopsis() -> None:
    commands = re.findall(r"^    ([a-z]+) ", cli._parser().format_help(), re.MULTILINE)
    assert commands
    assert re.findall(r"^    copse-models --models DIR ([a-z]+)", TEXT, re.MULTILINE) == commands
