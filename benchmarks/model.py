"""The model that all serve, and the rows that all are asked: trained once, by copse-train as a user calls it."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
import numpy as np

from benchmarks.forms import Numbers
from model_repository import current_version
from train.builtin import built_in
from train.data import split
from train.fit import fit
from train.recipe import Recipe

NAME = "breast-cancer"
SMALL_ROWS = 300  # as many distinct real rows are asked for in turn


@dataclass(frozen=True)
class Model:
    """One forest, published by copse-train and kept by joblib."""

    repository: Path
    forest: Path

    @property
    def onnx(self) -> Path:
        """Return the published ONNX file."""
        return self.repository / NAME / str(current_version(self.repository, NAME)) / "model.onnx"

    def probabilities(self, rows: Numbers) -> Numbers:
        """Return what scikit-learn answers."""
        found: Numbers = joblib.load(self.forest).predict_proba(rows.astype(np.float32))
        return found


def trained(folder: Path) -> Model:
    """Train and publish, unless the same is published there, and keep the very forest beside it."""
    model = Model(folder / "models", folder / "forest.joblib")
    copse_train = Path(sys.executable).parent / "copse-train"
    subprocess.run([copse_train, "--models", model.repository], check=True, stdout=subprocess.DEVNULL)
    recipe, data = Recipe(), built_in(NAME)
    parts = split(data, recipe.held_out, recipe.seed)
    forest, _ = fit(recipe, data.schema, parts, classifies=True)
    joblib.dump(forest, model.forest)
    return model


@cache
def real_rows(count: int = SMALL_ROWS) -> Numbers:
    """Return distinct rows of the data set as they stand there, [count, 30]."""
    return _as_text(built_in(NAME).rows[:count].astype(np.float64))


@cache
def many_rows(count: int) -> Numbers:
    """Return distinct rows near those of the data set, [count, 30]: each number is up to about 3 % off."""
    generator = np.random.default_rng(42)
    rows = built_in(NAME).rows.astype(np.float64)
    drawn = rows[generator.integers(0, len(rows), count)]
    return _as_text(drawn * (1 + generator.normal(0, 0.01, drawn.shape)))


def _as_text(rows: Numbers) -> Numbers:
    """Return the numbers with six digits, as data has them; each is the shortest text of its float32."""
    texts = [f"{number:.6g}" for number in rows.ravel().tolist()]
    return np.array(texts, dtype=np.float64).reshape(rows.shape)
