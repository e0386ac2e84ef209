"""One training from data to a published version: fit, score, export, prove, publish."""

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from model_repository import Damaged, ExplanationFile, publish, read_manifest, versions
from train.data import Split, TrainingData, split
from train.describe import Proved, describe, input_digest
from train.errors import BadData, BadEstimator, ExportRefused
from train.estimators import own
from train.estimators.fitted import load_fitted
from train.estimators.preparation import described
from train.estimators.reasons import reason
from train.estimators.suited import suited
from train.evaluation.quality import Quality, quality
from train.explanation import MOST_CHECKED, Draft, draft
from train.export import export
from train.fit import fit
from train.original import Original, final_step
from train.proof.bounds import Bound, bound_of
from train.proof.gate import Gate, Verdict
from train.proof.probes import probes
from train.recipe import Recipe
from train.report import parity_table, say, step


def already_published(root: Path, name: str, data: TrainingData, recipe: Recipe) -> int | None:
    """Return the newest version that was made from the same inputs, or None."""
    wanted = input_digest(data, recipe.described())
    for version in reversed(versions(root, name)):
        try:
            if read_manifest(root, name, version).provenance.inputs == wanted:
                return version
        except Damaged:
            continue
    return None


def run(root: Path, name: str, data: TrainingData, recipe: Recipe, *, candidate: bool = False) -> int:
    """Train, prove and publish, saying each step; return the version.

    Raises:
        BadInput: the estimator, or what it was given, cannot be used; nothing was published.
        ExportRefused: the export does not answer as the model does; nothing was published.
        PublishFailed: the disk refused; nothing was published.

    """
    if recipe.fitted:
        model, data = _load(recipe.fitted, recipe, data)
        original, parts = Original(model, data.schema), split(data, recipe.held_out, recipe.seed)
    else:
        parts = split(data, recipe.held_out, recipe.seed)
        original = _fit(recipe, data, parts)
    with step("score") as done:
        measured = _scored(original, parts)
        figures = ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in measured.metrics.items())
        done(f"{figures} on {len(parts.held_out_rows):,} held-out rows")
    with step("export") as done:
        drafted = draft(original, export(original), parts.fit_rows)
        content = drafted.content
        done(f"ONNX, {len(content):,} bytes")
    bound = bound_of(original, parts.fit_targets)
    with step("prove") as done:
        verdict = prove(original, content, parts, bound, recipe.seed)
        compared = sum(entry.rows for entry in verdict.parity.row_sets)
        done(f"{compared:,} rows answered as scikit-learn answers them")
    say(parity_table(verdict.parity))
    rows = np.vstack([verdict.golden, parts.held_out_rows[:MOST_CHECKED]])
    entry, explanation = explained(drafted.checked(original, rows, bound))
    with step("publish") as done:
        proved = Proved(original, content, measured, verdict, bound, entry)
        manifest = describe(name, data, parts, recipe.described(), proved)
        version = publish(root, manifest, content, explanation, candidate=candidate)
        done(f"{root}/{name}/{version}, peak memory {peak_memory() // 2**20:,} MiB")
    return version


def prove(original: Original, content: bytes, parts: Split, bound: Bound, seed: int) -> Verdict:
    """Return the proof that an export answers as its model.

    Raises:
        ExportRefused: it does not; the text holds the table and names the rows.

    """
    gate = Gate(original, content, bound, parts.fit_rows[:1_000])
    try:
        verdict = gate.examine(probes(original, parts, seed), seed)
    except ValueError as error:
        raise ExportRefused(f"the model refuses rows that lie between rows of its training: {reason(error)}") from None
    if verdict.faults:
        listed = "\n".join(f"         {fault}" for fault in verdict.faults)
        raise ExportRefused(
            "the export does not answer as scikit-learn does; nothing was published\n"
            f"{parity_table(verdict.parity)}\n{listed}"
        )
    return verdict


def explained(drafted: Draft) -> tuple[ExplanationFile | None, bytes | None]:
    """Return the manifest's entry and the file that explains answers, saying what it holds, or why there is none."""
    entry, content = drafted.described()
    if entry:
        say(f"explain  the answers, by {drafted.columns} columns, {entry.size:,} bytes")
    elif drafted.reason:
        say(f"explain  answers are not explained: {drafted.reason}")
    return entry, content


def peak_memory() -> int:
    """Return the most memory, in bytes, that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells on Linux includes the program that started this one
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _fit(recipe: Recipe, data: TrainingData, parts: Split) -> Original:
    with step("fit") as done:
        model, said = fit(recipe, data.schema, parts, classifies=bool(data.classes))
        shape = f"{len(parts.fit_rows):,} rows, {len(data.schema)} columns"
        done(", ".join(filter(None, [type(final_step(model)).__name__, _trees(model), shape, said])))
    for line in [] if own.is_own(recipe.estimator) else described(model, data.schema, parts.fit_rows):
        say(f"         {line}")
    return Original(model, data.schema)


def _scored(original: Original, parts: Split) -> Quality:
    """Score, or say why the held-out rows cannot be answered: of a model that fills nothing, one lacks a value."""
    try:
        return quality(original, parts.held_out_rows, parts.held_out_targets)
    except ValueError as error:
        lacking = np.isnan(parts.held_out_rows).any(axis=0) & ~np.isnan(parts.fit_rows).any(axis=0)
        if not lacking.any():
            raise BadEstimator(f"the model does not answer the held-out rows: {reason(error)}") from None
        name = original.schema.names[int(np.argmax(lacking))]
        raise BadData(
            f"held-out rows lack numbers in {name}, which those fitted on do not, and the estimator takes none missing"
        ) from None


def _load(path: Path, recipe: Recipe, data: TrainingData) -> tuple[Any, TrainingData]:
    """Load a fitted model, and bring the data into the form in which it was fitted."""
    with step("load") as done:
        model = load_fitted(path, trust_joblib=recipe.trust_joblib)
        done(f"{type(final_step(model)).__name__} from {path}, not fitted again")
    return model, suited(model, path, data)


def _trees(model: object) -> str:
    trees = getattr(final_step(model), "n_estimators", None)
    return f"{trees} trees" if isinstance(trees, int) else ""
