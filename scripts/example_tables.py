"""python scripts/example_tables.py FOLDER: CSV files to try Copse with.

wine.csv, diabetes.csv and digits.csv are scikit-learn's; homes.csv (regression) and loans.csv (classes that are texts)
are made up, of numbers, texts and booleans with missing values. The same files every time.

python scripts/example_tables.py --rows N --columns M FILE: one large file of numbers and two columns of texts.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd  # noqa: TID251 - writes tables, and is no part of the server
from sklearn.datasets import load_diabetes, load_digits, load_wine  # noqa: TID251 - likewise

SEED = 20
MADE_UP_ROWS = 4_000
CHUNK_ROWS = 50_000
SHIPPED: dict[str, Callable[..., Any]] = {"wine": load_wine, "diabetes": load_diabetes, "digits": load_digits}
Table = pd.DataFrame
Generator = np.random.Generator


def homes(rows: int = MADE_UP_ROWS) -> Table:
    """Return made-up homes; `price` is to be predicted, in thousands."""
    chance = np.random.default_rng(SEED)
    area = chance.gamma(6, 20, rows) + 25
    built = chance.integers(1880, 2025, rows)
    shore = chance.choice(["inland", "near bay", "near ocean", "island"], rows, p=[0.6, 0.25, 0.148, 0.002])
    heating = chance.choice(["gas", "electric", "oil", "heat pump"], rows, p=[0.6, 0.2, 0.15, 0.05])
    garden = chance.random(rows) < 0.4
    income = chance.lognormal(1.2, 0.4, rows)
    worth = pd.Series(shore).map({"inland": 1.0, "near bay": 1.5, "near ocean": 1.7, "island": 3.0}).to_numpy()
    price = (area * 1.5 + income * 30 + garden * 25 + (built - 1880) * 0.3) * worth + chance.normal(0, 20, rows)
    table = Table(
        {
            "area": area.round(1),
            "rooms": (area / 28 + chance.normal(0, 0.7, rows)).round().clip(1).astype(int),
            "built": built,
            "income": income.round(4),
            "latitude": chance.uniform(32.5, 42, rows).round(2),
            "longitude": chance.uniform(-124.3, -114.3, rows).round(2),
            "shore": shore,
            "heating": heating,
            "garden": garden,
            "price": price.round(1),
        }
    )
    return _with_holes(table, {"built": 0.03, "income": 0.05, "heating": 0.04}, chance)


def loans(rows: int = MADE_UP_ROWS) -> Table:
    """Return made-up loans; `outcome` is to be predicted: repaid, late or defaulted."""
    chance = np.random.default_rng(SEED + 1)
    amount, salary = chance.lognormal(9, 0.6, rows), chance.lognormal(10.3, 0.5, rows)
    months = chance.choice([12, 24, 36, 48, 60], rows)
    work = chance.choice(
        ["employed", "self-employed", "retired", "student", "between jobs"], rows, p=[0.6, 0.2, 0.1, 0.07, 0.03]
    )
    owner = chance.random(rows) < 0.35
    trouble = amount / salary * 3 + (work == "between jobs") * 1.5 - owner * 0.8 + chance.normal(0, 0.5, rows)
    table = Table(
        {
            "customer": [f"customer {number}" for number in chance.integers(1, rows // 3, rows)],
            "day": (np.datetime64("2023-01-01") + np.sort(chance.integers(0, 730, rows))).astype(str),
            "amount": amount.round(2),
            "months": months,
            "salary": salary.round(-1),
            "work": work,
            "purpose": chance.choice(
                ["car", "home", "study", "travel", "boat"], rows, p=[0.4, 0.35, 0.15, 0.098, 0.002]
            ),
            "owns home": owner,
            "outcome": np.select([trouble > 2.2, trouble > 1.5], ["defaulted", "late"], "repaid"),
        }
    )
    return _with_holes(table, {"salary": 0.06, "work": 0.05, "purpose": 0.02}, chance)


def write_examples(folder: Path) -> list[Path]:
    """Write the five files; return their paths."""
    tables = {name: load(as_frame=True).frame for name, load in SHIPPED.items()} | {"homes": homes(), "loans": loans()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return [folder / f"{name}.csv" for name in tables]


def write_large(path: Path, rows: int, columns: int) -> None:
    """Write a table of rows, a part at a time: numbers, two columns of texts, and the target `answer` of 0 and 1."""
    chance = np.random.default_rng(SEED)
    for start in range(0, rows, CHUNK_ROWS):
        part = _large_part(min(CHUNK_ROWS, rows - start), columns, chance)
        part.to_csv(path, index=False, header=start == 0, mode="a" if start else "w")


def _large_part(rows: int, columns: int, chance: Generator) -> Table:
    numbers: npt.NDArray[np.float64] = chance.normal(0, 100, (rows, columns - 2)).round(4)
    table = Table(numbers, columns=[f"number {index + 1}" for index in range(columns - 2)])
    table["colour"] = chance.choice(["red", "green", "blue", "yellow"], rows)
    table["size"] = chance.choice(["small", "medium", "large"], rows)
    noise = chance.normal(0, 50, rows)
    table["answer"] = (numbers[:, 0] + numbers[:, 1] + (table["colour"] == "red") * 40 + noise > 0).astype(int)
    return table


def _with_holes(table: Table, shares: dict[str, float], chance: Generator) -> Table:
    for name, share in shares.items():
        table[name] = table[name].mask(chance.random(len(table)) < share)
    return table


def main() -> None:
    """Write the examples into a folder, or one large file."""
    parser = argparse.ArgumentParser(description="Write CSV files to try Copse with.")
    parser.add_argument("path", type=Path, help="a folder; with --rows, a file")
    parser.add_argument("--rows", type=int, help="write one large file of so many rows")
    parser.add_argument("--columns", type=int, default=30, help="its columns beside the target (30)")
    chosen = parser.parse_args()
    if chosen.rows:
        write_large(chosen.path, chosen.rows, chosen.columns)
        print(chosen.path)
    else:
        print(*write_examples(chosen.path), sep="\n")


if __name__ == "__main__":
    main()
