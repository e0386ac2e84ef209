"""Rows as training held them out, sent to the monitor of a model as if it had answered them."""

import msgspec
import numpy as np

from model_repository import Column, DataSet, Histogram, Manifest
from serve.drift.monitor import Monitor
from serve.model import LoadedModel
from serve.onnx_runtime import Rows
from tests.factories import manifest
from train.builtin import built_in
from train.data import Split, split
from train.describe import columns
from train.recipe import Recipe

REQUEST_ROWS = 100


def parted(name: str) -> Split:
    """Return a data set as training parts it by default."""
    recipe = Recipe()
    return split(built_in(name), recipe.held_out, recipe.seed)


def described(name: str) -> Manifest:
    """Return a manifest with the columns of a data set, as training describes them; all else is of another model."""
    data, parts = built_in(name), parted(name)
    found = columns(data.schema, parts.fit_rows, [], [])
    dataset = DataSet(name, len(data.rows), len(parts.held_out_rows), "5" * 64)
    return msgspec.structs.replace(manifest(), columns=found, dataset=dataset)


def held_out(name: str, rows: int | None = None) -> Rows:
    """Return the rows that training did not see; so many of them, one after the other, again and again."""
    found = parted(name).held_out_rows.astype(np.float32)
    return found if rows is None else np.resize(found, (rows, found.shape[1]))


def send(model: LoadedModel, rows: Rows, monitor: Monitor | None = None) -> Monitor:
    """Have a model answer rows, and a monitor see them."""
    monitor = monitor or Monitor(model.manifest)
    for start in range(0, len(rows), REQUEST_ROWS):
        part = np.ascontiguousarray(rows[start : start + REQUEST_ROWS])
        monitor.window.add(part, model.predict(part))
    return monitor


def uniform(*, missing: bool = False) -> Manifest:
    """Return a manifest whose two columns are numbers from 0 to 8, as many in each eighth, of 800 rows of training."""
    found = [
        Column(name, 0.0, 8.0, 4.0, Histogram([float(edge) for edge in range(9)], [100] * 8), missing)
        for name in ("width", "height")
    ]
    return msgspec.structs.replace(manifest(), columns=found, dataset=DataSet("eighths", 800, 0, "5" * 64))
