"""One import from an ONNX file to a published version: read, put into the form that is served, check, publish."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import onnx

from model_repository import Evaluation, publish
from train.data import TrainingData
from train.errors import BadParameter, ExportRefused
from train.evaluation.quality import Quality, quality
from train.guard import check_graph
from train.importing.describe import Checked, describe
from train.importing.graph import served_graph
from train.importing.original import Imported
from train.importing.outputs import Given, find
from train.importing.read import read_model
from train.importing.sample import Sample, read_sample
from train.onnx_runtime import ONNX_RUNTIME_ERRORS
from train.proof.bounds import Bound
from train.proof.gate import SUM_TOLERANCE, Gate, Verdict
from train.proof.probe import LARGEST, Probe
from train.proof.probes import categories, missing, missing_columns, random_rows
from train.report import say, step

MOST_ROWS = 20_000
USUAL_ROWS = 1_000
NEAR_ITSELF = 1e-5  # sums in float32, as others export them, differ so much between one row alone and many
REFERENCE = "the graph itself, each row alone: an imported model has no original here that it could be compared with"


@dataclass(frozen=True)
class Order:
    """What is to be imported, and under which name."""

    file: Path
    sample: Path
    name: str
    target: str | None = None
    class_names: tuple[str, ...] = ()
    seed: int = 42


def run(root: Path, order: Order, *, candidate: bool = False) -> int:
    """Import, check and publish, saying each step; return the version.

    Raises:
        BadInput: the file, the sample or an option cannot be used; nothing was published.
        ExportRefused: the graph is not vouched for, or does not answer as it must; nothing was published.
        PublishFailed: the disk refused; nothing was published.

    """
    with step("read") as done:
        model = read_model(order.file)
        given = find(model)
        names = _class_names(order.class_names, given)
        sample = read_sample(order.sample, model, given, order.target)
        unused = f"; the graph does not take {', '.join(sample.unused)}" if sample.unused else ""
        done(f"{_shape(given)}, {len(sample.rows):,} rows of {len(sample.schema)} columns{unused}")
    with step("check") as done:
        imported, content, given = load(model, sample, given)
        bound = _bound(imported, sample)
        verdict = check(imported, content, sample, bound, order.seed)
        parity = verdict.parity
        bounded = f", numbers up to {parity.largest_magnitude:g}" if parity.largest_magnitude < LARGEST else ""
        done(f"{sum(entry.rows for entry in parity.row_sets):,} rows answered alike, alone and in a batch{bounded}")
    measured = _score(imported, sample)
    if imported.classifies and not imported.has_probabilities:
        say("         the graph gives no probabilities that add up to 1; only the class is served")
    with step("publish") as done:
        data = _data(order, sample, given, names)
        manifest = describe(order.name, data, model, Checked(imported, content, measured, verdict, bound), order.seed)
        version = publish(root, manifest, content, candidate=candidate)
        done(f"{root}/{order.name}/{version}")
    return version


def load(model: onnx.ModelProto, sample: Sample, given: Given) -> tuple[Imported, bytes, Given]:
    """Return the graph as it is served, loaded, its bytes, and what of its answers is served.

    Scores that are no probabilities are left out.

    Raises:
        ExportRefused: it is not vouched for, ONNX Runtime cannot load it, or it does not answer the sample.

    """
    content = served_graph(model, sample.taken, sample.schema.names, given)
    check_graph(content)
    try:
        imported = Imported(content, sample.schema, given, sample.limits)
        _, shares = imported.answers(sample.rows[:MOST_ROWS])
    except ONNX_RUNTIME_ERRORS as error:
        raise ExportRefused(f"ONNX Runtime cannot load the graph: {str(error).splitlines()[0]}") from error
    except ValueError as error:
        raise ExportRefused(f"the graph does not answer the sample: {error}") from error
    if imported.has_probabilities and not _are_probabilities(shares):
        return load(model, sample, given.without_probabilities)
    return imported, content, given


def check(imported: Imported, content: bytes, sample: Sample, bound: Bound, seed: int) -> Verdict:
    """Return what the gate finds when the graph is compared with itself: alone, in a batch, and on several threads.

    Raises:
        ExportRefused: the answers differ, or are no finite numbers.

    """
    if not imported.accepts(sample.rows[:MOST_ROWS]):
        raise ExportRefused("the graph answers rows of the sample with numbers that are not finite")
    verdict = Gate(imported, content, bound, sample.rows[:USUAL_ROWS]).examine(_probes(imported, sample, seed), seed)
    if verdict.faults:
        listed = "\n".join(f"         {fault}" for fault in verdict.faults)
        raise ExportRefused(
            "the graph answers a row otherwise alone than among others, or with more threads; exported in float64, or "
            f"with scaled columns, it may pass; nothing was published\n{listed}"
        )
    return replace(verdict, parity=msgspec.structs.replace(verdict.parity, reference=REFERENCE))


def _probes(imported: Imported, sample: Sample, seed: int) -> Iterator[Probe]:
    schema, rows = imported.schema, sample.rows[:MOST_ROWS]
    yield Probe("sample rows", rows)
    spread = random_rows(schema, rows, np.random.default_rng(seed))
    whole = list(sample.limits)
    spread[:, whole] = np.rint(spread[:, whole])
    yield Probe("random rows", spread)
    if schema.texts:
        yield categories(schema, rows)
    if columns := missing_columns(imported, rows):
        yield missing(rows[:10], columns, schema.names)


def _bound(imported: Imported, sample: Sample) -> Bound:
    """Return how far answers may differ with the number of rows and threads, which decide the order of float32 sums."""
    if imported.classifies:
        return Bound(NEAR_ITSELF)
    predictions = imported.answers(sample.rows)[0].astype(np.float64)
    return Bound(NEAR_ITSELF * float(np.abs(predictions).max()), NEAR_ITSELF)


def _are_probabilities(shares: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bool:
    sums = np.abs(shares.sum(axis=1, dtype=np.float64) - 1)
    inside = (shares >= -SUM_TOLERANCE) & (shares <= 1 + SUM_TOLERANCE)
    return bool(inside.all() and (sums <= SUM_TOLERANCE).all())


def _class_names(names: tuple[str, ...], given: Given) -> list[str]:
    if names and len(names) != len(given.classes):
        raise BadParameter(f"--class-names gives {len(names)} names; the model has {len(given.classes)} classes")
    return list(names) or [str(each) for each in given.classes]


def _score(imported: Imported, sample: Sample) -> Quality:
    if sample.targets is None:
        return Quality({}, Evaluation())
    with step("score") as done:
        measured = quality(imported, sample.rows, sample.targets)
        figures = ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in measured.metrics.items())
        done(f"{figures} on the sample")
    return measured


def _data(order: Order, sample: Sample, given: Given, names: list[str]) -> TrainingData:
    targets = np.empty(0) if sample.targets is None else sample.targets
    return TrainingData(
        order.sample.name.split(".")[0],
        sample.schema,
        sample.rows,
        targets,
        list(given.classes),
        names,
        order.target or "target",
    )


def _shape(given: Given) -> str:
    return f"{len(given.classes)} classes" if given.classes else "a number"
