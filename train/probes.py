"""Rows on which an export and its original are compared: where they would differ if anything were wrong.

Real rows and random rows are not enough: rounding every threshold to nearest passes 20,000 random rows. So there are
also rows on and beside thresholds, rows on which the classes tie, extreme values, and missing values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from train.converters import FOREST_CLASSIFIERS
from train.data import Rows, Split

STEPS = np.arange(-4, 5)  # distances from a threshold, in units in the last place of float32
RANDOM_ROWS = 4_000
MOST_NODES = 3_000
TIE_CANDIDATES = 30_000
TIE_ROWS = 1_000
LARGEST = 3e38
SMALLEST = 1e-45


@dataclass(frozen=True)
class Probe:
    """One kind of rows [n, columns]; `origins` [n] says for each where it lies, for a person."""

    name: str
    rows: Rows
    origins: list[str] | None = None

    def origin(self, index: int) -> str:
        """Say which row this is."""
        return f"{self.name}, row {index}" + (f" ({self.origins[index]})" if self.origins else "")


def probes(model: Any, parts: Split, columns: list[str], seed: int) -> Iterator[Probe]:
    """Yield every kind of rows for a fitted classifier; the same seed gives the same rows."""
    random = np.random.default_rng(seed)
    yield Probe("held-out rows", parts.held_out_rows)
    yield Probe("training rows", parts.fit_rows)
    yield Probe("random rows", random_rows(parts.fit_rows, random))
    if isinstance(final_step(model), FOREST_CLASSIFIERS):
        yield thresholds(model, parts.fit_rows, columns, random)
    yield Probe("ties", ties(model, parts.fit_rows, random))
    yield answerable(model, extremes(parts.fit_rows[0], columns))
    if answers(model, np.full_like(parts.fit_rows[:1], np.nan)):
        yield missing(parts.held_out_rows[:10], columns)


def final_step(model: Any) -> Any:
    """Return the estimator that answers: the last step of a Pipeline, or the model itself."""
    while isinstance(model, Pipeline):
        model = model[-1]
    return model


def steps_before(model: Any) -> list[Any]:
    """Return the fitted steps before the estimator that answers, those of Pipelines inside Pipelines too."""
    if not isinstance(model, Pipeline):
        return []
    first = [inner for _, step in model.steps[:-1] for inner in [*steps_before(step), final_step(step)]]
    return [*first, *steps_before(model[-1])]


def answers(model: Any, rows: Rows) -> bool:
    """Return whether the model answers rows rather than refusing them."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            model.predict(rows)
    except ValueError:
        return False
    return True


def answerable(model: Any, probe: Probe) -> Probe:
    """Return the rows that the model answers: a scaler may push extreme values beyond float32."""
    if answers(model, probe.rows):
        return probe
    kept = [index for index, row in enumerate(probe.rows) if answers(model, row[None, :])]
    return Probe(probe.name, probe.rows[kept], [probe.origin(index) for index in kept])


def random_rows(rows: Rows, random: np.random.Generator) -> Rows:
    """Return rows spread over the range of each column and 30 % beyond it on either side."""
    low, high = (np.nan_to_num(reduce(rows, axis=0).astype(np.float64)) for reduce in (np.fmin.reduce, np.fmax.reduce))
    margin = 0.3 * (high - low)
    spread = random.uniform(low - margin, high + margin, (RANDOM_ROWS, rows.shape[1]))
    return np.clip(spread, -LARGEST, LARGEST).astype(np.float32)


def thresholds(model: Any, rows: Rows, columns: list[str], random: np.random.Generator) -> Probe:
    """Place a training row that reaches a node on the node's threshold and up to 4 float32 steps beside it.

    Before a forest in a Pipeline the row is placed where the forest sees it and brought back through the steps before;
    where that cannot be done the probe is empty and the other rows must do.
    """
    before = steps_before(model)
    seen = rows
    for step in before:
        seen = np.asarray(step.transform(seen), dtype=np.float32)
    placed, places = _placed(final_step(model), seen, random)
    if before:
        return Probe("thresholds", _brought_back(before, placed, rows[:0]))
    return Probe("thresholds", placed, [_place(place, columns) for place in places])


def _brought_back(steps: list[Any], placed: Rows, nothing: Rows) -> Rows:
    """Return rows that the steps turn into the placed ones, or nearly; `nothing` where a step has no way back."""
    for step in reversed(steps):
        try:
            placed = np.asarray(step.inverse_transform(placed), dtype=np.float32)
        except (AttributeError, ValueError):  # an imputer leaves rows without missing values as they are
            if placed.shape[1] != step.n_features_in_:
                return nothing
    return placed


def ties(model: Any, rows: Rows, random: np.random.Generator) -> Rows:
    """Return the rows on the way from one training row to another whose best two classes are nearest."""
    first, second = random.integers(0, len(rows), (2, TIE_CANDIDATES))
    share = random.random((TIE_CANDIDATES, 1))
    candidates = (rows[first] * share + rows[second] * (1 - share)).astype(np.float32)
    best = np.sort(model.predict_proba(candidates), axis=1)
    nearest: Rows = candidates[np.argsort(best[:, -1] - best[:, -2], kind="stable")[:TIE_ROWS]]
    return nearest


def extremes(row: Rows, columns: list[str]) -> Probe:
    """Return zeros of either sign and the largest and smallest float32, in all columns and in each alone."""
    values = [0.0, -0.0, LARGEST, -LARGEST, SMALLEST, -SMALLEST]
    everywhere = np.repeat(np.array(values, dtype=np.float32)[:, None], len(columns), axis=1)
    alone = np.repeat(row[None, :], len(values) * len(columns), axis=0)
    cells = [(value, column) for value in values for column in range(len(columns))]
    for index, (value, column) in enumerate(cells):
        alone[index, column] = value
    origins = [f"{value:g} in every column" for value in values]
    origins += [f"{value:g} in {columns[column]}" for value, column in cells]
    return Probe("extreme values", np.vstack([everywhere, alone]), origins)


def missing(rows: Rows, columns: list[str]) -> Probe:
    """Return each row with each column missing in turn, and a row with all of them missing."""
    width = len(columns)
    holed = np.repeat(rows, width, axis=0)
    holed[np.arange(len(holed)), np.tile(np.arange(width), len(rows))] = np.nan
    origins = [*(f"{name} missing" for _ in rows for name in columns), "everything missing"]
    return Probe("missing values", np.vstack([holed, np.full((1, width), np.nan, dtype=np.float32)]), origins)


Place = tuple[int, int, int, int]


def _placed(forest: Any, rows: Rows, random: np.random.Generator) -> tuple[Rows, list[Place]]:
    """Return rows on and beside thresholds, and for each its tree, node, column and distance."""
    estimators = getattr(forest, "estimators_", [forest])
    nodes = [
        (tree, node)
        for tree, estimator in enumerate(estimators)
        for node in np.flatnonzero(estimator.tree_.children_left >= 0)
    ]
    if len(nodes) > MOST_NODES:
        nodes = [nodes[index] for index in np.sort(random.choice(len(nodes), MOST_NODES, replace=False))]
    placed, places = [], []
    reached: dict[int, npt.NDArray[np.int64]] = {}
    for tree, node in nodes:
        if tree not in reached:
            reached = {tree: _first_rows(estimators[tree], rows)}
        column = int(estimators[tree].tree_.feature[node])
        block = np.repeat(rows[reached[tree][node]][None, :], len(STEPS), axis=0)
        block[:, column] = _beside(np.float32(estimators[tree].tree_.threshold[node]))
        placed.append(block)
        places += [(tree, int(node), column, int(step)) for step in STEPS]
    return np.vstack([rows[:0], *placed]), places


def _first_rows(estimator: Any, rows: Rows) -> npt.NDArray[np.int64]:
    """Return for each node the first row that passes through it (0 for a node that none reaches)."""
    path = estimator.decision_path(rows).tocoo()
    first = np.zeros(path.shape[1], dtype=np.int64)
    first[path.col[::-1]] = path.row[::-1]
    return first


def _beside(value: np.float32) -> Rows:
    """Return the float32 numbers at STEPS from a value, in order.

    A split between missing and present values has an infinite threshold; no row can be beyond it.
    """
    below, above = [value], [value]
    for _ in range(int(STEPS[-1])):
        below.append(np.nextafter(below[-1], np.float32(-np.inf)))
        above.append(np.nextafter(above[-1], np.float32(np.inf)))
    return np.clip(np.array([*below[:0:-1], *above], dtype=np.float32), -LARGEST, LARGEST)


def _place(place: Place, columns: list[str]) -> str:
    tree, node, column, step = place
    return f"tree {tree}, node {node}, {columns[column]} {step:+d} steps from the threshold"
