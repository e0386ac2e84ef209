"""The training data, as float32 rows: the contract of the exported model."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

Rows = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingData:
    """Rows [n, columns] with their targets [n], and what people call columns and classes."""

    name: str
    columns: list[str]
    rows: Rows
    targets: Targets
    class_names: list[str]

    def sha256(self) -> str:
        """Return the SHA-256 of names, values and targets in hexadecimal."""
        digest = hashlib.sha256("\n".join([*self.columns, "", *self.class_names]).encode())
        digest.update(np.ascontiguousarray(self.rows).tobytes())
        digest.update(np.ascontiguousarray(self.targets).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows held out to score on."""

    fit_rows: Rows
    held_out_rows: Rows
    fit_targets: Targets
    held_out_targets: Targets


def breast_cancer() -> TrainingData:
    """Return the Breast Cancer Wisconsin (Diagnostic) data set that scikit-learn ships: 569 rows, 30 columns."""
    bunch = load_breast_cancer()
    return TrainingData(
        name="breast-cancer",
        columns=[str(name) for name in bunch.feature_names],
        rows=bunch.data.astype(np.float32),
        targets=bunch.target.astype(np.int64),
        class_names=[str(name) for name in bunch.target_names],
    )


def split(data: TrainingData, held_out: float, seed: int) -> Split:
    """Hold out a share of the rows, with the classes in the same proportions."""
    parts = train_test_split(data.rows, data.targets, test_size=held_out, stratify=data.targets, random_state=seed)
    return Split(*parts)
