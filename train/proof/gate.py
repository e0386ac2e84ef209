"""The gate before publishing: ONNX Runtime's answers from the very bytes that are published, against scikit-learn's.

The reference is scikit-learn on the same float32 rows. A forest of classes with pure leaves must answer bit for bit,
alone, in a batch and with any number of threads; all else within the bound that bounds.py names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from model_repository import LARGEST_FLOAT32, Parity, RowSet
from train.errors import ExportRefused
from train.guard import check_graph
from train.onnx_runtime import ONNX_RUNTIME_ERRORS, Session
from train.original import Answers, Original
from train.proof.bounds import Bound, bits, numbers
from train.proof.probe import LARGEST, Probe
from train.proof.probes import extremes, unknown_texts
from train.proof.refusals import answered_though_refused, missing_answers, only_answered
from train.schema import Rows

THREADS = [1, 2, 4]
SAMPLE_OF_EACH_PROBE = 250
GOLDEN_OF_EACH_PROBE = 8
SUM_TOLERANCE = 1e-5
ROWS_NAMED = 5
MAGNITUDES = (LARGEST, 1e30, 1e18, 1e12, 1e9, 1e6)


@dataclass
class Verdict:
    """What the gate found; `faults` names the rows, and is empty when the export may be published.

    `golden` rows are answered alike; `unknown` are the columns in which a text that training did not see is.
    """

    parity: Parity
    faults: list[str]
    golden: Rows
    unknown: list[int]


@dataclass
class _Found:
    """What the comparison of one kind of rows after another has found so far."""

    row_sets: list[RowSet] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sample: list[Rows] = field(default_factory=list)
    golden: list[Rows] = field(default_factory=list)


class Gate:
    """Compares an export with its original, one kind of rows after another."""

    def __init__(self, original: Original, content: bytes, bound: Bound, usual: Rows) -> None:
        """Load the export; `usual` rows show the scale of a classifier's decisions.

        Raises:
            ExportRefused: the graph is not vouched for, or ONNX Runtime cannot load it.

        """
        check_graph(content)
        self._original, self._content, self._bound, self._usual = original, content, bound, usual
        self._found = _Found()
        self._session = self._load(1)

    def examine(self, sets: Iterable[Probe], seed: int) -> Verdict:
        """Compare on every kind of rows, and find how large numbers may be and where a text may be unknown.

        Raises:
            ExportRefused: ONNX Runtime cannot run the export.

        """
        found = self._found
        try:
            with threadpool_limits(1):  # scikit-learn's threads wait for each other longer than they work here
                for probe in sets:
                    found.faults += self._compare(probe)
                magnitude = self._magnitude(seed)
                unknown = [column for column in self._original.schema.texts if self._answers_unknown(column)]
            alone, steady = self._invariance(np.vstack(found.sample))
        except ONNX_RUNTIME_ERRORS as error:
            raise ExportRefused(f"ONNX Runtime cannot run the export: {str(error).splitlines()[0]}") from error
        named = {row_set.name for row_set in found.row_sets}
        parity = Parity(
            reference="scikit-learn on the same float32 rows",
            tolerance=self._bound.absolute,
            row_sets=found.row_sets,
            same_bits_alone_and_in_a_batch=alone,
            same_bits_with_threads=steady,
            missing_values_proved="missing values" in named and not any("missing" in each for each in found.faults),
            largest_magnitude=LARGEST_FLOAT32 if magnitude == LARGEST else magnitude,
        )
        return Verdict(parity, found.faults, np.vstack(found.golden), unknown)

    def _compare(self, probe: Probe, *, try_only: bool = False) -> list[str]:
        """Take the rows into the report and return those that fail; rows that fail a mere try are not taken in."""
        original = self._original
        given = (
            self._session.run(original.schema.inputs(probe.rows)) if len(probe.rows) else original.answers(probe.rows)
        )
        lacking = missing_answers(original, probe, given)
        probe, answers = only_answered(probe, given)
        try:
            expected = original.answers(probe.rows)
        except ValueError:
            return [*lacking, answered_though_refused(original, probe)][-ROWS_NAMED:]
        labels = self._other_labels(probe.rows, expected, answers)
        senseless = _senseless(answers) & ~_senseless(expected)
        faulty = labels | self._bound.far(expected, answers, classifies=original.classifies) | senseless
        faults = lacking[:ROWS_NAMED] + [
            f"{probe.origin(index)}: {self._what(bool(labels[index]), expected, answers, index)}"
            for index in np.flatnonzero(faulty)[:ROWS_NAMED].tolist()
        ]
        if not (try_only and faults):
            self._record(probe, expected, answers, faulty)
        return faults

    def _record(self, probe: Probe, expected: Answers, answers: Answers, faulty: npt.NDArray[np.bool_]) -> None:
        classifies = self._original.classifies
        wanted, given = (numbers(each, classifies=classifies) for each in (expected, answers))
        labels = answers[0] != expected[0] if classifies else np.zeros(len(probe.rows), dtype=bool)
        self._found.row_sets.append(
            RowSet(
                name=probe.name,
                rows=len(probe.rows),
                label_differences=int(labels.sum()),
                different_bits=int((bits(wanted) != bits(given)).sum()),
                largest_difference=float(self._bound.distance(wanted, given).max(initial=0.0)),
            )
        )
        alike = np.flatnonzero(~faulty & ~labels)
        self._found.golden.append(probe.rows[alike[:: max(1, len(alike) // GOLDEN_OF_EACH_PROBE)]])
        self._found.sample.append(probe.rows[:: max(1, len(probe.rows) // SAMPLE_OF_EACH_PROBE)])

    def _other_labels(self, rows: Rows, expected: Answers, answers: Answers) -> npt.NDArray[np.bool_]:
        """Return which rows have another label, but for those on which the original itself is all but undecided."""
        other = np.zeros(len(rows), dtype=bool)
        if self._original.classifies:
            other = np.asarray(answers[0] != expected[0])
        if other.any() and not self._bound.exact:
            other[other] = self._original.margins(rows[other], self._usual) > 2 * self._bound.absolute
        return other

    def _what(self, label: bool, expected: Answers, answers: Answers, index: int) -> str:
        if label:
            return "another label"
        wanted, given = (numbers(each, classifies=self._original.classifies)[index] for each in (expected, answers))
        thing = "a probability" if self._original.classifies else "the prediction"
        distance = float(self._bound.distance(wanted, given).max())
        return f"{thing} differs by {distance:.1e}" if distance else "its probabilities do not add up to 1"

    def _magnitude(self, seed: int) -> float:
        """Return up to which magnitude numbers are answered alike; it must be beyond that of the usual rows."""
        if not self._original.schema.numbers:
            return LARGEST
        usual = 10 * float(np.nanmax(np.abs(self._usual[:, self._original.schema.numbers]), initial=1e-30))
        for magnitude in [*(each for each in MAGNITUDES if each > usual), usual]:
            probe = extremes(self._original, self._usual, magnitude, seed)
            faults = self._compare(probe, try_only=magnitude != usual)
            if not faults:
                return magnitude
        self._found.faults += faults
        return usual

    def _answers_unknown(self, column: int) -> bool:
        probe = unknown_texts(self._original.schema, column, self._usual)
        return self._original.accepts(probe.rows) and not self._compare(probe, try_only=True)

    def _invariance(self, rows: Rows) -> tuple[bool, list[int]]:
        """Return whether the bits are the same row by row, and the numbers of threads with which they are."""
        schema, classifies, faults = self._original.schema, self._original.classifies, self._found.faults
        if not len(rows):  # none of them has an answer
            return False, []
        batch = self._session.run(schema.inputs(rows))
        alone = _stacked([self._session.run(schema.inputs(row[None, :])) for row in rows])
        if self._bound.far(batch, alone, classifies=classifies).any():
            faults.append("a row alone is answered otherwise than in a batch")
        steady = []
        for threads in THREADS:
            threaded = self._load(threads).run(schema.inputs(rows))
            labels_differ = self._bound.exact and not np.array_equal(batch[0], threaded[0])
            if self._bound.far(batch, threaded, classifies=classifies).any() or labels_differ:
                faults.append(f"{threads} threads answer otherwise than one")
            elif _same(batch, threaded, classifies=classifies):
                steady.append(threads)
        return _same(batch, alone, classifies=classifies), steady

    def _load(self, threads: int) -> Session:
        try:
            return Session(self._content, threads)
        except ONNX_RUNTIME_ERRORS as error:
            raise ExportRefused(f"ONNX Runtime cannot load the export: {str(error).splitlines()[0]}") from error


def _senseless(answers: Answers) -> npt.NDArray[np.bool_]:
    """Return which rows have probabilities that are none."""
    probabilities = answers[1]
    if not probabilities.shape[1]:
        return np.zeros(len(probabilities), dtype=bool)
    return np.asarray(~np.isfinite(probabilities).all(axis=1) | (np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE))


def _stacked(answers: list[Answers]) -> Answers:
    labels, probabilities = zip(*answers, strict=True)
    return np.concatenate(labels), np.concatenate(probabilities)


def _same(first: Answers, second: Answers, *, classifies: bool) -> bool:
    one, other = (bits(numbers(each, classifies=classifies)) for each in (first, second))
    return np.array_equal(one, other)
