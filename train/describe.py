"""The manifest of a trained model: what serving and people need to know."""

import hashlib
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec
import numpy as np

from model_repository import (
    FORMAT,
    Category,
    Column,
    DataSet,
    ExplanationFile,
    Golden,
    Histogram,
    Manifest,
    OnnxFile,
    Provenance,
    Target,
)
from train import onnx_runtime
from train.data import Split, TrainingData
from train.evaluation.examples import examples
from train.evaluation.importance import importances
from train.evaluation.quality import Quality
from train.export import IR_VERSION, OPSETS
from train.original import Original, final_step
from train.proof.bounds import Bound
from train.proof.gate import Verdict
from train.proof.probes import missing_columns
from train.schema import Field, Rows, Schema

LIBRARIES = ("copse", "numpy", "onnx", "scikit-learn", "skl2onnx")
BINS = 10


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

    original: Original
    content: bytes
    quality: Quality
    verdict: Verdict
    bound: Bound
    explanation: ExplanationFile | None = None


def describe(name: str, data: TrainingData, parts: Split, recipe: dict[str, Any], proved: Proved) -> Manifest:
    """Return the manifest of a model that has passed the gate."""
    original, verdict = proved.original, proved.verdict
    may_be_missing = missing_columns(original, parts.fit_rows) if verdict.parity.missing_values_proved else []
    described = columns(data.schema, parts.fit_rows, may_be_missing, verdict.unknown)
    session, largest = onnx_runtime.Session(proved.content), verdict.parity.largest_magnitude
    held_out = parts.held_out_rows, parts.held_out_targets
    return Manifest(
        format=FORMAT,
        name=name,
        estimator=type(final_step(original.model)).__name__,
        onnx=onnx_file(proved.content),
        columns=described,
        target=Target(original.classes.tolist(), data.class_names, data.target, original.has_probabilities),
        dataset=DataSet(data.name, len(data.rows), len(parts.held_out_rows), data.sha256()),
        metrics=proved.quality.metrics,
        parity=verdict.parity,
        golden=golden_rows(original, verdict.golden, proved.bound),
        provenance=Provenance(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=input_digest(data, recipe),
            seed=recipe["seed"],
            parameters=_parameters(original.model),
            libraries=library_versions(),
        ),
        explanation=proved.explanation,
        evaluation=proved.quality.evaluation,
        importances=importances(session, original, *held_out, recipe["seed"]),
        examples=examples(session, original, described, *held_out, largest=largest),
    )


def onnx_file(content: bytes) -> OnnxFile:
    """Describe the bytes of an export, all of which are written in the same standards."""
    return OnnxFile.of(content, IR_VERSION, {domain or "ai.onnx": number for domain, number in OPSETS.items()})


def columns(schema: Schema, rows: Rows, may_be_missing: Sequence[int], unknown: Sequence[int]) -> list[Column]:
    """Describe each column of the rows that were fitted on.

    A number may be missing where training saw missing numbers and the gate proved the answers for them; a text where
    the empty text is a category. `unknown` are the columns in which the gate proved a text that is no category.
    """
    return [
        _texts(field, values, unknown=index in unknown)
        if field.categories is not None
        else _numbers(field.name, values, missing=index in may_be_missing and bool(np.isnan(values).any()))
        for index, (field, values) in enumerate(zip(schema.fields, rows.T, strict=True))
    ]


def _texts(field: Field, codes: Rows, *, unknown: bool) -> Column:
    categories = field.categories or ()
    counts = np.bincount(codes.astype(np.intp), minlength=len(categories))
    listed = [Category(text, int(count)) for text, count in zip(categories, counts, strict=False)]
    return Column.of_texts(field.name, listed, missing="" in categories, unknown=unknown)


def _numbers(name: str, values: Rows, *, missing: bool) -> Column:
    values = values[~np.isnan(values)]
    if not len(values):
        return Column(name, None, None, None, Histogram([], []), missing)
    low, high, mean = (float(value) for value in (values.min(), values.max(), values.mean(dtype=np.float64)))
    whole = bool((values == np.trunc(values)).all())
    bins = int(min(BINS, high - low + 1)) if whole else BINS  # of few whole numbers each has a bin, and none is empty
    counts, edges = np.histogram(values.astype(np.float64), bins=bins)
    return Column(name, low, high, mean, Histogram(edges.tolist(), counts.tolist()), missing)


def golden_rows(original: Original, rows: Rows, bound: Bound) -> Golden:
    """Record what the original model answers to rows that the export answers alike."""
    labels, probabilities = original.answers(rows)
    return Golden(
        rows=original.schema.values(rows),
        labels=labels.tolist(),
        probabilities=probabilities.tolist(),
        tolerance=bound.absolute,
        relative_tolerance=bound.relative,
    )


def _parameters(model: Any) -> dict[str, Any]:
    """Return a model's parameters, those of the steps of a Pipeline too; what is no plain value as its kind."""
    found = model.get_params(deep=not hasattr(model, "estimators_"))
    return {name: _plain(value) for name, value in sorted(found.items())}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, list | tuple) and all(isinstance(each, bool | int | float | str) for each in value):
        return [_plain(each) for each in value]
    return type(value).__name__
