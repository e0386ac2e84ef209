"""Forests of many sizes against scikit-learn on adversarial rows: the claim of an exact export, measured.

`make prove` runs the whole of it and prints the table; the tests run a part.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from model_repository.table import table
from tests.proofs import SEED, examined
from train.data import Split
from train.proof.gate import Verdict
from train.schema import Schema

SIZES = (20, 50, 100, 250, 500)
DATA = {"breast cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits}


@dataclass(frozen=True)
class Case:
    """A kind of model and the data it is fitted on; `holes` is the share of values made missing."""

    data: str
    model: Any
    holes: float = 0.0

    @property
    def name(self) -> str:
        """Say what is fitted."""
        trees = self.model.get_params().get("n_estimators", 1)
        limits = {key: self.model.get_params()[key] for key in ("max_depth", "min_samples_leaf")}
        impure = ", impure leaves" if limits != {"max_depth": None, "min_samples_leaf": 1} else ""
        return f"{type(self.model).__name__} {trees}{impure}{', missing values' if self.holes else ''}"

    def split(self) -> Split:
        """Return the case's rows, a fifth held out."""
        bunch = DATA[self.data]()
        rows = bunch.data.astype(np.float32)
        if self.holes:
            rows[np.random.default_rng(SEED).random(rows.shape) < self.holes] = np.nan
        parts = train_test_split(rows, bunch.target, test_size=0.2, stratify=bunch.target, random_state=SEED)
        return Split(*parts)


def forest(trees: int, **parameters: Any) -> RandomForestClassifier:
    """Return an unfitted forest."""
    return RandomForestClassifier(n_estimators=trees, random_state=SEED, **parameters)


def all_cases() -> Iterator[Case]:
    """Yield what `make prove` proves."""
    for data in DATA:
        yield from (Case(data, forest(trees)) for trees in SIZES)
    yield Case("breast cancer", forest(250), holes=0.1)
    yield Case("breast cancer", forest(100, min_samples_leaf=5))
    yield Case("digits", forest(50, max_depth=4))
    yield Case("wine", ExtraTreesClassifier(n_estimators=100, random_state=SEED))
    yield Case("digits", DecisionTreeClassifier(random_state=SEED))
    yield Case("breast cancer", DecisionTreeClassifier(max_depth=3, random_state=SEED))


def judge(case: Case) -> Verdict:
    """Fit a case, export it, and compare export and original on every kind of rows."""
    parts = case.split()
    model = case.model.fit(parts.fit_rows, parts.fit_targets)
    columns = [f"column {index}" for index in range(parts.fit_rows.shape[1])]
    return examined(model, parts=parts, schema=Schema.of_numbers(columns))


def main() -> int:
    """Print a line a case; return 1 if any export is not exact."""
    rows: list[list[Any]] = []
    faults: list[str] = []
    for case in all_cases():
        verdict = judge(case)
        sets = verdict.parity.row_sets
        rows.append(
            [
                case.data,
                case.name,
                sum(entry.rows for entry in sets),
                sum(entry.label_differences for entry in sets),
                sum(entry.different_bits for entry in sets),
                max(entry.largest_difference for entry in sets),
                ", ".join(map(str, verdict.parity.same_bits_with_threads)),
            ]
        )
        faults += verdict.faults
        print(f"{case.data}: {case.name}", file=sys.stderr)
    total = ["total", "", *(sum(row[column] for row in rows) for column in (2, 3)), None, None, None]
    head = ["data", "model", "rows", "other labels", "other bits", "largest difference", "same bits with threads"]
    print(table(head, [*rows, total]))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
