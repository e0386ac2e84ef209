"""The manifest, model.json: what serving and people need to know of a published version."""

import hashlib
import math
from typing import Annotated, Any, Literal

import msgspec

from model_repository.errors import Damaged
from model_repository.layout import ONNX_FILE

FORMAT: Literal["copse/1"] = "copse/1"

Count = Annotated[int, msgspec.Meta(ge=0)]
Number = float | None


class OnnxFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model file: its size in bytes, SHA-256 in hexadecimal, and the standards it is written in."""

    size: Count
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    ir_version: Count
    opsets: dict[str, int]
    file: Literal["model.onnx"] = ONNX_FILE

    @classmethod
    def of(cls, content: bytes, ir_version: int, opsets: dict[str, int]) -> "OnnxFile":
        """Describe the bytes of an ONNX model."""
        return cls(len(content), hashlib.sha256(content).hexdigest(), ir_version, opsets)

    def check(self, content: bytes) -> None:
        """Raise Damaged unless these are the bytes that were published."""
        if len(content) != self.size:
            raise Damaged(f"{self.file} has {len(content)} bytes, its manifest says {self.size}")
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Damaged(f"{self.file} is not the file that was published: its SHA-256 differs from the manifest's")


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts of a column's training values between successive edges (one more edge than counts)."""

    edges: list[float]
    counts: list[Count]

    def fits(self) -> bool:
        """Say whether edges and counts belong together; a column without any value has neither."""
        return len(self.edges) == (len(self.counts) + 1 if self.counts else 0)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input column, and the values that training saw in it."""

    name: str
    minimum: Number
    maximum: Number
    mean: Number
    histogram: Histogram
    missing: bool = False
    type: Literal["float32"] = "float32"


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is predicted: the classes in the order of the probabilities, and their names for people."""

    classes: list[int | str]
    names: list[str]


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training data: rows in all, rows held out for the metrics, SHA-256 of values and targets."""

    name: str
    rows: Count
    held_out: Count
    sha256: str


class RowSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of rows in the parity report, and how far the export was from the original on them."""

    name: str
    rows: Count
    label_differences: Count
    different_bits: Count
    largest_difference: float


class Parity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proof: the export's answers against the original model's."""

    reference: str
    tolerance: float
    row_sets: list[RowSet]
    same_bits_alone_and_in_a_batch: bool
    same_bits_with_threads: list[Count]
    missing_values_proved: bool


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows [n, columns] with the original model's labels [n] and probabilities [n, classes].

    None stands for a missing value. A server must answer them within the tolerance before it goes live.
    """

    rows: list[list[Number]]
    labels: list[int | str]
    probabilities: list[list[float]]
    tolerance: float


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the model comes from; `inputs` is the SHA-256 of all that determines the export's bytes."""

    created: str
    inputs: str
    seed: int
    parameters: dict[str, Any]
    libraries: dict[str, str]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is known of a version. What no manifest vouches for is never served."""

    format: Literal["copse/1"]
    name: str
    estimator: str
    onnx: OnnxFile
    columns: Annotated[list[Column], msgspec.Meta(min_length=1)]
    target: Target
    dataset: DataSet
    metrics: dict[str, float]
    parity: Parity
    golden: Golden
    provenance: Provenance

    def encode(self) -> bytes:
        """Return the manifest as indented JSON, the same bytes for the same content."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=1) + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> "Manifest":
        """Read a manifest.

        Raises:
            Damaged: the content is no manifest of this format, or contradicts itself.

        """
        try:
            manifest = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Damaged(f"the manifest cannot be read: {error}") from None
        manifest.check_shapes()
        return manifest

    def check_shapes(self) -> None:
        """Raise Damaged where parts that belong together do not fit."""
        width, classes, count = len(self.columns), len(self.target.classes), len(self.golden.rows)
        agree = (
            len(self.target.names) == classes == len(set(self.target.classes))
            and count == len(self.golden.labels) == len(self.golden.probabilities)
            and count > 0
            and set(self.golden.labels) <= set(self.target.classes)
            and all(len(row) == width for row in self.golden.rows)
            and all(len(row) == classes for row in self.golden.probabilities)
            and len({column.name for column in self.columns}) == width
            and all(column.histogram.fits() for column in self.columns)
            and math.isfinite(self.golden.tolerance)
            and self.golden.tolerance >= 0
        )
        if not agree:
            raise Damaged("the manifest contradicts itself: columns, classes and golden rows do not fit together")
