"""The monitor: what is as in training is steady, what is not is named, and counts are those of the last rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import Evaluation
from serve.drift.monitor import Drift, Monitor
from serve.drift.stability import SHIFTED, STEADY
from serve.drift.window import WINDOW
from serve.model import LoadedModel
from serve.onnx_runtime import Rows
from tests.conftest import MODEL
from tests.drifting import described, held_out, parted, send, uniform
from tests.mixed_models import ROWS, version

NO_SHARES = np.empty((0, 0), np.float32)

untimed = settings(deadline=None, max_examples=60)


def indices(drift: Drift) -> dict[str, float]:
    found = {each.bins.name: each.index for each in drift.columns}
    return found | ({"the prediction": drift.prediction.index} if drift.prediction else {})


@pytest.mark.parametrize("rows", [None, 570, 3000])
def test_the_held_out_rows_of_the_default_model_are_steady_also_when_sent_again_and_again(
    default_model: LoadedModel, rows: int | None
) -> None:
    found = indices(send(default_model, held_out(MODEL, rows)).drift())

    assert len(found) == 31
    assert max(found.values()) < STEADY


@pytest.mark.parametrize("name", ["wine", "diabetes", "iris", "digits"])
@pytest.mark.parametrize("rows", [None, 570, 3000])
def test_held_out_rows_of_other_data_are_steady_too(name: str, rows: int | None) -> None:
    monitor = Monitor(described(name))
    for each in held_out(name, rows):
        monitor.window.add(each.reshape(1, -1), (np.array([0]), NO_SHARES))
    drift = monitor.drift()

    assert len(drift.columns) == held_out(name).shape[1]
    assert max(indices(drift).values()) < STEADY


@pytest.mark.parametrize("direction", [1, -1])
def test_each_feature_that_moves_by_a_standard_deviation_is_named_within_500_rows_and_no_other(
    default_model: LoadedModel, direction: int
) -> None:
    deviations = parted(MODEL).fit_rows.std(axis=0)
    for column, name in enumerate(default_model.signature.names):
        monitor = send(default_model, held_out(MODEL, 3000))
        moved = held_out(MODEL, WINDOW)
        moved[:, column] += direction * deviations[column]
        found = indices(send(default_model, moved, monitor).drift())
        found.pop("the prediction")

        assert [each for each, index in found.items() if index > SHIFTED] == [name]


def test_a_shift_is_over_once_500_rows_are_as_before(default_model: LoadedModel) -> None:
    monitor = send(default_model, held_out(MODEL, WINDOW) * 3)
    assert min(each.index for each in monitor.drift().columns) > SHIFTED
    send(default_model, held_out(MODEL, WINDOW), monitor)

    assert max(indices(monitor.drift()).values()) < STEADY


def test_few_rows_shift_nothing_however_odd_they_are(default_model: LoadedModel) -> None:
    found = indices(send(default_model, held_out(MODEL, 5) * 1000).drift())

    assert max(found.values()) < STEADY


def test_another_mix_of_predictions_is_named(default_model: LoadedModel) -> None:
    rows = held_out(MODEL)
    benign = rows[default_model.predict(rows)[0] == 1]
    prediction = send(default_model, np.resize(benign, (WINDOW, 30))).drift().prediction

    assert prediction
    assert prediction.index > SHIFTED
    assert prediction.live == [0.0, 0.0, 0.0, 1.0]


def by_hand(values: Rows, low: float, high: float) -> list[float]:
    """Return the shares of rows that are missing, below, in each unit from 0 to 8, and above."""
    total = len(values)
    units = [int(((values >= edge) & ((values < edge + 1) | ((edge == 7) & (values == 8)))).sum()) for edge in range(8)]
    counts = [np.isnan(values).sum(), (values < low).sum(), *units, (values > high).sum()]
    return [float(count) / total for count in counts]


@untimed
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_shares_are_those_of_the_last_rows_counted_one_by_one(sizes: list[int], seed: int) -> None:
    drawn = np.random.default_rng(seed)
    rows = drawn.choice([*np.arange(-1, 10, 0.5), np.nan], (sum(sizes), 2)).astype(np.float32)
    monitor, start = Monitor(uniform(missing=True)), 0
    for size in sizes:
        monitor.window.add(rows[start : start + size], (np.zeros(size, np.int64), NO_SHARES))
        start += size
    drift, last = monitor.drift(), rows[-WINDOW:]

    assert drift.rows == len(last)
    for place, column in enumerate(drift.columns):
        wanted = by_hand(last[:, place], 0.0, 8.0)
        assert column.live == pytest.approx(wanted)
        assert (column.missing, column.unseen) == pytest.approx((wanted[0], wanted[1] + wanted[-1]))


def test_missing_and_unknown_values_are_told_by_their_shares() -> None:
    model = LoadedModel(version("classes"))
    rows = model.signature.inputs([*ROWS[:2], *ROWS[:2]])
    monitor = Monitor(model.manifest)
    monitor.window.add(rows, model.predict(rows))
    width, colour, height, shape = monitor.drift().columns

    assert (colour.unseen, colour.missing) == (0.5, 0.5)
    assert (height.unseen, height.missing) == (0.0, 0.5)
    assert (width.unseen, width.missing, shape.unseen, shape.missing) == (0.0, 0.0, 0.0, 0.0)
    assert shape.live[2:] == [0.5, 0.5]


def test_what_is_known_is_counted_again_once_another_row_came() -> None:
    monitor = Monitor(uniform())
    assert monitor.drift().rows == 0
    assert monitor.drift() is monitor.drift()
    monitor.window.add(np.zeros((1, 2), np.float32), (np.array([0]), NO_SHARES))

    assert monitor.drift().rows == 1
    assert monitor.drift().prediction is None


def test_predicted_numbers_are_compared_with_those_for_the_held_out_rows() -> None:
    known = Evaluation(predictions=[[0.0, number / 100] for number in range(200)])
    model = LoadedModel(version("number", evaluation=known))
    for factor, shifted in ((1, False), (10, True)):
        monitor = Monitor(model.manifest)
        for number in np.arange(0, 2, 2 / WINDOW):
            rows = model.signature.inputs([[number * factor, "blue", -0.25, "square"]])
            labels = np.array([number * factor], np.float32)
            monitor.window.add(rows, (labels, NO_SHARES))
        prediction = monitor.drift().prediction

        assert prediction
        assert (prediction.index > SHIFTED, prediction.index < STEADY) == (shifted, not shifted)
