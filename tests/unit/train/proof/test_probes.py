"""The rows of the proof lie where they claim to lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier

from tests.exactness import forest
from tests.proofs import EXAMPLE as DATA
from tests.proofs import PARTS, original_of
from train.converters import floor_to_float32
from train.proof.probe import LARGEST
from train.proof.probes import holed, missing, probes, random_rows, ties
from train.proof.thresholds import thresholds


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-LARGEST, max_value=LARGEST), st.integers(-3, 3))
def test_a_floored_threshold_decides_every_float32_as_the_float64_threshold_does(threshold: float, steps: int) -> None:
    floored = floor_to_float32(np.array([threshold]))[0]
    value = floored
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.sign(steps) * np.inf))

    assert (value <= floored) == (float(value) <= threshold)


def test_threshold_rows_lie_on_both_sides_of_the_threshold_of_a_node_that_they_reach() -> None:
    model = forest(3).fit(PARTS.fit_rows, PARTS.fit_targets)
    probe = thresholds(model, PARTS.fit_rows, DATA.schema.names, np.random.default_rng(0))
    assert probe.origins is not None
    for index in range(0, len(probe.rows), 9):
        words = probe.origins[index].replace(",", "").split()
        tree, node = model.estimators_[int(words[1])], int(words[3])
        column, limit = tree.tree_.feature[node], tree.tree_.threshold[node]
        block = probe.rows[index : index + 9]

        assert tree.decision_path(block)[:, node].toarray().all()
        assert block[0, column] <= limit < block[8, column]
        assert len(np.unique(block[:, column])) == 9
        assert DATA.schema.names[column] in probe.origins[index]


def test_the_same_seed_gives_the_same_rows() -> None:
    model = forest(3).fit(PARTS.fit_rows, PARTS.fit_targets)
    first, second = (list(probes(original_of(model), PARTS, 1)) for _ in range(2))

    assert all(np.array_equal(a.rows, b.rows, equal_nan=True) for a, b in zip(first, second, strict=True))


def test_missing_values_are_tried_only_where_the_model_takes_them() -> None:
    takes = forest(3).fit(PARTS.fit_rows, PARTS.fit_targets)
    refuses = GradientBoostingClassifier(n_estimators=2).fit(PARTS.fit_rows, PARTS.fit_targets)

    assert "missing values" in {probe.name for probe in probes(original_of(takes), PARTS, 1)}
    assert "missing values" not in {probe.name for probe in probes(original_of(refuses), PARTS, 1)}


def test_ties_are_the_nearest_of_very_many_rows() -> None:
    model = forest(20).fit(PARTS.fit_rows, PARTS.fit_targets)
    best = np.sort(model.predict_proba(ties(original_of(model), PARTS.fit_rows, np.random.default_rng(0))), axis=1)

    assert (best[:100, -1] == best[:100, -2]).all()


def test_missing_values_are_tried_in_each_column_and_in_all_at_once() -> None:
    probe = missing(PARTS.held_out_rows[:2], list(range(30)), DATA.schema.names)

    assert sorted(np.isnan(probe.rows).sum(axis=1).tolist()) == [1] * 60 + [30]


def test_anything_from_few_to_almost_all_columns_is_missing_together() -> None:
    rows = holed(PARTS.held_out_rows, list(range(20)), np.random.default_rng(0))

    lacking = np.isnan(rows).sum(axis=1)
    assert not np.isnan(rows[:, 20:]).any()
    assert np.isin([0, 1, 5, 10, 15, 19], lacking).all()
    assert not np.isnan(PARTS.held_out_rows).any()


@pytest.mark.parametrize("value", [np.nan, 3e38])
def test_random_rows_can_be_drawn_from_any_column(value: float) -> None:
    rows = PARTS.fit_rows.copy()
    rows[:, 0] = value
    rows[0, 0] = -value

    drawn = random_rows(DATA.schema, rows, np.random.default_rng(0))

    assert not np.isinf(drawn).any()
    assert not np.isnan(drawn[:, ~np.isnan(rows).any(axis=0)]).any()
