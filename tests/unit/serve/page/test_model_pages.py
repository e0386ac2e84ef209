"""Pages of every kind of model: complete, escaped, small."""

import gc
import weakref
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from model_repository import (
    Calibration,
    Category,
    Evaluation,
    Example,
    Importance,
    Importances,
    Manifest,
    Roc,
    RowSet,
    Target,
)
from serve.drift.monitor import Drift, Monitor
from serve.model import LoadedModel
from serve.page import templates
from serve.page.asking import asked_of, rows_of
from serve.page.assets import FILES
from serve.page.model_page import ModelPage
from serve.page.proof import proof
from serve.page.quality import quality
from serve.page.reading import Reading
from tests.drifting import held_out, send
from tests.factories import manifest
from tests.mixed_models import ROWS, Kind, columns, version

MOST_BYTES = 100_000
HOSTILE = """<script>alert(1)</script>"' onfocus=x &amp;"""
VOID = {"meta", "link", "input", "option", "br"}


class Checked(HTMLParser):
    """Reads a page; keeps its elements, and fails where they are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page_of(model: LoadedModel, example: str = "", drift: Drift | None = None) -> str:
    page = ModelPage(model, explained=model.explanation is not None)
    reading = page.known(example)
    asked = asked_of(rows_of(reading.row, model), model) if reading else None
    found = asked.encode(model.predict(asked.rows)) if asked else None
    return page.whole(reading, found, drift=drift, candidate=None, up="", here="./")


def check_page(text: str) -> Checked:
    """Read a page that must have no script or style of its own, unique ids, and a label for every field."""
    page = Checked(text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    labels = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    fields = {attributes["id"] for tag, attributes in page.elements if tag in ("input", "select")}
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert len(ids) == len(set(ids))
    assert labels == fields
    assert len(scripts) == 1
    assert scripts[0]["src"]
    assert not any(name == "style" or name.startswith("on") for _, given in page.elements for name in given)
    assert not any(tag == "style" for tag, _ in page.elements)
    return page


def mixed(kind: Kind, **changed: Any) -> LoadedModel:
    return LoadedModel(version(kind, **changed))


def test_the_page_of_the_default_model_tells_all_there_is_and_is_small(default_model: LoadedModel) -> None:
    for example in ("", "2"):
        text = page_of(default_model, example)
        check_page(text)
        size = len(text.encode()) + sum(len(each.content) for each in FILES.values())
        assert size < MOST_BYTES
    for words in ("malignant or benign", "held-out rows were answered right", "ROC curve of benign", "Calibration of"):
        assert words in text
    for words in ("to the last bit", "probability of the true class fell", "RandomForestClassifier", "Truly: benign"):
        assert words in text
    script = next(each for name, each in FILES.items() if name.endswith(".js"))
    assert len(script.content) < 15_000


def test_the_page_with_drift_is_small_too_and_says_what_has_shifted(default_model: LoadedModel) -> None:
    rows = held_out("breast-cancer", 500)
    rows[:, 0] *= 3
    text = page_of(default_model, "2", send(default_model, rows).drift())

    page = check_page(text)
    assert len(text.encode()) + sum(len(each.content) for each in FILES.values()) < MOST_BYTES
    assert "The last 500 rows beside those of the training. Shifted: mean radius." in text
    told = [given["aria-label"] or "" for tag, given in page.elements if tag == "svg" and given.get("role") == "img"]
    assert sum(text.endswith("ranges or values, in training and live.") for text in told) == 12


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_drift_is_shown_of_every_kind_of_model_and_not_where_it_is_off(kind: Kind) -> None:
    model = mixed(kind)
    monitor = Monitor(model.manifest)
    assert "No row was answered yet" in page_of(model, drift=monitor.drift())
    rows = model.signature.inputs(ROWS)
    monitor.window.add(rows, model.predict(rows))
    text = page_of(model, drift=monitor.drift())

    check_page(text)
    assert "The last 5 rows beside those of the training. Nothing has shifted." in text
    assert 'href="#drift"' in text
    assert "drift" not in page_of(model)


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
@pytest.mark.parametrize("example", ["", "1"])
def test_a_model_without_evaluation_importances_and_explanation_has_a_page(kind: Kind, example: str) -> None:
    text = page_of(mixed(kind), example)

    check_page(text)
    assert "nothing was recorded when this version was published" in text
    assert ("not computed for this kind of model" in text) is bool(example)
    assert "What it goes by" not in text


def test_names_and_texts_can_do_nothing_to_the_page() -> None:
    made = columns()
    made[0] = msgspec.structs.replace(made[0], name=HOSTILE)
    made[1] = msgspec.structs.replace(made[1], categories=[*made[1].categories, Category(HOSTILE, 9)])
    target = Target(["no", "yes"], [HOSTILE, "</svg>"], HOSTILE)
    importances = Importances(HOSTILE, 5, 2, [Importance(each.name, 0.1, 0.01) for each in made])
    evaluation = Evaluation(
        [[1, 0], [0, 2]], [Roc(0, [0.0, 1.0], [0.0, 1.0], 0.5)], [Calibration(1, [0.5], [0.5], [3])]
    )
    examples = [Example(ROWS[1], "no"), Example(ROWS[2], None)]
    parts = {"evaluation": evaluation, "importances": importances, "examples": examples, "metrics": {HOSTILE: 0.5}}
    model = mixed("classes", columns=made, target=target, **parts)
    monitor = Monitor(model.manifest)
    monitor.window.add(model.signature.inputs(ROWS), model.predict(model.signature.inputs(ROWS)))
    page = check_page(page_of(model, "1", monitor.drift()))

    assert sum(HOSTILE in text for text in page.texts) >= 10


def test_a_column_with_many_texts_is_typed_with_suggestions() -> None:
    made = columns()
    made[3] = msgspec.structs.replace(
        made[3], categories=[*made[3].categories, *(Category(f"shape {each}", 1) for each in range(200))]
    )
    page = check_page(page_of(mixed("classes", columns=made), "2"))

    assert [tag for tag, _ in page.elements].count("datalist") == 1
    assert any(given.get("list") == "c3-list" and given["value"] in ("round", "square") for _, given in page.elements)


def test_a_page_does_not_keep_its_model_in_memory() -> None:
    model = mixed("classes")
    gone, page = weakref.ref(model), ModelPage(model, explained=False)
    del model
    gc.collect()

    assert gone() is None
    assert page.known("1")


def test_examples_that_do_not_exist_are_none() -> None:
    page = ModelPage(mixed("classes"), explained=False)

    assert [page.known(text) for text in ("0", "6", "-1", "x", "", "1e9", "9" * 5000, "\u0661\u0662")] == [None] * 8


def evaluated(names: int, evaluation: Evaluation) -> Manifest:
    classes: list[int | str] = list(range(names))
    target = Target(classes, [f"class {each}" for each in classes])
    return msgspec.structs.replace(manifest(), target=target, evaluation=evaluation)


def test_of_many_classes_the_most_frequent_mistakes_are_told() -> None:
    counts = [[9 if true == answered else 0 for answered in range(20)] for true in range(20)]
    counts[3][4], counts[5][6] = 2, 7
    found = quality(evaluated(20, Evaluation(counts))).confusion

    assert found
    assert found.rows == []
    assert found.mistakes == [("class 5", "class 6", 7), ("class 3", "class 4", 2)]
    assert found.summary == "180 of 189 held-out rows were answered right."


def test_the_corners_of_a_curve_are_the_corners_of_its_picture() -> None:
    roc = Roc(1, [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], 1.0)
    (plot,) = quality(evaluated(2, Evaluation(roc=[roc]))).roc

    assert plot.curve == "M50 200L50 8L242 8"
    assert plot.rows == [["0", "0"], ["0", "1"], ["1", "1"]]


def test_predictions_are_drawn_against_the_truth_on_equal_axes() -> None:
    made = msgspec.structs.replace(
        manifest(), target=Target([], [], "price"), evaluation=Evaluation(predictions=[[0.0, 10.0], [10.0, 10.0]])
    )
    plot = quality(made).predictions

    assert plot
    assert plot.dots == [(50.0, 8.0, 2.5), (242.0, 8.0, 2.5)]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (RowSet("a", 1000, 0, 0, 0.0), "1,000 rows beside its original (scikit-learn): every answer is the same, to"),
        (RowSet("a", 5, 0, 3, 1e-7), "no label differs, and the largest difference of a probability is 1e\u221207."),
        (RowSet("a", 5, 2, 3, 0.5), "2 labels differ, and the largest difference of a probability is 0.5."),
    ],
)
def test_the_proof_is_one_plain_sentence(rows: RowSet, sentence: str) -> None:
    parity = msgspec.structs.replace(manifest().parity, row_sets=[rows])

    assert sentence in proof(msgspec.structs.replace(manifest(), parity=parity)).sentence


def test_once_a_page_is_prepared_no_template_is_left_to_be_compiled_on_the_event_loop(
    default_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates._environment(), "cache", {})
    page = ModelPage(default_model, explained=True)
    monkeypatch.setattr(templates._environment(), "compile", None)

    assert page.part(Reading(), None)
    assert page.whole(None, None, drift=None, candidate=None, up="", here="./")
