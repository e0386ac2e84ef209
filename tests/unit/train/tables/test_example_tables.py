"""scripts/example_tables.py writes files that can be read, the same every time."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes, load_digits, load_wine

from train.data import TrainingData
from train.tables import Choices, read_table

SCRIPT = Path(__file__).parents[4] / "scripts" / "example_tables.py"

DOCS = SCRIPT.parents[1] / "docs" / "data.md"


def write(*arguments: str) -> None:
    subprocess.run([sys.executable, SCRIPT, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples")
    write(str(path))
    return path


def read(folder: Path, name: str, choices: Choices) -> TrainingData:
    return read_table(folder / f"{name}.csv", choices)


@pytest.mark.parametrize(("name", "load"), [("wine", load_wine), ("diabetes", load_diabetes), ("digits", load_digits)])
def test_the_sets_of_scikit_learn_are_read_as_they_are(name: str, load: Any, folder: Path) -> None:
    bunch = load(as_frame=True)
    data = read(folder, name, Choices("target"))

    assert data.schema.names == list(bunch.data.columns)
    assert data.rows.tobytes() == bunch.data.to_numpy(dtype="float32").tobytes()
    assert data.targets.tolist() == bunch.target.tolist()
    assert len(data.classes) == {"wine": 3, "diabetes": 0, "digits": 10}[name]


def test_homes_are_mixed_columns_for_regression_as_the_docs_show(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = read(folder, "homes", Choices("price"))
    said = capsys.readouterr().out.splitlines()

    assert [field.name for field in data.schema.fields if field.categories] == ["shore", "heating"]
    assert not data.classes
    assert len(data.rows) == 4_000
    page = DOCS.read_text()
    assert said[0].split(" (")[0] in page  # then the seconds
    assert "\n".join(f"    {line}" for line in said[1:]) in page


def test_loans_are_mixed_columns_with_classes_that_are_texts(folder: Path) -> None:
    data = read(folder, "loans", Choices("outcome", drop=("customer",), time="day"))

    assert [field.name for field in data.schema.fields if field.categories] == ["work", "purpose"]
    assert data.classes == ["defaulted", "late", "repaid"]


def test_the_files_are_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    write(str(tmp_path))

    names = sorted(path.name for path in folder.iterdir())
    assert names == ["diabetes.csv", "digits.csv", "homes.csv", "loans.csv", "wine.csv"]
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_a_large_file_has_the_rows_and_columns_that_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    write("--rows", "60000", "--columns", "5", str(path))

    data = read_table(path, Choices("answer"))
    assert data.rows.shape == (60_000, 5)
    assert [field.categories is None for field in data.schema.fields] == [True, True, True, False, False]
