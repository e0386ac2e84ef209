"""A candidate answers a share of the live requests on the side, and what it would have changed is counted.

It works in a thread of its own on a bounded number of rows. The thread's priority is that of the others: a lower one
was measured to harm them, since whoever waits for the interpreter's lock waits for the thread that holds it.
"""

import queue
import random
import threading
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model_repository import Golden
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.signature import Signature

MOST_ROWS = 10_000  # that wait for the candidate; more are dropped
BLOCK_ROWS = 256  # at a time, so that the thread is never long away
# Between probabilities they are at most 1; between predictions of a regression they are in the target's unit.
DIFFERENCES = (1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 10.0, 100.0, 1_000.0)
THREAD = "predict-candidate"


@dataclass
class Comparison:
    """Rows that both versions answered, and how far apart, by the measure of the live version's golden rows."""

    golden: Golden
    rows: int = 0
    disagreements: int = 0
    difference_sum: float = 0.0
    largest_difference: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(DIFFERENCES) + 1))
    dropped_rows: int = 0
    errors: int = 0

    def add(self, live: Answers, candidate: Answers) -> None:
        """Count rows that both answered."""
        differences, disagree = _compare(live, candidate, self.golden)
        self.rows += len(differences)
        self.disagreements += int(disagree.sum())
        self.difference_sum += float(differences.sum())
        self.largest_difference = max(self.largest_difference, float(differences.max()))
        for bucket in np.searchsorted(DIFFERENCES, differences).tolist():
            self.buckets[bucket] += 1

    @property
    def mean_difference(self) -> float:
        """Return the mean difference of a row."""
        return self.difference_sum / self.rows if self.rows else 0.0


def _compare(
    live: Answers, candidate: Answers, golden: Golden
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return each row's difference, and whether the two versions disagree on it.

    The difference is the largest between the probabilities of a row; of a regression that between the predictions, and
    the two disagree where it is beyond the tolerance of the golden rows. Without probabilities it is 0 or 1.
    """
    if live[0].dtype.kind == "f":
        wanted = live[0].astype(np.float64)
        differences = np.abs(wanted - candidate[0].astype(np.float64))
        return differences, differences > golden.tolerance + golden.relative_tolerance * np.abs(wanted)
    disagree = np.asarray(live[0] != candidate[0], dtype=bool)
    if live[1].shape[1] and candidate[1].shape[1]:
        return np.abs(live[1].astype(np.float64) - candidate[1]).max(axis=1), disagree
    return disagree.astype(np.float64), disagree


class Shadow:
    """A candidate, the version it is compared with, and the comparison so far. To be offered to on one thread only."""

    def __init__(self, live: LoadedModel, candidate: LoadedModel, share: float) -> None:
        self.live = live
        self.candidate = candidate
        self.comparison = Comparison(live.manifest.golden)
        self._share = share
        self._queue: queue.SimpleQueue[tuple[Inputs, Answers] | None] = queue.SimpleQueue()
        self._offered = self._taken = 0
        self._closed = threading.Event()
        threading.Thread(target=self._work, name=THREAD, daemon=True).start()

    def offer(self, model: LoadedModel, rows: Inputs, answers: Answers) -> None:
        """Have a share of what the live version answered compared later; never waits."""
        if model is not self.live or random.random() >= self._share:  # noqa: S311 - a sample, no secret
            return
        if self._offered - self._taken + len(rows) > MOST_ROWS:
            self.comparison.dropped_rows += len(rows)
            return
        self._offered += len(rows)
        self._queue.put((rows, answers))

    def close(self) -> None:
        """Have the thread end, and forget what waits."""
        self._closed.set()
        self._queue.put(None)

    def _work(self) -> None:
        while (offered := self._queue.get()) and not self._closed.is_set():
            rows, answers = offered
            for start in range(0, len(rows), BLOCK_ROWS):
                if self._closed.is_set():
                    return
                block = slice(start, start + BLOCK_ROWS)
                self._compare(rows[block], (answers[0][block], answers[1][block]))
            self._taken += len(rows)

    def _compare(self, rows: Inputs, live: Answers) -> None:
        try:
            answers = self.candidate.predict(rows)
        except Exception:  # noqa: BLE001 - whatever it is, it is the candidate's error and nobody else's
            self.comparison.errors += 1
            return
        if _finite(answers):
            self.comparison.add(live, answers)
        else:
            self.comparison.errors += 1


def _finite(answers: Answers) -> bool:
    """Return whether answers are such as would be sent."""
    labels, probabilities = answers
    return bool(np.isfinite(probabilities).all() and (labels.dtype.kind != "f" or np.isfinite(labels).all()))


def check_comparable(candidate: LoadedModel, live: LoadedModel) -> str | None:
    """Return why two versions cannot be compared row by row, or None where they can."""
    ours, theirs = candidate.signature, live.signature
    if [(each.name, each.type) for each in ours.columns] != [(each.name, each.type) for each in theirs.columns]:
        return "its columns are not those of the current version"
    if [each.missing for each in ours.columns] != [each.missing for each in theirs.columns]:
        return "values may be missing in other columns than in those of the current version"
    if _texts(ours) != _texts(theirs):
        return "its columns take other texts than those of the current version"
    return None if candidate.classes == live.classes else "its classes are not those of the current version"


def _texts(signature: Signature) -> list[tuple[frozenset[str], bool]]:
    """Return which texts each column of texts takes."""
    return [(each.known, each.column.unknown) for each in signature.texts.values()]
