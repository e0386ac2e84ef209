"""Which versions have series of drift: those that answer, each from its first row on."""

import msgspec
import numpy as np

from serve.drift.series import MOST_COLUMNS, series
from serve.model import LoadedModel
from serve.slot import Slot
from tests.drifting import uniform
from tests.mixed_models import ROWS, version

WATCHED = 1000.0  # seconds


def samples(slot: Slot) -> dict[tuple[str, ...], float]:
    return {(each.name, *each.labels.values()): each.value for family in series([slot]) for each in family.samples}


def observe(slot: Slot, model: LoadedModel, times: int = 1) -> None:
    rows = model.signature.inputs(ROWS)
    for _ in range(times):
        slot.observe(model, rows, model.predict(rows))


def rows_of(slot: Slot) -> dict[str, float]:
    return {name[2]: value for name, value in samples(slot).items() if name[0] == "copse_drift_window_rows"}


def test_a_version_has_series_from_its_first_row_on_and_the_next_begins_anew() -> None:
    slot, first, second = Slot("shapes"), LoadedModel(version("classes", 1)), LoadedModel(version("classes", 2))
    slot.go_live(first, 0.0)
    assert samples(slot) == {}
    observe(slot, first, 2)
    assert rows_of(slot) == {"1": 10}

    slot.go_live(second, 0.0)
    assert samples(slot) == {}
    observe(slot, first)  # a request that began before the swap
    assert samples(slot) == {}
    observe(slot, second)
    assert rows_of(slot) == {"2": 5}


def test_a_version_that_comes_back_begins_anew_too() -> None:
    slot, first, second = Slot("shapes"), LoadedModel(version("classes", 1)), LoadedModel(version("classes", 2))
    slot.go_live(first, 0.0)
    observe(slot, first, 3)
    slot.go_live(second, WATCHED)
    observe(slot, second)
    for _ in range(30):
        slot.ended(second, failed=True)
    assert slot.serving is first
    assert samples(slot) == {}
    observe(slot, first)

    assert rows_of(slot) == {"1": 5}


def test_a_model_that_is_unloaded_has_none() -> None:
    slot, model = Slot("shapes"), LoadedModel(version("classes"))
    slot.go_live(model, 0.0)
    observe(slot, model)
    slot.unload()
    observe(slot, model)

    assert samples(slot) == {}


def test_of_very_many_columns_those_that_drifted_most_have_series() -> None:
    first = uniform().columns[0]
    many = [msgspec.structs.replace(first, name=f"column {place}") for place in range(MOST_COLUMNS + 50)]
    slot, model = Slot("wide"), LoadedModel(version("labels"))
    model.manifest = msgspec.structs.replace(uniform(), columns=many)
    slot.go_live(model, 0.0)
    rows = np.tile((np.arange(500) % 8 + 0.5).astype(np.float32).reshape(-1, 1), len(many))
    rows[:, -1] = 7.5
    slot.observe(model, rows, (np.zeros(500, np.int64), np.empty((500, 0), np.float32)))
    found = samples(slot)

    assert sum(name[0] == "copse_drift_index" for name in found) == MOST_COLUMNS
    assert found["copse_drift_index", "wide", "1", many[-1].name] > 1
