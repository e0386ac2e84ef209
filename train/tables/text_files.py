"""The outside of a CSV file: its bytes, its separator, its header, its lines, and what is wrong with them."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, NamedTuple, cast

from train.errors import BadData
from train.tables.cells import number
from train.tables.sources import check_names

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
CHUNK_BYTES = 1 << 20


class Header(NamedTuple):
    """The separator, the names of the columns, and how many lines of the file end with them."""

    separator: str
    names: list[str]
    lines: int


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as it reads: unpacked if it is gzipped."""
    with path.open("rb") as raw:
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw


def count_quotes(path: Path) -> int:
    """Return how many quotes a file has.

    Raises:
        BadData: it has a byte that is no text; says where.

    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes, lines, position = 0, 1, 0
    for chunk in _chunks(path):
        bad = _no_text(decoder, chunk)
        if bad is not None:
            line, byte = lines + chunk[: max(bad, 0)].count(b"\n"), position + bad + 1
            raise BadData(f"{path}: byte {byte:,}, in line {line:,}, is no text in UTF-8; save the file as UTF-8")
        quotes, lines, position = quotes + chunk.count(b'"'), lines + chunk.count(b"\n"), position + len(chunk)
    return quotes


def read_header(path: Path) -> Header:
    """Find out what separates the cells, and the names of the columns.

    Raises:
        BadData: the file has no header, or no rows below it.

    """
    found = {separator: _first_row(path, separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda each: len(found[each].names))
    header = found[separator]
    if len(header.names) == 1:
        raise BadData(f"{path}: its first line is one cell; columns are separated by {', '.join(SEPARATORS.values())}")
    if all(name and number(name) is not None for name in header.names):
        raise BadData(f"{path}: its first line holds only numbers; a header with the names of the columns was expected")
    check_names(path, header.names)
    return header


def rows_with_lines(path: Path, separator: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the line in which it begins, slowly: to find out what is where.

    Raises:
        BadData: a quote is not closed, or nothing ends a cell.

    """
    with _opened(path) as file:
        reader = csv.reader(TextIOWrapper(file, "utf-8-sig", newline=""), delimiter=separator, strict=strict)
        line = 1
        try:
            for row in reader:
                if row:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error:
            raise BadData(
                f"{path}: the row that begins in line {line:,} does not end; is a quote not closed?"
            ) from None


def check_rows(path: Path, header: Header) -> None:
    """Raise BadData if a row has more or fewer cells than the header, or a quote is not closed."""
    for line, row in rows_with_lines(path, header.separator, strict=True):
        if len(row) != len(header.names):
            raise BadData(f"{path}: line {line:,} has {len(row):,} cells; the header has {len(header.names):,}")


def _first_row(path: Path, separator: str) -> Header:
    rows = rows_with_lines(path, separator)
    first = next(rows, None)
    if first is None:
        raise BadData(f"{path}: the file is empty; a header and rows below it were expected")
    second = next(rows, None)
    if second is None:
        raise BadData(f"{path}: the file has a header and no rows")
    return Header(separator, [name.strip() for name in first[1]], second[0] - 1)


def _no_text(decoder: codecs.IncrementalDecoder, chunk: bytes) -> int | None:
    """Return where in a chunk the first byte is that is no text; below 0 if in the chunk before."""
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        return error.start - (len(error.object) - len(chunk))  # the decoder kept the last bytes of the chunk before
    found = chunk.find(b"\0")
    return None if found < 0 else found


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and none at its end."""
    with _opened(path) as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise BadData(f"{path}: this is no gzip file, or not all of it") from None
        yield b""
