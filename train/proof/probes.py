"""Rows on which an export and its original are compared: where they would differ if anything were wrong.

Real rows and random rows are not enough: rounding every threshold to nearest passes 20,000 random rows. So there are
also rows on and beside thresholds and jumps, rows on which the classes tie, texts, missing and extreme values.
"""

from collections.abc import Iterator

import numpy as np

from train.converters import FOREST_CLASSIFIERS, FOREST_REGRESSORS
from train.data import Split
from train.original import Original
from train.proof.jumps import jumps
from train.proof.probe import LARGEST, Probe
from train.proof.thresholds import thresholds
from train.schema import Rows, Schema

MOST_ROWS = 20_000  # of the held-out rows, and of those fitted on
RANDOM_ROWS = 4_000
TIE_CANDIDATES = 30_000
TIE_ROWS = 1_000
FAR_ROWS = 500
HOLED_ROWS = 500
SMALLEST = 1e-45


def probes(original: Original, parts: Split, seed: int) -> Iterator[Probe]:
    """Yield every kind of rows but extreme ones for a fitted model; the same seed gives the same rows."""
    random = np.random.default_rng(seed)
    schema, rows = original.schema, _sample(parts.fit_rows, random)
    yield Probe("held-out rows", _sample(parts.held_out_rows, random))
    yield Probe("training rows", rows)
    yield Probe("random rows", random_rows(schema, rows, random))
    if isinstance(original.model, FOREST_CLASSIFIERS + FOREST_REGRESSORS):
        yield thresholds(original.model, rows, schema.names, random)
    yield jumps(original, rows, random)
    if original.has_probabilities:
        yield Probe("ties", ties(original, rows, random))
    if schema.texts:
        yield categories(schema, rows)
    if missing_columns(original, rows):
        yield missing(rows[:10], missing_columns(original, rows), schema.names)
        yield Probe("several missing values", holed(rows, missing_columns(original, rows), random))


def missing_columns(original: Original, rows: Rows) -> list[int]:
    """Return the columns of numbers that may lack a value: all where the model answers so, else those of training."""
    numbers = original.schema.numbers
    everywhere = rows[:1].copy()
    everywhere[:, numbers] = np.nan
    if numbers and original.accepts(everywhere):
        return numbers
    return [column for column in numbers if np.isnan(rows[:, column]).any()]


def unknown_texts(schema: Schema, column: int, rows: Rows) -> Probe:
    """Return rows with a text in a column that training did not see there."""
    placed = rows[:10].copy()
    placed[:, column] = len(schema.fields[column].categories or ())
    return Probe(
        f"unknown texts: {schema.names[column]}", placed, [f"an unknown text in {schema.names[column]}"] * len(placed)
    )


def random_rows(schema: Schema, rows: Rows, random: np.random.Generator) -> Rows:
    """Return rows spread over the range of each column and 30 % beyond it on either side, with known texts.

    Values are missing as often as they are in training.
    """
    low, high = (np.nan_to_num(reduce(rows, axis=0).astype(np.float64)) for reduce in (np.fmin.reduce, np.fmax.reduce))
    margin = 0.3 * (high - low)
    spread = random.uniform(low - margin, high + margin, (RANDOM_ROWS, rows.shape[1]))
    drawn: Rows = np.clip(spread, -LARGEST, LARGEST).astype(np.float32)
    drawn[random.random(drawn.shape) < np.isnan(rows).mean(axis=0)] = np.nan
    for column in schema.texts:
        drawn[:, column] = random.integers(0, len(schema.fields[column].categories or ()), RANDOM_ROWS)
    return drawn


def ties(original: Original, rows: Rows, random: np.random.Generator) -> Rows:
    """Return the rows on the way from one training row to another whose best two classes are nearest."""
    first, second = random.integers(0, len(rows), (2, TIE_CANDIDATES))
    share = random.random((TIE_CANDIDATES, 1))
    candidates = (rows[first] * share + rows[second] * (1 - share)).astype(np.float32)
    candidates[:, original.schema.texts] = rows[first][:, original.schema.texts]
    best = np.sort(original.answers(candidates)[1], axis=1)
    nearest: Rows = candidates[np.argsort(best[:, -1] - best[:, -2], kind="stable")[:TIE_ROWS]]
    return nearest


def categories(schema: Schema, rows: Rows) -> Probe:
    """Return a training row with each text of each column in turn."""
    cells = [(column, code) for column in schema.texts for code in range(len(schema.fields[column].categories or ()))]
    placed = np.resize(rows[:50], (len(cells), rows.shape[1]))
    placed[np.arange(len(cells)), [column for column, _ in cells]] = [code for _, code in cells]
    return Probe("texts", placed, [f"text {code} of {schema.names[column]}" for column, code in cells])


def extremes(original: Original, rows: Rows, magnitude: float, seed: int) -> Probe:
    """Return zeros of either sign and numbers up to a magnitude, in all columns of numbers and in each alone."""
    schema, random = original.schema, np.random.default_rng(seed)
    values = [0.0, -0.0, magnitude, -magnitude, SMALLEST, -SMALLEST]
    cells = [(value, [column]) for value in values for column in schema.numbers]
    cells = [(value, schema.numbers) for value in values] + cells
    placed = np.repeat(rows[:1], len(cells), axis=0)
    for row, (value, columns) in zip(placed, cells, strict=True):
        row[columns] = value
    origins = [
        f"{value:g} in {'every column' if columns is schema.numbers else schema.names[columns[0]]}"
        for value, columns in cells
    ]
    far = far_rows(schema, rows, magnitude, random)
    return Probe("extreme values", np.vstack([placed, far]), origins + ["far from training"] * len(far))


def far_rows(schema: Schema, rows: Rows, magnitude: float, random: np.random.Generator) -> Rows:
    """Return training rows of which about half of the numbers are of any size up to a magnitude."""
    far = rows[random.integers(0, len(rows), FAR_ROWS)].copy()
    largest = np.log10(magnitude)
    exponents = random.uniform(min(-3, largest - 3), largest, (FAR_ROWS, len(schema.numbers)))
    values = random.choice([-1.0, 1.0], exponents.shape) * 10**exponents
    replaced = random.random(exponents.shape) < 0.5
    far[:, schema.numbers] = np.where(replaced, values, far[:, schema.numbers]).astype(np.float32)
    return far


def missing(rows: Rows, columns: list[int], names: list[str]) -> Probe:
    """Return each row with each of the columns missing in turn, and a row with all of them missing."""
    holed = np.repeat(rows, len(columns), axis=0)
    holed[np.arange(len(holed)), np.tile(columns, len(rows))] = np.nan
    everywhere = rows[:1].copy()
    everywhere[:, columns] = np.nan
    origins = [f"{names[column]} missing" for _ in rows for column in columns] + ["all of them missing"]
    return Probe("missing values", np.vstack([holed, everywhere]), origins)


def holed(rows: Rows, columns: list[int], random: np.random.Generator) -> Rows:
    """Return training rows that lack anything from few of the columns to almost all."""
    drawn = rows[random.integers(0, len(rows), HOLED_ROWS)]
    gone = random.random((HOLED_ROWS, len(columns))) < random.random((HOLED_ROWS, 1))
    drawn[:, columns] = np.where(gone, np.float32(np.nan), drawn[:, columns])
    return drawn


def _sample(rows: Rows, random: np.random.Generator) -> Rows:
    """Return the rows, or of very many so many that comparing them takes seconds."""
    if len(rows) <= MOST_ROWS:
        return rows
    return rows[np.sort(random.choice(len(rows), MOST_ROWS, replace=False))]
