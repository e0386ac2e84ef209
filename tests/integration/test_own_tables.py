"""CSV files that are not the example: trained by the command, served, and every held-out row asked over HTTP."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from model_repository import read_manifest
from scripts import example_tables
from tests.servers import serving
from train import cli
from train.data import split
from train.fit import fit
from train.options import parser
from train.order import data_of, recipe_of
from train.original import Original
from train.schema import Rows, Schema

BATCH = 100


@dataclass(frozen=True)
class Table:
    """A file, and the arguments with which it is trained on."""

    name: str
    file: str
    arguments: tuple[str, ...]


TABLES = [
    Table("wine", "wine.csv", ("--target=target", "--trees=50")),
    Table("wine-lines", "wine.csv", ("--target=target", "--estimator=logistic-regression")),
    Table("diabetes", "diabetes.csv", ("--target=target", "--trees=50")),
    Table("diabetes-boosted", "diabetes.csv", ("--target=target", "--estimator=gradient-boosting")),
    Table("digits", "digits.csv", ("--target=target", "--estimator=extra-trees", "--trees=50")),
    Table("homes", "homes.csv", ("--target=price", "--trees=20", "--param=min_samples_leaf=5")),
    Table(
        "homes-boosted", "homes.csv", ("--target=price", "--estimator=hist-gradient-boosting", "--param=max_iter=30")
    ),
    Table("loans", "loans.csv", ("--target=outcome", "--group=customer", "--drop=day", "--trees=20")),
    Table(
        "loans-by-time",
        "loans.csv",
        ("--target=outcome", "--time=day", "--drop=customer", "--estimator=logistic-regression"),
    ),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    example_tables.write_examples(folder)
    return folder


@pytest.fixture(scope="module")
def repository_of_tables(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on every table with the command."""
    root = tmp_path_factory.mktemp("models")
    for table in TABLES:
        assert cli.main(arguments(root, files, table)) == 0
    return root


@pytest.fixture(scope="module")
def asking(repository_of_tables: Path) -> Iterator[httpx.Client]:
    with serving(repository_of_tables) as server, httpx.Client(base_url=server.address, timeout=30) as http:
        yield http


def arguments(root: Path, files: Path, table: Table) -> list[str]:
    return ["--models", str(root), "--name", table.name, "--data", str(files / table.file), *table.arguments]


def fitted_again(root: Path, files: Path, table: Table) -> tuple[Original, Rows]:
    """Fit what the command fitted; return the model and the rows that were held out."""
    chosen = parser().parse_args(arguments(root, files, table))
    recipe, data = recipe_of(chosen), data_of(chosen)
    parts = split(data, recipe.held_out, recipe.seed)
    model, _ = fit(recipe, data.schema, parts, classifies=bool(data.classes))
    return Original(model, data.schema), parts.held_out_rows


def by_name(schema: Schema, rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(schema.names, row, strict=True)) for row in schema.values(rows)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_held_out_row_is_answered_as_scikit_learn_answers_it(
    repository_of_tables: Path, files: Path, asking: httpx.Client, table: Table
) -> None:
    original, rows = fitted_again(repository_of_tables, files, table)
    golden = read_manifest(repository_of_tables, table.name, 1).golden
    labels, probabilities = original.answers(rows)

    answers: list[dict[str, Any]] = []
    for start in range(0, len(rows), BATCH):
        block = {"instances": by_name(original.schema, rows[start : start + BATCH])}
        response = asking.post(f"/models/{table.name}/predict", json=block)
        assert response.status_code == 200, response.text
        answers += response.json()["predictions"]

    assert len(answers) == len(rows) > 30
    if original.classifies:
        assert [answer["prediction"] for answer in answers] == labels.tolist()
        given = np.array([answer["probabilities"] for answer in answers], dtype=np.float32)
        assert np.abs(given - probabilities).max() <= golden.tolerance
    else:
        given = np.array([answer["prediction"] for answer in answers], dtype=np.float32)
        allowed = golden.tolerance + golden.relative_tolerance * np.abs(labels.astype(float))
        assert (np.abs(given - labels.astype(float)) <= allowed).all()


def test_a_line_of_the_file_itself_is_answered(files: Path, asking: httpx.Client) -> None:
    """What a person would send: the cells of the file, by the names of its head."""
    with (files / "homes.csv").open(newline="") as file:
        line = next(csv.DictReader(file))
    del line["price"]
    texts = {"shore", "heating"}
    record = {name: cell if name in texts else (None if cell == "" else _number(cell)) for name, cell in line.items()}

    answer = asking.post("/models/homes/predict", json={"features": record}).json()

    assert list(answer) == ["prediction"]
    assert 100 < answer["prediction"] < 1_000


def _number(cell: str) -> float:
    return float({"True": 1, "False": 0}.get(cell, cell))
