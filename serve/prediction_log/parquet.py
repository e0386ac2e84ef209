"""Parquet files, each whole from the moment that it can be seen: FOLDER/MODEL/VERSION/TIME.parquet.

A file is of one version, so that each of the version's columns is a column of the table. Only this loads pyarrow.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # noqa: TID251 - only where Parquet is asked for, and not in the image
from pyarrow import parquet  # noqa: TID251 - likewise

from serve.prediction_log.samples import Sample, Table, table_of

OWN = "copse_"  # how the names of the log's own columns begin
GATHER_SECONDS = 60.0
SHARE_OF_ONE = 4  # the bound on all files over that on one
ENDING, UNFINISHED = ".parquet", ".unfinished"  # an unfinished file is hidden, too: readers pass over it
FOR_THE_OWNER, FOLDER_FOR_THE_OWNER = 0o600, 0o700


def arrow_table(samples: Sequence[Sample]) -> pa.Table:
    """Return samples of one version as a table: the version's columns, then the log's own."""
    table = table_of(samples)
    features = {name: _array(each) for name, each in table.columns.items()}
    own = {_unused(OWN + name, features): each for name, each in _own(samples, table).items()}
    return pa.table(features | own)


def _array(values: Any) -> pa.Array:
    """Return a column of float32 or texts; what is missing is null."""
    if isinstance(values, list):
        return pa.array(values, pa.string())
    return pa.array(np.ascontiguousarray(values), pa.float32(), from_pandas=True)


def _own(samples: Sequence[Sample], table: Table) -> dict[str, pa.Array]:
    model, counts = samples[0].model, [len(sample.rows) for sample in samples]
    moments = pa.array([sample.moment for sample in samples], pa.timestamp("us", "UTC"))
    ids = pa.array([sample.request_id for sample in samples], pa.string())
    which = pa.array(np.repeat(np.arange(len(samples)), counts))
    rows = [np.arange(sample.first, sample.first + count) for sample, count in zip(samples, counts, strict=True)]
    labels = table.labels
    return {
        "time": moments.take(which),
        "request_id": ids.take(which),
        "model": pa.array([model.name] * len(labels), pa.string()),
        "version": pa.array(np.full(len(labels), model.version, np.int64)),
        "row": pa.array(np.concatenate(rows)),
        "prediction": pa.array(labels if labels.dtype.kind in "if" else labels.tolist()),
        **{
            f"probability_{label}": pa.array(np.ascontiguousarray(table.probabilities[:, index]))
            for index, label in enumerate(model.labels)
        },
    }


def _unused(name: str, taken: Mapping[str, object]) -> str:
    while name in taken:
        name += "_"
    return name


class ParquetFolder:
    """A folder of finished files; the oldest are deleted before there is too much."""

    seconds = GATHER_SECONDS
    last_seconds = 10.0

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Write into a folder in which only this log's files are; together they have at most so many bytes.

        Raises:
            OSError: it cannot be written into.

        """
        folder.mkdir(FOLDER_FOR_THE_OWNER, exist_ok=True)
        for left_behind in folder.rglob("*" + UNFINISHED):
            left_behind.unlink()
        (folder / UNFINISHED).touch(FOR_THE_OWNER)
        (folder / UNFINISHED).unlink()
        self._folder = folder
        self._most_of_one = most_bytes // SHARE_OF_ONE
        self._most_finished = most_bytes - self._most_of_one

    def write(self, samples: Sequence[Sample]) -> Iterator[int]:
        """Write samples of one version, at least 1, into one file.

        Raises:
            OSError: they cannot be written; nothing of the file is left.

        """
        table, model = arrow_table(samples), samples[0].model
        self._delete_oldest(self._most_finished)
        folder = self._folder / model.name / str(model.version)
        for each in (folder.parent, folder):
            each.mkdir(FOLDER_FOR_THE_OWNER, exist_ok=True)
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        unfinished = folder / f".{name}{UNFINISHED}"
        try:
            self._write_whole(table, unfinished)
            unfinished.replace(folder / (name + ENDING))
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        yield len(table)

    def _write_whole(self, table: pa.Table, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_THE_OWNER)
        with os.fdopen(descriptor, "wb") as file:
            parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(descriptor)
            if os.fstat(descriptor).st_size > self._most_of_one:
                raise OSError(None, "a file would be larger than a quarter of --prediction-log-bytes")

    def _delete_oldest(self, most_bytes: int) -> None:
        """Delete files, the oldest first, until there are no more than so many bytes; also a version's empty folder."""
        sizes = {path: path.stat().st_size for path in self._folder.glob(f"*/*/[!.]*{ENDING}")}
        total = sum(sizes.values())
        for path in sorted(sizes, key=lambda each: each.name):
            if total <= most_bytes:
                return
            path.unlink()
            total -= sizes[path]
            with contextlib.suppress(OSError):
                path.parent.rmdir()
