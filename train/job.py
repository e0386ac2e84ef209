"""One training from data to a published version: fit, score, export, prove, publish."""

from pathlib import Path
from typing import Any, NamedTuple

from model_repository import Damaged, Parity, publish, read_manifest, versions
from train.data import TrainingData, split
from train.describe import Proved, describe, golden_rows, input_digest
from train.errors import ExportRefused
from train.export import export
from train.fit import fit, score
from train.gate import examine
from train.probes import Probe, probes
from train.report import parity_table, say, step

HELD_OUT = 0.2


class Recipe(NamedTuple):
    """How a model is made: number of trees, and one seed for the split, the forest and the proof's random rows."""

    trees: int = 250
    seed: int = 42

    def described(self) -> dict[str, Any]:
        """Return all that, beside the data, determines the model."""
        return {"estimator": "RandomForestClassifier", "held_out": HELD_OUT, **self._asdict()}


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
        ExportRefused: the export does not answer as the model does; nothing was published.
        PublishFailed: the disk refused; nothing was published.

    """
    parts = split(data, HELD_OUT, recipe.seed)
    with step("fit") as done:
        model = fit(parts, {"n_estimators": recipe.trees, "random_state": recipe.seed})
        done(f"{type(model).__name__}, {recipe.trees} trees, {len(parts.fit_rows)} rows, {len(data.columns)} columns")
    with step("score") as done:
        metrics = score(model, parts)
        figures = ", ".join(f"{key} {value:.3f}" for key, value in metrics.items())
        done(f"{figures} on {len(parts.held_out_rows)} held-out rows")
    with step("export") as done:
        content = export(model, len(data.columns))
        done(f"ONNX, {len(content):,} bytes")
    with step("prove") as done:
        sets = list(probes(model, parts, data.columns, recipe.seed))
        parity = prove(model, content, sets)
        done(f"{sum(len(probe.rows) for probe in sets):,} rows answered as scikit-learn answers them")
    say(parity_table(parity))
    with step("publish") as done:
        golden = golden_rows(model, sets, parity.tolerance)
        proved = Proved(model, content, metrics, parity, golden)
        manifest = describe(name, data, parts, recipe.described(), proved)
        version = publish(root, manifest, content, candidate=candidate)
        done(f"{root}/{name}/{version}")
    return version


def prove(model: Any, content: bytes, sets: list[Probe]) -> Parity:
    """Return the proof that an export answers as its model.

    Raises:
        ExportRefused: it does not; the text holds the table and names the rows.

    """
    verdict = examine(model, content, sets)
    if verdict.faults:
        listed = "\n".join(f"         {fault}" for fault in verdict.faults)
        raise ExportRefused(
            "the export does not answer as scikit-learn does; nothing was published\n"
            f"{parity_table(verdict.parity)}\n{listed}"
        )
    return verdict.parity
