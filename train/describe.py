"""The manifest of a trained model: what serving and people need to know."""

import hashlib
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec
import numpy as np

from model_repository import (
    FORMAT,
    Column,
    DataSet,
    Golden,
    Histogram,
    Manifest,
    OnnxFile,
    Parity,
    Provenance,
    Target,
)
from train import onnx_runtime
from train.data import Rows, Split, TrainingData
from train.export import IR_VERSION, OPSETS
from train.probes import Probe

LIBRARIES = ("copse", "numpy", "onnx", "scikit-learn", "skl2onnx")
BINS = 10
GOLDEN_ROWS_OF_EACH_PROBE = 8


def input_digest(data: TrainingData, recipe: dict[str, Any]) -> str:
    """Return the SHA-256 of all that determines the export: data, recipe, and the libraries' versions."""
    inputs = {"data": data.sha256(), "recipe": recipe, "libraries": library_versions()}
    return hashlib.sha256(msgspec.json.encode(inputs, order="deterministic")).hexdigest()


def library_versions() -> dict[str, str]:
    """Return the versions that take part in making an export."""
    return {name: version(name) for name in LIBRARIES} | {
        "onnxruntime": onnx_runtime.version(),
        "python": platform.python_version(),
    }


class Proved(NamedTuple):
    """A fitted model, its export, and what was measured of both."""

    model: Any
    content: bytes
    metrics: dict[str, float]
    parity: Parity
    golden: Golden


def describe(name: str, data: TrainingData, parts: Split, recipe: dict[str, Any], proved: Proved) -> Manifest:
    """Return the manifest of a model that has passed the gate."""
    model, content, metrics, parity, golden = proved
    opsets = {domain or "ai.onnx": number for domain, number in OPSETS.items()}
    return Manifest(
        format=FORMAT,
        name=name,
        estimator=type(model).__name__,
        onnx=OnnxFile.of(content, IR_VERSION, opsets),
        columns=columns(data.columns, parts.fit_rows, missing_proved=parity.missing_values_proved),
        target=Target(model.classes_.tolist(), data.class_names),
        dataset=DataSet(data.name, len(data.rows), len(parts.held_out_rows), data.sha256()),
        metrics=metrics,
        parity=parity,
        golden=golden,
        provenance=Provenance(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=input_digest(data, recipe),
            seed=recipe["seed"],
            parameters=model.get_params(deep=False),
            libraries=library_versions(),
        ),
    )


def columns(names: list[str], rows: Rows, *, missing_proved: bool) -> list[Column]:
    """Describe each column of the rows that were fitted on.

    A value may be missing where training saw missing values and the gate proved the answers for them.
    """
    return [
        _column(name, values[~np.isnan(values)], missing=missing_proved and bool(np.isnan(values).any()))
        for name, values in zip(names, rows.T, strict=True)
    ]


def _column(name: str, values: Rows, *, missing: bool) -> Column:
    if not len(values):
        return Column(name, None, None, None, Histogram([], []), missing)
    counts, edges = np.histogram(values.astype(np.float64), bins=BINS)
    low, high, mean = (float(value) for value in (values.min(), values.max(), values.mean(dtype=np.float64)))
    return Column(name, low, high, mean, Histogram(edges.tolist(), counts.tolist()), missing)


def golden_rows(model: Any, sets: list[Probe], tolerance: float) -> Golden:
    """Choose a few rows of every kind and record what the original model answers to them."""
    chosen = np.vstack([probe.rows[:: max(1, len(probe.rows) // GOLDEN_ROWS_OF_EACH_PROBE)] for probe in sets])
    with np.errstate(over="ignore", invalid="ignore"):  # see gate.py
        labels, probabilities = model.predict(chosen), model.predict_proba(chosen).astype(np.float32)
    return Golden(
        rows=[[None if np.isnan(value) else float(value) for value in row] for row in chosen],
        labels=labels.tolist(),
        probabilities=probabilities.tolist(),
        tolerance=tolerance,
    )
