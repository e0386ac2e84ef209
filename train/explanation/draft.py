"""What explains a model, before and after it was held against the model's own answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from model_repository import ExplanationFile
from train.explanation.features import Columns, columns_of, with_features
from train.explanation.file import packed
from train.explanation.regions import NotExplained, Regions, regions_of
from train.explanation.sums import Floats, TreeSum, tree_sum
from train.explanation.totals import totals
from train.onnx_runtime import Session
from train.original import Original
from train.proof.bounds import NEAR, Bound
from train.schema import Rows

MOST_CHECKED = 200
STRICTER = 0.1  # than the server, whose answers are rounded to float32 besides


@dataclass(frozen=True)
class Draft:
    """An export, the regions of its trees' leaves or why there are none, and the columns that they ask.

    `content` are the export's bytes; where steps come before the trees, its graph gives their features, too.
    """

    content: bytes
    sums: TreeSum | None = None
    regions: Regions | None = None
    reason: str = ""

    @property
    def columns(self) -> int:
        """Return how many columns the trees ask."""
        return len(np.unique(self.regions.columns)) if self.regions else 0

    def checked(self, original: Original, rows: Rows, bound: Bound) -> "Draft":
        """Return the draft, or one without regions where these do not add up to the answers to rows."""
        if self.regions is None or self.sums is None:
            return self
        allowed = STRICTER * (bound.absolute if self.sums.scale == "prediction" else NEAR)
        expected = _expected(original, rows, self.sums)
        found = totals(self.regions, _features(original, self.content, rows))
        if found.shape == expected.shape and bool((np.abs(found - expected) <= allowed).all()):
            return self
        return Draft(self.content, reason="the contributions do not add up to its answers")

    def described(self) -> tuple[ExplanationFile, bytes] | tuple[None, None]:
        """Return what is published: the manifest's entry and the file's bytes, neither where nothing is explained."""
        if self.regions is None or self.sums is None:
            return None, None
        content = packed(self.regions)
        return ExplanationFile.of(content, self.sums.scale), content


def draft(original: Original, content: bytes, rows: Rows) -> Draft:
    """Return what explains a model that was fitted on rows, and its export; what is no sum of trees has no regions."""
    sums = tree_sum(original.model)
    if sums is None:
        return Draft(content)
    try:
        if _compares_columns(original.model, sums):
            return Draft(content, sums, regions_of(sums, np.arange(len(original.schema))))
        changed = with_features(content)
        return Draft(changed, sums, regions_of(sums, columns_of(original, changed, rows, _used(sums))))
    except NotExplained as error:
        return Draft(content, reason=str(error))


def _compares_columns(model: Any, sums: TreeSum) -> bool:
    """Say whether the trees compare the columns themselves: no steps come before, and no split is by category."""
    return not isinstance(model, Pipeline) and int(_used(sums).max(initial=0)) < model.n_features_in_


def _used(sums: TreeSum) -> Columns:
    return np.unique(np.asarray(sums.trees.nodes.features)[~sums.trees.leaf].astype(np.int64))


def _features(original: Original, content: bytes, rows: Rows) -> Rows:
    session = Session(content)
    return session.features(original.schema.inputs(rows)) if session.gives_features else rows


def _expected(original: Original, rows: Rows, sums: TreeSum) -> Floats:
    """Return the model's own answers [n, outputs], on the scale on which its trees are added up."""
    model, table = original.model, original.table(rows)
    if sums.scale == "probability":
        return np.asarray(model.predict_proba(table), dtype=np.float64)
    if sums.scale == "log-odds":
        scores = model.decision_function(table).astype(np.float64)
        return scores if scores.ndim > 1 else np.outer(scores * sums.factor, [-1.0, 1.0])
    predictions = np.asarray(model.predict(table), dtype=np.float64).reshape(-1, 1)
    return np.log(predictions) if sums.scale == "log-prediction" else predictions
