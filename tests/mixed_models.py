"""Small models with columns of numbers and texts, whose exact answers a few lines of Python give.

A row is width (number), colour (text), height (number), shape (text). Width and shape are always there; a colour that
is none of the categories is answered, a shape that is none is not.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
from onnx import parser

from model_repository import Category, Column, Golden, Histogram, Manifest, OnnxFile, PublishedVersion, Target, publish
from tests import factories

Kind = Literal["classes", "labels", "number"]
Row = list[Any]

NAME = "shapes"
NAMES = ["width", "colour", "height", "shape"]
EFFECTS = {"": 0.25, "blue": 0.5, "green": -0.5, "red": 1.0, "round": 2.0, "square": -2.0}
UNKNOWN = "no such category"
ROWS: list[Row] = [
    [1.5, UNKNOWN, None, "square"],
    [0.5, None, 0.25, "round"],
    [-2.0, "red", 1.0, "round"],
    [0.125, "green", -1.0, "square"],
    [0.25, "blue", 0.5, "square"],
]

_HEAD = """
<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>
shapes (float[N,2] input, string[N,2] categories) => (OUTPUTS)
<float[2,1] weights = {1.0, 2.0}, float[2,1] ones = {1.0, 1.0}, float stand_in = {0.25},
 float eighth = {0.125}, float half = {0.5}, float zero = {0.0}, float one = {1.0}>
{
    absent = IsNaN(input)
    numbers = Where(absent, stand_in, input)
    effects = ai.onnx.ml.LabelEncoder<keys_strings = KEYS, values_floats = VALUES, default_float = 0.0>(categories)
    weighted = MatMul(numbers, weights)
    added = MatMul(effects, ones)
"""
_SHARES = """
    score = Add(weighted, added)
    scaled = Mul(score, eighth)
    shifted = Add(scaled, half)
    yes = Clip(shifted, zero, one)
    no = Sub(one, yes)
    probabilities = Concat<axis = 1>(no, yes)
"""
_BODIES: dict[Kind, tuple[str, str]] = {
    "classes": (
        "string[N] label, float[N,2] probabilities",
        _SHARES
        + """
    best = ArgMax<axis = 1, keepdims = 0>(probabilities)
    label = ai.onnx.ml.LabelEncoder<keys_int64s = [0, 1], values_strings = ["no", "yes"]>(best)
}""",
    ),
    "labels": ("int64[N] label", _SHARES + "label = ArgMax<axis = 1, keepdims = 0>(probabilities)\n}"),
    "number": ("float[N,1] prediction", "prediction = Add(weighted, added)\n}"),
}
_TARGETS: dict[Kind, Target] = {
    "classes": Target(["no", "yes"], ["refused", "accepted"], "verdict"),
    "labels": Target([0, 1], ["refused", "accepted"], "verdict", probabilities=False),
    "number": Target([], [], "price"),
}


def score(row: Row) -> float:
    """Return what a row is worth; every step is exact in float32."""
    width, colour, height, shape = row
    numbers = width + 2.0 * (0.25 if height is None else height)
    return float(numbers + EFFECTS.get(colour or "", 0.0) + EFFECTS[shape])


def expected(kind: Kind, row: Row) -> tuple[Any, list[float]]:
    """Return a row's label, or prediction, and its probabilities."""
    if kind == "number":
        return score(row), []
    yes = min(1.0, max(0.0, score(row) / 8 + 0.5))
    label = int(yes > 0.5)
    return (["no", "yes"][label], [1 - yes, yes]) if kind == "classes" else (label, [])


def graph(kind: Kind) -> bytes:
    """Return the bytes of a model."""
    outputs, body = _BODIES[kind]
    keys = "[" + ", ".join(f'"{text}"' for text in EFFECTS) + "]"
    values = "[" + ", ".join(map(str, EFFECTS.values())) + "]"
    head = _HEAD.replace("OUTPUTS", outputs).replace("KEYS", keys).replace("VALUES", values)
    content: bytes = parser.parse_model(head + body).SerializeToString()
    return content


def columns() -> list[Column]:
    """Return the columns: colours may be missing and unknown, heights may be missing."""
    colours = [Category("", 1), Category("blue", 3), Category("green", 1), Category("red", 2)]
    return [
        Column("width", -2.0, 1.5, 0.25, Histogram([-2.0, 1.5], [5])),
        Column.of_texts("colour", colours, missing=True, unknown=True),
        Column("height", -1.0, 1.0, 0.25, Histogram([-1.0, 1.0], [4]), missing=True),
        Column.of_texts("shape", [Category("round", 2), Category("square", 3)], missing=False, unknown=False),
    ]


def manifest(kind: Kind, onnx: bytes, **changed: Any) -> Manifest:
    """Return a manifest of these bytes, some of its parts replaced."""
    answers = [expected(kind, row) for row in ROWS]
    golden = Golden(ROWS, [label for label, _ in answers], [shares for _, shares in answers], 0.0)
    whole = msgspec.structs.replace(
        factories.manifest(NAME, onnx),
        onnx=OnnxFile.of(onnx, 8, {"ai.onnx": 17, "ai.onnx.ml": 3}),
        columns=columns(),
        target=_TARGETS[kind],
        golden=golden,
    )
    return msgspec.structs.replace(whole, **changed)


def version(kind: Kind, number: int = 1, **changed: Any) -> PublishedVersion:
    """Return a version as it would be read."""
    onnx = graph(kind)
    return PublishedVersion(NAME, number, manifest(kind, onnx, **changed), onnx)


def publish_mixed(root: Path, kind: Kind, *, candidate: bool = False, **changed: Any) -> int:
    """Publish a model, some parts of its manifest replaced; return its version."""
    onnx = graph(kind)
    return publish(root, manifest(kind, onnx, **changed), onnx, candidate=candidate)
