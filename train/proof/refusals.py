"""Rows that scikit-learn refuses, such as those of which a step takes the logarithm of a negative number.

The server refuses a row to which the graph gives no finite answer. So an export must give none to a row that
scikit-learn refuses, and one to every other.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from train.original import Answers, Original
from train.proof.probe import Probe
from train.schema import Rows

MOST_TRIED = 50  # of the rows without an answer; they are tried one by one


def only_answered(probe: Probe, answers: Answers) -> tuple[Probe, Answers]:
    """Return the rows to which an export has finite answers, and these answers."""
    finite = finite_answers(answers)
    if finite.all():
        return probe, answers
    origins = [probe.origins[index] for index in np.flatnonzero(finite).tolist()] if probe.origins else None
    return replace(probe, rows=probe.rows[finite], origins=origins), (answers[0][finite], answers[1][finite])


def missing_answers(original: Original, probe: Probe, answers: Answers) -> list[str]:
    """Return faults: rows to which an export has no finite answer, and the original has one."""
    silent = np.flatnonzero(~finite_answers(answers))
    tried = silent[:: len(silent) // MOST_TRIED + 1].tolist()
    return [
        f"{probe.origin(index)}: the export has no finite answer"
        for index in tried
        if original.accepts(probe.rows[[index]])
    ]


def answered_though_refused(original: Original, probe: Probe) -> str:
    """Return the fault of rows of which the original refuses one at least; it is found by halving."""
    low, high = 0, len(probe.rows)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _refuses(original, probe.rows[low:middle]) else (middle, high)
    return f"{probe.origin(low)}: the export answers a row that scikit-learn refuses"


def finite_answers(answers: Answers) -> npt.NDArray[np.bool_]:
    """Return [n] whether all that is answered to a row is a finite number."""
    labels, probabilities = answers
    finite = np.isfinite(probabilities).all(axis=1)
    return np.asarray(finite & np.isfinite(labels) if labels.dtype.kind == "f" else finite)


def _refuses(original: Original, rows: Rows) -> bool:
    try:
        original.answers(rows)
    except ValueError:
        return True
    return False
