"""JSON lines, one for each row, to standard output or to a file that is kept small."""

import contextlib
import os
import select
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from serve.prediction_log.samples import Sample, short_numbers, table_of

KIND = "prediction"  # tells these lines from others
LINES_AT_ONCE = 32  # that are made while nobody else has the interpreter, in a fraction of a millisecond
FILES = 4  # the one that is written to, and older ones: FILE.1, FILE.2, FILE.3
FOR_THE_OWNER = 0o600
LONGEST_LINE = 2**20  # bytes that are looked through for the end of a line


def lines_of(samples: Sequence[Sample]) -> Iterator[list[bytes]]:
    """Yield the lines of samples of one version, a line for each row, some at a time."""
    parts = chain.from_iterable(sample.parts(LINES_AT_ONCE * sample.model.row_bytes) for sample in samples)
    some: list[Sample] = []
    for part in parts:
        if sum(len(each.rows) for each in some) + len(part.rows) > LINES_AT_ONCE:
            yield _lines(some)
            some = []
        some.append(part)
    yield _lines(some)


def _lines(samples: Sequence[Sample]) -> list[bytes]:
    table, model = table_of(samples), samples[0].model
    features = {
        name: values if isinstance(values, list) else short_numbers(values) for name, values in table.columns.items()
    }
    labels = short_numbers(table.labels) if table.labels.dtype.kind == "f" else table.labels.tolist()
    probabilities = short_numbers(table.probabilities)
    lines = []
    for row, (sample, number) in enumerate((each, number) for each in samples for number in range(len(each.rows))):
        told: dict[str, Any] = {
            "kind": KIND,
            "time": sample.moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "request_id": sample.request_id,
            "model": model.name,
            "version": model.version,
            "row": sample.first + number,
            "features": {name: values[row] for name, values in features.items()},
            "prediction": labels[row],
        }
        if model.labels:
            told["probabilities"] = dict(zip(model.labels, probabilities[row], strict=True))
        lines.append(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
    return lines


class StandardOutput:
    """Lines on standard output, each in a write of its own, so that short ones are not mixed with those of others."""

    seconds = 0.0
    last_seconds = 2.0  # nobody may be reading

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor

    def write(self, samples: Sequence[Sample]) -> Iterator[int]:
        """Write samples.

        Raises:
            OSError: nobody reads any more.

        """
        for line in chain.from_iterable(lines_of(samples)):
            left = memoryview(line)
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # whoever started the server may have made it one that does not block
                    select.select([], [self._descriptor], [])
            yield 1


class LineFile:
    """Lines in a file. When it is full it becomes FILE.1, that FILE.2, and so on; the oldest is deleted."""

    seconds = 0.0
    last_seconds = 10.0

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Append to a file of whole lines; all files together have at most so many bytes.

        Raises:
            OSError: it cannot be written.

        """
        self._path = path
        self._most = most_bytes // FILES
        for each in map(self._older, range(FILES)):
            if each.is_file() and each.stat().st_size > self._most:  # the bound was larger before
                each.unlink()
        self._descriptor, self._size = self._open()

    def write(self, samples: Sequence[Sample]) -> Iterator[int]:
        """Write samples.

        Raises:
            OSError: they cannot be written; what there is of a line is taken back.

        """
        for lines in lines_of(samples):
            some = lines
            while some:
                fitting = self._fitting(some)
                if not fitting:
                    self._rotate()
                    fitting = self._fitting(some) or 1
                self._append(b"".join(some[:fitting]))
                yield fitting
                some = some[fitting:]

    def _fitting(self, lines: Sequence[bytes]) -> int:
        """Return how many lines the file has room for."""
        room = self._most - self._size
        for number, line in enumerate(lines):
            room -= len(line)
            if room < 0:
                return number
        return len(lines)

    def _append(self, content: bytes) -> None:
        if len(content) > self._most:
            raise OSError(None, "a line is longer than a file may be")
        try:
            self._write_all(content)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(content)

    def _write_all(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _rotate(self) -> None:
        for number in range(FILES - 2, -1, -1):
            with contextlib.suppress(FileNotFoundError):
                self._older(number).replace(self._older(number + 1))
        descriptor, size = self._open()
        os.close(self._descriptor)
        self._descriptor, self._size = descriptor, size

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _open(self) -> tuple[int, int]:
        """Return the file and its size, without half a line at its end."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK  # a pipe that nobody reads is not waited for
        descriptor = os.open(self._path, flags, FOR_THE_OWNER)
        try:
            _check_file(self._path)
            os.fchmod(descriptor, FOR_THE_OWNER)
            size = _whole_lines(descriptor)
            os.ftruncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor, size


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise OSError(None, "it is no file")


def _whole_lines(descriptor: int) -> int:
    """Return the size of a file up to the end of its last line."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - LONGEST_LINE)
    end = os.pread(descriptor, LONGEST_LINE, start).rfind(b"\n") + 1
    return start + end if end or not start else size
