"""A CSV file as a source of rows: all cells are texts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from train.errors import BadData
from train.tables.limits import MISSING_MARKS
from train.tables.sources import Kind, progress
from train.tables.text_files import SEPARATORS, check_rows, count_quotes, read_header, rows_with_lines

BLOCK_BYTES = 1 << 19  # no row can be longer


class CsvFile:
    """Text in UTF-8 whose first line names the columns; gzipped if its name ends with .gz."""

    marks = MISSING_MARKS

    def __init__(self, path: Path) -> None:
        """Look at the whole file once.

        Raises:
            BadData: this is no CSV file with a header and rows.

        """
        self.path = path
        quotes = count_quotes(path)
        self.header = read_header(path)
        if quotes % 2:  # the fast reader would take all that follows an open quote as one cell
            check_rows(path, self.header)
        self.names = self.header.names
        separated = SEPARATORS[self.header.separator]
        self.remark = "" if separated == "commas" else f"separated by {separated}"

    def kind(self, name: str) -> Kind:  # noqa: ARG002 - any cell may hold anything
        """Return that cells are texts which may be numbers."""
        return "cells"

    def type_name(self, name: str) -> str:  # noqa: ARG002
        """Return that a CSV file has no types."""
        return "text"

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read all rows of some columns, as texts; the usual marks of a missing value are null.

        Raises:
            BadData: a row has more or fewer cells than the header, or a quote is not closed.

        """
        with progress(self.path, self.path.stat().st_size, "B") as bar, _opened(self.path) as (raw, file):
            try:
                with pyarrow.csv.open_csv(file, *self._options(names)) as reader:
                    for batch in reader:
                        bar.update(raw.tell() - bar.n)
                        yield batch
            except pa.ArrowInvalid:  # its text repeats the row
                raise self._fault() from None
            except OSError as error:
                if error.errno:  # the disk, or who may read
                    raise
                raise BadData(f"{self.path}: the file cannot be unpacked; pack it anew") from None

    def place(self, row: int) -> str:
        """Return the line in which a row begins."""
        line, _ = next(islice(rows_with_lines(self.path, self.header.separator), row + 1, None))
        return f"line {line:,}"

    def _fault(self) -> BadData:
        """Return what is wrong with a file that the fast reader gave up."""
        try:
            check_rows(self.path, self.header)
        except BadData as found:
            return found
        return BadData(f"{self.path}: the file cannot be read as CSV; is a row longer than {BLOCK_BYTES:,} bytes?")

    def _options(
        self, names: Sequence[str]
    ) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
        marks = sorted({form for mark in self.marks for form in (mark, mark.upper(), mark.title())} | {"NaN", "N/a"})
        return (
            pyarrow.csv.ReadOptions(
                column_names=self.names, skip_rows=self.header.lines, block_size=BLOCK_BYTES, use_threads=False
            ),
            pyarrow.csv.ParseOptions(delimiter=self.header.separator, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                include_columns=list(names),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=marks,
                strings_can_be_null=True,
            ),
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[pa.NativeFile, pa.NativeFile]]:
    """Open a file; give it as it is, and as it reads: unpacked if it is gzipped.

    Arrow reads ahead in a thread of its own, which must not need Python: it may still run when Python ends.
    """
    with pa.OSFile(str(path), "rb") as raw:
        yield raw, pa.CompressedInputStream(raw, "gzip") if path.suffix == ".gz" else raw
