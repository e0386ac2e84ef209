"""The training data: float32 rows, the contract of the exported model, with their targets."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from train.schema import Rows, Schema

Targets = npt.NDArray[Any]  # int64 or texts (classes), or float64 (regression)


@dataclass(frozen=True)
class TrainingData:
    """Coded rows [n, columns] (see schema.py) with their targets [n], and what people call the classes.

    `classes` is empty for regression. `held_out` [n] says which rows are for scoring, where that is not left to chance.
    """

    name: str
    schema: Schema
    rows: Rows
    targets: Targets
    classes: list[int | str]
    class_names: list[str]
    target: str = "target"
    held_out: npt.NDArray[np.bool_] | None = None

    def sha256(self) -> str:
        """Return the SHA-256 of names, categories, values and targets in hexadecimal."""
        digest = hashlib.sha256("\n".join([*self.schema.names, "", *self.class_names]).encode())
        for field in self.schema.fields:
            if field.categories is not None:
                digest.update(repr((field.name, field.categories)).encode())
        for array in (self.rows, self.targets, self.held_out):
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows held out to score on."""

    fit_rows: Rows
    held_out_rows: Rows
    fit_targets: Targets
    held_out_targets: Targets


def split(data: TrainingData, held_out: float, seed: int) -> Split:
    """Hold out the rows that the data names, else a share of them: of each class the same."""
    if data.held_out is not None:
        fit = ~data.held_out
        return Split(data.rows[fit], data.rows[~fit], data.targets[fit], data.targets[~fit])
    stratify = data.targets if data.classes else None
    parts = train_test_split(data.rows, data.targets, test_size=held_out, stratify=stratify, random_state=seed)
    return Split(*parts)
