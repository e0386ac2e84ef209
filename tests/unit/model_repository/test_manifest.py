"""The manifest: the same content in and out, the same bytes always, and nothing that contradicts itself."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_repository import (
    FORMAT,
    LARGEST_FLOAT32,
    Calibration,
    Category,
    Column,
    Damaged,
    DataSet,
    Evaluation,
    Example,
    Golden,
    Histogram,
    Importance,
    Importances,
    Manifest,
    OnnxFile,
    Parity,
    Provenance,
    Roc,
    RowSet,
    Target,
)
from tests.factories import ONNX, manifest

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**53)
texts = st.text(max_size=20)
simple = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | texts
parameters = st.dictionaries(
    texts, st.recursive(simple, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5)
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Draw any manifest that does not contradict itself."""
    names = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    described = [draw(columns(name) | text_columns(name)) for name in names]
    row = st.tuples(*(st.none() | (texts if column.type == "string" else numbers) for column in described))
    target = draw(targets())
    label = st.sampled_from(target.classes) if target.classes else numbers
    rows = draw(st.lists(row.map(list), min_size=1, max_size=3))
    return Manifest(
        format=FORMAT,
        name=draw(texts),
        estimator=draw(texts),
        onnx=OnnxFile.of(draw(st.binary()), draw(counts), draw(st.dictionaries(texts, counts))),
        columns=described,
        target=target,
        dataset=DataSet(draw(texts), draw(counts), draw(counts), draw(texts)),
        metrics=draw(st.dictionaries(texts, numbers)),
        parity=draw(parities),
        golden=Golden(
            rows,
            draw(_of_length(len(rows), label)),
            draw(_of_length(len(rows), _of_length(target.shares, numbers))),
            draw(st.floats(0, 1)),
            draw(st.floats(0, 1)),
        ),
        provenance=Provenance(
            draw(texts), draw(texts), draw(counts), draw(parameters), draw(st.dictionaries(texts, texts))
        ),
        evaluation=draw(evaluations(len(target.classes))),
        importances=draw(st.none() | importances(names)),
        examples=draw(st.lists(st.builds(Example, row.map(list), st.none() | label), max_size=3)),
    )


def evaluations(classes: int) -> st.SearchStrategy[Evaluation]:
    """Return what draws the evaluation of a classifier, or, without classes, of a regression."""
    if not classes:
        return st.builds(Evaluation, predictions=st.lists(_of_length(2, numbers), max_size=3))
    of = st.integers(0, classes - 1)
    roc = st.builds(Roc, of, _of_length(2, numbers), _of_length(2, numbers), numbers)
    calibration = st.builds(Calibration, of, _of_length(1, numbers), _of_length(1, numbers), _of_length(1, counts))
    confusion: st.SearchStrategy[list[list[int]]] = st.just([]) | _of_length(classes, _of_length(classes, counts))
    return st.builds(Evaluation, confusion, st.lists(roc, max_size=2), st.lists(calibration, max_size=2))


def importances(names: list[str]) -> st.SearchStrategy[Importances]:
    """Return what draws the importances of the columns."""
    columns = st.tuples(*(st.builds(Importance, st.just(name), numbers, numbers) for name in names))
    return st.builds(Importances, texts, counts, counts, columns.map(list))


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Draw the target of a regression, or of a classifier with probabilities or without."""
    label: st.SearchStrategy[int | str] = draw(st.sampled_from([st.integers(-9, 9), texts]))
    classes = draw(st.lists(label, max_size=3, unique=True))
    return Target(classes, draw(_of_length(len(classes), texts)), draw(texts), draw(st.booleans()))


row_sets = st.builds(RowSet, texts, counts, counts, counts, numbers)
parities = st.builds(
    Parity,
    texts,
    numbers,
    st.lists(row_sets),
    st.booleans(),
    st.just([1, 2]),
    st.booleans(),
    st.floats(0, LARGEST_FLOAT32, exclude_min=True),
)


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    """Draw a column of this name."""
    bins = draw(st.lists(counts, max_size=3))
    edges = draw(_of_length(len(bins) + 1 if bins else 0, numbers))
    low, high, mean = (draw(st.none() | numbers) for _ in range(3))
    return Column(name, low, high, mean, Histogram(edges, bins), draw(st.booleans()))


@st.composite
def text_columns(draw: st.DrawFn, name: str) -> Column:
    """Draw a column of texts of this name."""
    known = draw(st.lists(st.builds(Category, texts, counts), max_size=3, unique_by=lambda category: category.text))
    return Column.of_texts(name, known, missing=draw(st.booleans()), unknown=draw(st.booleans()))


def _of_length(length: int, elements: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(elements, min_size=length, max_size=length)


@given(manifests())
def test_what_is_written_is_what_is_read_and_is_plain_json(written: Manifest) -> None:
    content = written.encode()
    assert Manifest.decode(content) == written
    assert Manifest.decode(content).encode() == content
    assert json.loads(content)["format"] == "copse/1"


def test_the_order_in_which_facts_were_gathered_does_not_change_the_bytes() -> None:
    fields = json.loads(manifest().encode())
    for key in ("metrics", "provenance"):
        fields[key] = dict(reversed(fields[key].items()))
    reordered = json.dumps(dict(reversed(fields.items())))
    assert Manifest.decode(reordered.encode()).encode() == manifest().encode()


def test_the_bytes_are_indented_lines_for_people() -> None:
    lines = manifest().encode().decode().splitlines()
    assert ' "name": "forest",' in lines
    assert manifest().encode().endswith(b"}\n")


@given(st.binary() | st.recursive(simple, st.lists).map(json.dumps).map(str.encode))
def test_what_is_no_manifest_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        Manifest.decode(content)


def test_endless_nesting_is_damaged() -> None:
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        Manifest.decode(b'{"provenance":{"parameters":{"deep":' + b"[" * 200_000)


FOREIGN: list[tuple[str, Any, str]] = [
    ("format", "copse/2", "format"),
    ("format", None, "format"),
    ("extra", 1, "unknown field `extra`"),
    ("columns", [], "columns"),
    ("columns.0.type", "float64", "type"),
    ("columns.0.categories", ["red"], "categories"),
    ("onnx.file", "../model.onnx", "file"),
    ("onnx.sha256", "x" * 64, "sha256"),
    ("onnx.sha256", "A" * 64, "sha256"),
    ("onnx.size", -1, "size"),
    ("onnx.size", 18.5, "size"),
    ("onnx.size", "18", "size"),
    ("target.classes", [True, False], "classes"),
    ("metrics.accuracy", "good", "metrics"),
]


@pytest.mark.parametrize(("path", "value", "named"), FOREIGN)
def test_a_foreign_field_is_damaged_and_named(path: str, value: Any, named: str) -> None:
    with pytest.raises(Damaged, match=named):
        Manifest.decode(_changed(path, lambda _: value))


REQUIRED = [field.name for field in msgspec.structs.fields(Manifest) if field.required]


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_damaged_and_named(field: str) -> None:
    fields = json.loads(manifest().encode())
    del fields[field]
    with pytest.raises(Damaged, match=f"missing required field `{field}`"):
        Manifest.decode(json.dumps(fields).encode())


def test_a_manifest_without_what_came_later_is_read() -> None:
    fields = json.loads(manifest().encode())
    older = Manifest.decode(json.dumps({name: fields[name] for name in REQUIRED}).encode())
    assert (older.evaluation, older.importances, older.examples) == (Evaluation(), None, [])


ROC = {"of": 1, "false_positive_rates": [0.0, 1.0], "true_positive_rates": [0.0, 1.0], "area": 0.5}
CALIBRATION = {"of": 1, "predicted": [0.5], "observed": [0.25], "rows": [4]}
IMPORTANCES = {"metric": "accuracy", "rows": 2, "repetitions": 5}
CONTRADICTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a class without a name": ("target.names", lambda names: names[:-1]),
    "a column twice": ("columns", lambda columns: [columns[0], columns[0]]),
    "a column too many": ("columns", lambda columns: [*columns, columns[0] | {"name": "third"}]),
    "no golden rows": ("golden", lambda golden: golden | {"rows": [], "labels": [], "probabilities": []}),
    "a golden row too many": ("golden.rows", lambda rows: [*rows, rows[0]]),
    "a short golden row": ("golden.rows.0", lambda row: row[:-1]),
    "a golden label too few": ("golden.labels", lambda labels: labels[:-1]),
    "a golden label of no class": ("golden.labels.0", lambda _: 2),
    "golden probabilities too few": ("golden.probabilities", lambda rows: rows[:-1]),
    "a golden probability too few": ("golden.probabilities.1", lambda row: row[:-1]),
    "a negative tolerance": ("golden.tolerance", lambda _: -1.0),
    "a negative relative tolerance": ("golden.relative_tolerance", lambda _: -1.0),
    "a text among numbers": ("golden.rows.0.0", lambda _: "red"),
    "a number among texts": ("columns.0", lambda column: column | {"type": "string"}),
    "probabilities that a classifier does not give": ("target.probabilities", lambda _: False),
    "classes of a regression's probabilities": ("target", lambda _: {"classes": [], "names": []}),
    "a label that is no prediction": ("golden.labels.0", lambda _: "red"),
    "no magnitude": ("parity.largest_magnitude", lambda _: 0.0),
    "an edge too few": ("columns.0.histogram.edges", lambda edges: edges[:-1]),
    "edges without counts": ("columns.0.histogram.counts", lambda _: []),
    "a confusion matrix of other classes": ("evaluation.confusion", lambda _: [[1]]),
    "a confusion matrix that is not square": ("evaluation.confusion", lambda _: [[1, 2], [3]]),
    "a curve of no class": ("evaluation.roc", lambda _: [ROC | {"of": 2}]),
    "a curve with a rate too few": ("evaluation.roc", lambda _: [ROC | {"true_positive_rates": [1.0]}]),
    "a calibration of no class": ("evaluation.calibration", lambda _: [CALIBRATION | {"of": 2}]),
    "a calibration with a bin too few": ("evaluation.calibration", lambda _: [CALIBRATION | {"rows": []}]),
    "a prediction of a number by a classifier": ("evaluation.predictions", lambda _: [[1.0, 2.0]]),
    "importances of no columns": ("importances", lambda _: IMPORTANCES | {"columns": []}),
    "an example of no class": ("examples", lambda _: [{"row": [0.5, None], "target": 2}]),
    "a short example": ("examples", lambda _: [{"row": [0.5], "target": 1}]),
    "a text among an example's numbers": ("examples", lambda _: [{"row": [0.5, "red"], "target": 1}]),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_a_contradiction_is_damaged(contradiction: str) -> None:
    with pytest.raises(Damaged, match="contradicts itself"):
        Manifest.decode(_changed(*CONTRADICTIONS[contradiction]))


@pytest.mark.parametrize("label", ["red", None])
def test_a_prediction_of_a_regression_that_is_no_number_is_damaged(label: Any) -> None:
    golden = msgspec.structs.replace(manifest().golden, labels=[0.5, 1.5], probabilities=[[], []])
    number = msgspec.structs.replace(manifest(), target=Target([], []), golden=golden)
    assert Manifest.decode(number.encode()) == number

    wrong = msgspec.structs.replace(number, golden=msgspec.structs.replace(golden, labels=[0.5, label]))
    with pytest.raises(Damaged):
        Manifest.decode(wrong.encode())


def test_a_class_twice_is_damaged() -> None:
    golden = msgspec.structs.replace(manifest().golden, labels=[0, 0])
    repeated = msgspec.structs.replace(manifest(), target=Target([0, 0], ["no", "yes"]), golden=golden)
    with pytest.raises(Damaged, match="contradicts itself"):
        Manifest.decode(repeated.encode())


def test_other_bytes_are_refused_by_size_and_then_by_digest() -> None:
    described = manifest().onnx
    described.check(ONNX)
    with pytest.raises(Damaged, match=f"has {len(ONNX) - 1} bytes, its manifest says {len(ONNX)}"):
        described.check(ONNX[:-1])
    with pytest.raises(Damaged, match="SHA-256 differs"):
        described.check(ONNX[:-1] + b"!")


def _changed(path: str, change: Callable[[Any], Any]) -> bytes:
    """Return a valid manifest's JSON with one value changed."""
    fields = json.loads(manifest().encode())
    *above, last = (int(key) if key.isdecimal() else key for key in path.split("."))
    place = fields
    for key in above:
        place = place[key]
    absent = last not in place if isinstance(place, dict) else False
    place[last] = change(None if absent else place[last])
    return json.dumps(fields).encode()
