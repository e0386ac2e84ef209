"""The gate before publishing: ONNX Runtime's answers from the very bytes that are published, against scikit-learn's.

The reference is scikit-learn on the same float32 rows. A forest with pure leaves must answer bit for bit, alone, in a
batch and with any number of threads; one with impure leaves within 1e-6 and with the same labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_repository import Parity, RowSet
from train.converters import FOREST_CLASSIFIERS, fitted_trees, leaves_of
from train.data import Rows
from train.errors import ExportRefused
from train.guard import check_graph
from train.onnx_runtime import ONNX_RUNTIME_ERRORS, Answers, Session
from train.probes import Probe, final_step

THREADS = [1, 2, 4]
SAMPLE_OF_EACH_PROBE = 250
IMPURE_TOLERANCE = 1e-6
SUM_TOLERANCE = 1e-5
ROWS_NAMED = 5


@dataclass(frozen=True)
class Verdict:
    """What the gate found; `faults` names the rows, and is empty when the export may be published."""

    parity: Parity
    faults: list[str]


def tolerance_of(model: Any) -> float:
    """Return the largest difference in probability that is allowed; 0 means the same float32 bits.

    Raises:
        ExportRefused: no bound is proved for this kind of model.

    """
    estimator = final_step(model)
    if not isinstance(estimator, FOREST_CLASSIFIERS):
        raise ExportRefused(f"no exact export is known for {type(estimator).__name__}")
    return 0.0 if leaves_of(fitted_trees(estimator)).pure else IMPURE_TOLERANCE


def examine(model: Any, content: bytes, sets: Iterable[Probe]) -> Verdict:
    """Compare an export with its original on every kind of rows.

    Raises:
        ExportRefused: the graph itself is not vouched for, or ONNX Runtime cannot run it.

    """
    check_graph(content)
    try:
        return _examine(model, content, sets)
    except ONNX_RUNTIME_ERRORS as error:
        raise ExportRefused(f"ONNX Runtime cannot run the export: {str(error).splitlines()[0]}") from error


def _examine(model: Any, content: bytes, sets: Iterable[Probe]) -> Verdict:
    tolerance = tolerance_of(model)
    session = Session(content)
    row_sets, faults, sample = [], [], []
    missing_proved = False
    for probe in sets:
        expected, answers = _scikit_learn(model, probe.rows), session.run(probe.rows)
        row_set, faulty = _compare(probe, expected, answers, tolerance)
        row_sets.append(row_set)
        faults += [f"{probe.origin(index)}: {what}" for index, what in faulty[:ROWS_NAMED]]
        missing_proved = missing_proved or (probe.name == "missing values" and not faulty)
        sample.append(probe.rows[:: max(1, len(probe.rows) // SAMPLE_OF_EACH_PROBE)])
    alone, steady = _invariance(content, np.vstack(sample), tolerance, faults)
    parity = Parity(
        reference="scikit-learn on the same float32 rows",
        tolerance=tolerance,
        row_sets=row_sets,
        same_bits_alone_and_in_a_batch=alone,
        same_bits_with_threads=steady,
        missing_values_proved=missing_proved,
    )
    return Verdict(parity, faults)


def _scikit_learn(model: Any, rows: Rows) -> Answers:
    if not len(rows):
        return model.classes_[:0], np.empty((0, len(model.classes_)), dtype=np.float32)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # scikit-learn adds up the extreme values to see if all is finite
        return model.predict(rows), model.predict_proba(rows).astype(np.float32)


def _compare(
    probe: Probe, expected: Answers, answers: Answers, tolerance: float
) -> tuple[RowSet, list[tuple[int, str]]]:
    """Return the numbers for the report and the rows that fail, each with what is wrong."""
    labels = answers[0] != expected[0]
    distance = np.abs(answers[1].astype(np.float64) - expected[1])
    far = _far(expected[1], answers[1], tolerance)
    senseless = ~np.isfinite(answers[1]).all(axis=1) | (np.abs(answers[1].sum(axis=1) - 1) > SUM_TOLERANCE)
    row_set = RowSet(
        name=probe.name,
        rows=len(probe.rows),
        label_differences=int(labels.sum()),
        different_bits=int((_bits(answers[1]) != _bits(expected[1])).sum()),
        largest_difference=float(distance.max(initial=0.0)),
    )
    faulty = [
        (int(index), _what(bool(labels[index]), float(distance[index].max())))
        for index in np.flatnonzero(labels | far | senseless)
    ]
    return row_set, faulty


def _what(label: bool, distance: float) -> str:
    return "another label" if label else f"a probability differs by {distance:.1e}"


def _far(expected: Rows, answers: Rows, tolerance: float) -> Any:
    if tolerance == 0:
        return (_bits(expected) != _bits(answers)).any(axis=1)
    return ~(np.abs(expected.astype(np.float64) - answers) <= tolerance).all(axis=1)


def _invariance(content: bytes, rows: Rows, tolerance: float, faults: list[str]) -> tuple[bool, list[int]]:
    """Return whether the bits are the same row by row, and the numbers of threads with which they are."""
    labels, batch = Session(content).run(rows)
    single = Session(content)
    alone = np.vstack([single.run(row[None, :])[1] for row in rows])
    if _far(batch, alone, tolerance).any():
        faults.append("a row alone is answered otherwise than in a batch")
    steady = []
    for threads in THREADS:
        threaded = Session(content, threads).run(rows)
        if _far(batch, threaded[1], tolerance).any() or (tolerance == 0 and not np.array_equal(labels, threaded[0])):
            faults.append(f"{threads} threads answer otherwise than one")
        elif np.array_equal(_bits(batch), _bits(threaded[1])):
            steady.append(threads)
    return bool(np.array_equal(_bits(batch), _bits(alone))), steady


def _bits(values: Rows) -> Any:
    return np.ascontiguousarray(values).view(np.uint32)
