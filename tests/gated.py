"""A model that is fitted on a data set of scikit-learn, exported, and taken through the gate."""

import warnings
from typing import Any

from model_repository import Parity
from train.builtin import built_in
from train.data import split
from train.export import export
from train.job import prove
from train.original import Original, model_table
from train.proof.bounds import bound_of

SEED = 42


def parity_of(model: Any, name: str) -> Parity:
    """Return the proof that the export answers as the model.

    Raises:
        ExportRefused: it does not.

    """
    data = built_in(name)
    parts = split(data, 0.2, SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(model_table(model, data.schema, parts.fit_rows, framed=False), parts.fit_targets)
    original = Original(model, data.schema)
    return prove(original, export(original), parts, bound_of(original, parts.fit_targets), SEED).parity


def other_labels(parity: Parity) -> int:
    """Return on how many rows the export gives another label, even where that was let pass."""
    return sum(each.label_differences for each in parity.row_sets)


def largest_difference(parity: Parity) -> float:
    """Return the largest difference between probabilities or predictions."""
    return max(each.largest_difference for each in parity.row_sets)
