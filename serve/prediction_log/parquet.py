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
import numpy.typing as npt
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


def _own(samples: Sequence[Sample], table: Table) -> dict[str, pa.Array]:
    model, counts = samples[0].model, [len(sample.rows) for sample in samples]
    moments = np.array([round(sample.time * 1e6) for sample in samples], np.int64)
    rows = [np.arange(sample.first, sample.first + count) for sample, count in zip(samples, counts, strict=True)]
    return {
        "time": _numbers(np.repeat(moments, counts), pa.timestamp("us", "UTC")),
        "request_id": _texts([sample.request_id for sample in samples for _ in range(len(sample.rows))]),
        "model": _texts([model.name] * len(table.labels)),
        "version": _numbers(np.full(len(table.labels), model.version, np.int64), pa.int64()),
        "row": _numbers(np.concatenate(rows).astype(np.int64), pa.int64()),
        "prediction": _array(table.labels if table.labels.dtype.kind in "if" else table.labels.tolist()),
        **{f"probability_{label}": _array(table.probabilities[:, index]) for index, label in enumerate(model.labels)},
    }


# Arrow's own constructors of arrays load pandas where it is installed: 50 MB, and a third of a second.


def _array(values: Any) -> pa.Array:
    """Return a column of float32, int64 or texts; what is missing is null."""
    if isinstance(values, list):
        return _texts(values)
    if values.dtype.kind == "i":
        return _numbers(values.astype(np.int64), pa.int64())
    return _numbers(values, pa.float32(), ~np.isnan(values))


def _numbers(values: npt.NDArray[Any], kind: pa.DataType, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    buffers = [_bits(valid), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _texts(values: Sequence[str | None]) -> pa.Array:
    encoded = [(value or "").encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    valid = np.array([value is not None for value in values], bool)
    buffers = [_bits(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def _bits(valid: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    """Return which values there are, a bit for each; None means all."""
    return None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


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
        for each in (self._folder, folder.parent, folder):  # the first, too, may have been cleared away
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
