"""Small valid things for tests that care about one part of them only."""

from pathlib import Path

import msgspec

from model_repository import (
    FORMAT,
    Column,
    DataSet,
    ExplanationFile,
    Golden,
    Histogram,
    Manifest,
    OnnxFile,
    Parity,
    Provenance,
    RowSet,
    Target,
    publish,
)

NAME = "forest"
ONNX = b"stands for a model"


def manifest(name: str = NAME, onnx: bytes = ONNX, *, inputs: str = "3" * 64) -> Manifest:
    """Return a small valid manifest of these bytes: two columns, two classes, two golden rows."""
    return Manifest(
        format=FORMAT,
        name=name,
        estimator="RandomForestClassifier",
        onnx=OnnxFile.of(onnx, 8, {"ai.onnx": 17, "ai.onnx.ml": 3}),
        columns=[
            Column("width", 0.0, 2.0, 1.0, Histogram([0.0, 1.0, 2.0], [3, 4])),
            Column("height", -1.0, 1.0, 0.25, Histogram([-1.0, 1.0], [6]), missing=True),
        ],
        target=Target([0, 1], ["no", "yes"]),
        dataset=DataSet("seven rows", 7, 2, "5" * 64),
        metrics={"accuracy": 0.5, "f1": 0.25},
        parity=Parity(
            reference="scikit-learn",
            tolerance=0.0,
            row_sets=[RowSet("held out", 2, 0, 0, 0.0)],
            same_bits_alone_and_in_a_batch=True,
            same_bits_with_threads=[1, 2, 4],
            missing_values_proved=True,
        ),
        golden=Golden([[0.5, -0.5], [1.5, None]], [0, 1], [[0.75, 0.25], [0.25, 0.75]], 0.0),
        provenance=Provenance("2025-01-01T00:00:00+00:00", inputs, 42, {"n_estimators": 4}, {"copse": "0.1.0"}),
    )


def explained(described: Manifest, content: bytes) -> Manifest:
    """Return a manifest of a model whose answers these bytes explain."""
    return msgspec.structs.replace(described, explanation=ExplanationFile.of(content, "probability"))


def publish_versions(root: Path, count: int, name: str = NAME) -> list[bytes]:
    """Publish versions 1 to `count`; return the ONNX bytes of each."""
    contents = [f"model {number} of {name}".encode() for number in range(1, count + 1)]
    for content in contents:
        publish(root, manifest(name, content), content)
    return contents
