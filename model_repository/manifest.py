"""The manifest, model.json: what serving and people need to know of a published version."""

import math
from typing import Annotated, Any, Literal

import msgspec

from model_repository.errors import Damaged
from model_repository.evaluation import Count, Evaluation, Example, Importances, holds
from model_repository.files_described import ExplanationFile, OnnxFile

FORMAT: Literal["copse/1"] = "copse/1"

Number = float | None
LARGEST_FLOAT32 = 3.4028234663852886e38


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts of a column's training values between successive edges (one more edge than counts)."""

    edges: list[float]
    counts: list[Count]

    def fits(self) -> bool:
        """Say whether edges and counts belong together; a column without any value has neither."""
        return len(self.edges) == (len(self.counts) + 1 if self.counts else 0)


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that training saw in a column, and in how many rows; the empty text stands for a missing one."""

    text: str
    rows: Count


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input column, and the values that training saw in it: numbers (type float32) or categories (type string).

    `missing` says whether a value may be missing, `unknown` whether a text that is no category is answered.
    """

    name: str
    minimum: Number
    maximum: Number
    mean: Number
    histogram: Histogram
    missing: bool = False
    type: Literal["float32", "string"] = "float32"
    categories: list[Category] = []
    unknown: bool = False

    @classmethod
    def of_texts(cls, name: str, categories: list[Category], *, missing: bool, unknown: bool) -> "Column":
        """Return a column of texts."""
        nothing = Histogram([], [])
        return cls(name, None, None, None, nothing, missing, "string", categories, unknown)


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is predicted: the classes in the order of the probabilities, and their names for people.

    Without classes it is a number (regression). Some classifiers give no probabilities.
    """

    classes: list[int | str]
    names: list[str]
    name: str = "target"
    probabilities: bool = True

    @property
    def shares(self) -> int:
        """Return how many probabilities an answer has."""
        return len(self.classes) if self.probabilities else 0


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training data: rows in all, rows held out for the metrics, SHA-256 of values and targets."""

    name: str
    rows: Count
    held_out: Count
    sha256: str


class RowSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of rows in the parity report, and how far the export was from the original on them.

    The largest difference is that of probabilities; of a regression, in parts of the prediction or the largest target.
    """

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
    largest_magnitude: float = LARGEST_FLOAT32  # beyond it, either way, nothing was proved


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows [n, columns] with the original model's labels [n] and probabilities [n, classes].

    None stands for a missing value. Of a regression the labels are its predictions, and there are no probabilities. A
    server must answer them within `tolerance + relative_tolerance * |expected|` before it goes live.
    """

    rows: list[list[float | str | None]]
    labels: list[int | str | float]
    probabilities: list[list[float]]
    tolerance: float
    relative_tolerance: float = 0.0


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
    evaluation: Evaluation = Evaluation()
    importances: Importances | None = None
    examples: list[Example] = []
    explanation: ExplanationFile | None = None

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
        agree = (
            self._target_fits()
            and self._golden_fits()
            and self._measured_fits()
            and len({column.name for column in self.columns}) == len(self.columns)
            and all(column.histogram.fits() for column in self.columns)
            and self.parity.largest_magnitude > 0
        )
        if not agree:
            raise Damaged(
                "the manifest contradicts itself: columns, classes, rows and what was measured do not fit together"
            )

    def _target_fits(self) -> bool:
        classes, labels = self.target.classes, self.golden.labels
        known = set(labels) <= set(classes) if classes else all(isinstance(label, float | int) for label in labels)
        return known and len(self.target.names) == len(classes) == len(set(classes))

    def _golden_fits(self) -> bool:
        golden, texts = self.golden, [column.type == "string" for column in self.columns]
        return (
            len(golden.rows) == len(golden.labels) == len(golden.probabilities) > 0
            and all(holds(row, texts) for row in golden.rows)
            and all(len(row) == self.target.shares for row in golden.probabilities)
            and all(math.isfinite(bound) and bound >= 0 for bound in (golden.tolerance, golden.relative_tolerance))
        )

    def _measured_fits(self) -> bool:
        classes, texts = self.target.classes, [column.type == "string" for column in self.columns]
        return (
            self.evaluation.fits(len(classes))
            and (self.importances is None or self.importances.fits([column.name for column in self.columns]))
            and all(example.fits(texts, classes) for example in self.examples)
        )
