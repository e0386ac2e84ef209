"""The manifest of an imported model: what is known of it is what its file and the sample say."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import onnx

from model_repository import FORMAT, DataSet, Manifest, OnnxFile, Provenance, Target
from train.data import TrainingData
from train.describe import columns, golden_rows, library_versions
from train.evaluation.examples import examples
from train.evaluation.importance import importances
from train.evaluation.quality import Quality
from train.importing.original import Imported
from train.onnx_runtime import Session
from train.proof.bounds import Bound
from train.proof.gate import Verdict
from train.proof.probes import missing_columns

LONGEST_PRODUCER = 100


class Checked(NamedTuple):
    """An imported model, the bytes that are served, and what was measured of them."""

    imported: Imported
    content: bytes
    quality: Quality
    verdict: Verdict
    bound: Bound


def describe(name: str, data: TrainingData, model: onnx.ModelProto, checked: Checked, seed: int) -> Manifest:
    """Return the manifest; `model` is what the file held."""
    imported, content, measured, verdict, bound = checked
    served = onnx.load_model_from_string(content)
    producer = " ".join(filter(None, (model.producer_name, model.producer_version)))[:LONGEST_PRODUCER] or "unknown"
    may_be_missing = missing_columns(imported, data.rows) if verdict.parity.missing_values_proved else []
    digest = data.sha256()
    described = columns(data.schema, data.rows, may_be_missing, verdict.unknown)
    session, largest = Session(content), verdict.parity.largest_magnitude
    targets = data.targets if len(data.targets) else None
    return Manifest(
        format=FORMAT,
        name=name,
        estimator=_estimator(model),
        onnx=OnnxFile.of(
            content, served.ir_version, {each.domain or "ai.onnx": each.version for each in served.opset_import}
        ),
        columns=described,
        target=Target(data.classes, data.class_names, data.target, imported.has_probabilities),
        dataset=DataSet(data.name, len(data.rows), len(data.targets), digest),
        metrics=measured.metrics,
        parity=verdict.parity,
        golden=golden_rows(imported, verdict.golden, bound),
        provenance=Provenance(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=_digest(content, digest, seed),
            seed=seed,
            parameters={"imported": True, "producer": producer},
            libraries=library_versions(),
        ),
        evaluation=measured.evaluation,
        importances=None if targets is None else importances(session, imported, data.rows, targets, seed),
        examples=examples(session, imported, described, data.rows, targets, largest=largest),
    )


def _estimator(model: onnx.ModelProto) -> str:
    """Return what the graph is called: the operator of ai.onnx.ml that answers, or else that it is a graph."""
    answering = [each.op_type for each in model.graph.node if each.op_type.endswith(("Classifier", "Regressor"))]
    return answering[-1] if answering else "ONNX graph"


def _digest(content: bytes, sample: str, seed: int) -> str:
    graph = hashlib.sha256(content).hexdigest()
    inputs = {"graph": graph, "sample": sample, "seed": seed, "libraries": library_versions()}
    return hashlib.sha256(msgspec.json.encode(inputs, order="deterministic")).hexdigest()
