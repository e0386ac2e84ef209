"""A Parquet file, or a folder of them, as a source of rows: each column has a type."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from train.errors import BadData
from train.tables.limits import EMPTY_ONLY
from train.tables.sources import Kind, check_names, progress

BATCH_CELLS = 1 << 17
BUFFER_BYTES = 1 << 18


class ParquetFiles:
    """One file, or all of a folder in the order of their names, with the same columns."""

    marks = EMPTY_ONLY

    def __init__(self, path: Path) -> None:
        """Read what the files say of themselves.

        Raises:
            BadData: there are none, or they are none, or they differ.

        """
        self.path = path
        self.files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not self.files:
            raise BadData(f"{path}: the folder holds no file whose name ends with .parquet")
        self._rows, kinds = [], []
        for file in self.files:
            with _parquet(file) as parquet:
                self._rows.append(parquet.metadata.num_rows)
                kinds.append({field.name: _kind(field.type) for field in parquet.schema_arrow})
                if file == self.files[0]:
                    self._schema: pa.Schema = parquet.schema_arrow
            if kinds[-1] != kinds[0]:
                raise BadData(f"{file}: its columns are not those of {self.files[0].name}, or of other types")
        self.names: list[str] = list(self._schema.names)
        check_names(path, self.names)
        if not sum(self._rows):
            raise BadData(f"{path}: there are columns and no rows")
        self.remark = f"{len(self.files):,} files" if path.is_dir() else ""

    def kind(self, name: str) -> Kind:
        """Return what a column holds."""
        return _kind(self._schema.field(name).type)

    def type_name(self, name: str) -> str:
        """Return the type of a column as Arrow calls it."""
        return str(self._schema.field(name).type).split("<")[0]

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read all rows of some columns; texts are strings, however they are stored.

        Raises:
            BadData: a file is damaged.

        """
        size = max(1, BATCH_CELLS // max(1, len(names)))
        with progress(self.path, sum(self._rows), "rows") as bar:
            for file in self.files:
                with _parquet(file) as parquet:
                    for batch in parquet.iter_batches(size, columns=list(names), use_threads=False):
                        bar.update(len(batch))
                        yield pa.record_batch([_plain(batch[name]) for name in names], names=list(names))

    def place(self, row: int) -> str:
        """Return the number of a row, in its file if there are several."""
        file = 0
        while row >= self._rows[file]:
            row, file = row - self._rows[file], file + 1
        return f"row {row + 1:,}{f' of {self.files[file].name}' if len(self.files) > 1 else ''}"


@contextmanager
def _parquet(file: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    try:
        with pyarrow.parquet.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False) as parquet:
            yield parquet
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk, or who may read
            raise
        raise BadData(f"{file}: this is no Parquet file, or a damaged one") from None


def _kind(kind: pa.DataType) -> Kind:
    types = pa.types
    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"
    if types.is_boolean(kind) or types.is_null(kind):
        return "numbers"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "texts"
    return "moments" if types.is_date(kind) or types.is_timestamp(kind) else "other"


def _plain(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()) if _kind(array.type) == "texts" else array
