"""What the page shows of drift: the most drifted first, each bin by its name, and a bounded number of them."""

import msgspec
import numpy as np
import pytest

from model_repository import Category, Column, Evaluation, Histogram, Manifest
from serve.drift.monitor import Drift, Monitor
from serve.drift.window import WINDOW
from serve.model import LoadedModel
from serve.page.drifted import MOST_FIGURES, MOST_NAMED, Drifted, Figure, drifted, level
from serve.page.figures import NARROW
from tests.drifting import held_out, send, uniform
from tests.mixed_models import ROWS, version

NO_SHARES = np.empty((0, 0), np.float32)


def seen(manifest: Manifest, rows: object) -> Drifted:
    """Return what is shown once rows of numbers came."""
    monitor = Monitor(manifest)
    numbers = np.array(rows, dtype=np.float32)
    monitor.window.add(numbers, (np.zeros(len(numbers), np.int64), NO_SHARES))
    return drifted(monitor.drift(), manifest.target)


def figure(found: Drifted, title: str) -> Figure:
    return next(each for each in found.figures if each.title == title)


def share(text: str) -> float:
    return 0.0 if text.startswith("under") else float(text.removesuffix(f"{NARROW}%")) / 100


def test_before_any_row_there_is_a_sentence_alone() -> None:
    found = drifted(Drift(0, [], None), uniform().target)

    assert found == Drifted("No row was answered yet. The last 500 will stand here beside the training's.", [], [], 0)


@pytest.mark.parametrize(("index", "word"), [(0.0, "steady"), (0.1, "changed"), (0.25, "changed"), (0.26, "shifted")])
def test_an_index_has_a_verdict_in_a_word(index: float, word: str) -> None:
    assert level(index) == word


def test_what_has_drifted_most_comes_first_and_is_named() -> None:
    even = np.arange(WINDOW) % 8 + 0.5
    found = seen(uniform(), np.stack([even, even / 8 + 7], axis=1))

    assert found.sentence == "The last 500 rows beside those of the training. Shifted: height."
    assert [each.title for each in found.figures] == ["height", "width"]
    assert [each.level for each in found.figures] == ["shifted", "steady"]
    assert found.figures[0].verdict.startswith("shifted, index ")


def test_each_range_is_named_with_its_share_in_training_and_now() -> None:
    rows = [[-1, 0], [0, 0], [7.5, 0], [9, 0]]
    found = figure(seen(uniform(), rows), "width")
    names = ["below 0", *(f"{edge} to {edge + 1}" for edge in range(8)), "above 8"]

    assert [name for name, _, _ in found.rows] == names
    assert [share(now) for _, _, now in found.rows] == [0.25, 0.25, *[0.0] * 6, 0.25, 0.25]
    assert all(share(before) == pytest.approx(0.125, abs=0.001) for _, before, _ in found.rows[1:-1])
    assert found.text == f"50.0{NARROW}% out of range"
    assert (found.first, found.last, found.bins) == ("below 0", "above 8", 10)


def test_bars_are_as_high_as_their_shares_side_by_side() -> None:
    found = figure(seen(uniform(), [[0.5, 0.5], [0.5, 0.5], [1.5, 0.5], [0.5, 0.5]]), "width")

    assert found.live == "M4 1v-1h1V1zM7 1v-0.333h1V1z"
    assert found.training.count("M") == 10
    assert found.training.startswith("M0 1v-")


def test_a_column_of_texts_has_its_texts_those_unknown_and_those_missing() -> None:
    model = LoadedModel(version("classes", evaluation=Evaluation(confusion=[[2, 1], [0, 3]])))
    rows = model.signature.inputs(ROWS)
    monitor = Monitor(model.manifest)
    monitor.window.add(rows, model.predict(rows))
    found = drifted(monitor.drift(), model.manifest.target)

    assert [(name, share(now)) for name, _, now in figure(found, "colour").rows] == [
        ("blue", 0.2),
        ("red", 0.2),
        ("green", 0.2),
        ("unknown", 0.2),
        ("missing", 0.2),
    ]
    assert figure(found, "colour").text == f"20.0{NARROW}% unknown, 20.0{NARROW}% missing"
    assert [name for name, _, _ in figure(found, "shape").rows] == ["square", "round"]
    assert [name for name, _, _ in figure(found, "Predictions").rows] == ["refused", "accepted"]
    assert figure(found, "Predictions").text == ""
    assert "As long as they are fewer than 500" in found.sentence


def test_texts_without_a_bin_of_their_own_stand_together() -> None:
    categories = [Category(f"text {place:02}", 90 - place) for place in range(20)]
    column = Column.of_texts("kind", categories, missing=False, unknown=False)
    model = LoadedModel(version("labels"))
    shape = model.manifest.columns[3]
    changed = [msgspec.structs.replace(shape, categories=categories), *model.manifest.columns[:3]]
    monitor = Monitor(msgspec.structs.replace(model.manifest, columns=[changed[1], column, changed[3], shape]))
    rows = model.signature.inputs([[0.5, "text 15", 0.25, "round"]])
    monitor.window.add(rows, (np.array([0]), NO_SHARES))

    kinds = figure(drifted(monitor.drift(), model.manifest.target), "kind").rows
    assert [name for name, _, _ in kinds] == [*(f"text {place:02}" for place in range(10)), "all others"]
    assert share(kinds[-1][2]) == 1.0


@pytest.mark.parametrize(
    ("column", "value", "names"),
    [
        (Column("none", None, None, None, Histogram([], []), missing=True), 1.0, ["a number", "missing"]),
        (Column("same", 2.0, 2.0, 2.0, Histogram([1.5, 2.5], [800])), 2.0, ["below 2", "2", "above 2"]),
    ],
)
def test_columns_without_a_range_are_shown_too(column: Column, value: float, names: list[str]) -> None:
    found = seen(msgspec.structs.replace(uniform(), columns=[column]), [[value]] * 10)

    assert [name for name, _, _ in found.figures[0].rows] == names
    assert share(found.figures[0].rows[names.index("2" if "2" in names else "a number")][2]) == 1.0


def test_predicted_numbers_are_shown_by_range() -> None:
    known = Evaluation(predictions=[[0.0, float(number)] for number in range(80)])
    model = LoadedModel(version("number", evaluation=known))
    monitor = Monitor(model.manifest)
    rows = model.signature.inputs(ROWS)
    monitor.window.add(rows, model.predict(rows))
    names = [name for name, _, _ in drifted(monitor.drift(), model.manifest.target).figures[0].rows]

    assert (len(names), names[0], names[1], names[-1]) == (8, "below 9.875", "9.875 to 19.75", "from 69.12 on")


def test_a_bounded_number_is_drawn_and_listed(default_model: LoadedModel) -> None:
    found = drifted(send(default_model, held_out("breast-cancer", WINDOW) * 3).drift(), default_model.manifest.target)

    assert (len(found.figures), len(found.others), found.left_out) == (MOST_FIGURES, 31 - MOST_FIGURES, 0)
    assert f"and {31 - MOST_NAMED} more." in found.sentence or f"and {30 - MOST_NAMED} more." in found.sentence
    many = [msgspec.structs.replace(uniform().columns[0], name=str(place)) for place in range(200)]
    wide = seen(msgspec.structs.replace(uniform(), columns=many), np.zeros((2, 200)))
    assert (len(wide.figures), len(wide.others), wide.left_out) == (MOST_FIGURES, 100, 200 - 100 - MOST_FIGURES)
