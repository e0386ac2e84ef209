"""What is kept of a request and its answers, and what may be written of a model's columns."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from serve.blocks import joined
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs, MixedRows, Rows

HASH_CHARACTERS = 32  # of the digest in hexadecimal, 128 bits: no two of 10^15 values are alike by chance
BYTES_OF_A_ROW, BYTES_OF_A_TEXT = 128, 64  # about what they take beside their values, in bytes

Values = Rows | list[str | None]  # of one column; a missing number is NaN


@dataclass(frozen=True)
class Policy:
    """Columns whose values are not written, and those of which only a keyed hash is."""

    excluded: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()
    key: bytes = b""

    @property
    def named(self) -> frozenset[str]:
        """Return all columns that are not to be written as they are."""
        return self.excluded | self.hashed

    def hash(self, value: str) -> str:
        """Return what is written in place of a value: the same for equal values, as long as the key is the same."""
        return hmac.digest(self.key, value.encode(), "sha256").hex()[:HASH_CHARACTERS]


class _Kept(NamedTuple):
    """A column that is written: where its values are in the rows, and how they are written."""

    name: str
    position: int
    text: bool
    hashed: bool


class LoggedModel:
    """What the log needs to know of a version; it does not keep the version in memory."""

    def __init__(self, model: LoadedModel, policy: Policy) -> None:
        signature = model.signature
        positions = {index: position for position, index in enumerate(signature.numbers)}
        positions |= {index: position for position, index in enumerate(signature.texts)}
        self.name, self.version = model.name, model.version
        self.labels = [str(label) for label in model.classes] if model.manifest.target.probabilities else []
        self.lacks = policy.named - signature.by_name.keys()
        self._policy = policy
        self._kept = [
            _Kept(name, positions[index], index in signature.texts, name in policy.hashed)
            for index, name in enumerate(signature.names)
            if name not in policy.excluded
        ]
        longest = [max(map(len, each.known), default=0) for each in signature.texts.values()]
        texts = sum(4 * length + BYTES_OF_A_TEXT for length in longest)
        self.row_bytes = BYTES_OF_A_ROW + 4 * (len(signature.numbers) + len(self.labels)) + texts

    def columns(self, rows: Inputs) -> dict[str, Values]:
        """Return the columns that are written, by name and in their order, each with a value a row."""
        return {each.name: self._values(each, rows) for each in self._kept}

    def _values(self, column: _Kept, rows: Inputs) -> Values:
        if column.text and isinstance(rows, MixedRows):
            texts = [text or None for text in rows.texts[:, column.position].tolist()]
            return self._hashed(texts) if column.hashed else texts
        numbers = (rows.numbers if isinstance(rows, MixedRows) else rows)[:, column.position]
        return self._hashed(_texts_of(numbers)) if column.hashed else numbers

    def _hashed(self, values: list[str | None]) -> list[str | None]:
        hashes = {value: None if value is None else self._policy.hash(value) for value in set(values)}
        return [hashes[value] for value in values]


class Sample(NamedTuple):
    """Rows of one request, at least 1, with their answers."""

    model: LoggedModel
    time: float  # seconds since the epoch
    request_id: str
    rows: Inputs
    answers: Answers
    first: int = 0  # the number of its first row in the request

    @property
    def bytes(self) -> int:
        """Return about how many bytes it takes."""
        return len(self.rows) * self.model.row_bytes

    @property
    def moment(self) -> datetime:
        """Return when the answer was given."""
        return datetime.fromtimestamp(self.time, UTC)

    def parts(self, most_bytes: int) -> Iterator["Sample"]:
        """Yield it in parts of about so many bytes."""
        step = max(1, most_bytes // self.model.row_bytes)
        for start in range(0, len(self.rows), step):
            part = slice(start, start + step)
            answers = self.answers[0][part], self.answers[1][part]
            yield self._replace(rows=self.rows[part], answers=answers, first=self.first + start)


class Table(NamedTuple):
    """Samples of one version, row below row."""

    columns: dict[str, Values]
    labels: npt.NDArray[np.generic]  # [n], of a regression float32 predictions
    probabilities: npt.NDArray[np.float32]  # [n, classes or 0]


def table_of(samples: Sequence[Sample]) -> Table:
    """Return samples of one version, at least 1, as one table."""
    labels = np.concatenate([sample.answers[0] for sample in samples])
    probabilities = np.concatenate([sample.answers[1] for sample in samples])
    return Table(samples[0].model.columns(joined([sample.rows for sample in samples])), labels, probabilities)


def sample_of(model: LoggedModel, time: float, request_id: str, rows: Inputs, answers: Answers) -> Sample:
    """Return a sample of its own arrays, so that it keeps no body and no larger array alive."""
    own = MixedRows(rows.numbers.copy(), rows.texts.copy()) if isinstance(rows, MixedRows) else rows.copy()
    return Sample(model, time, request_id, own, (answers[0].copy(), answers[1].copy()))


def short_numbers(values: npt.NDArray[Any]) -> list[Any]:
    """Return float32 as floats that are written as the shortest number which reads back the same: 0.1. NaN is None."""
    found: list[Any] = orjson.loads(orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY))
    return found


def _texts_of(numbers: Rows) -> list[str | None]:
    """Return the text of each number that is hashed: as Python writes it, and 0.0 for -0.0, which equals it."""
    return [None if number is None else repr(number + 0.0) for number in short_numbers(numbers)]
