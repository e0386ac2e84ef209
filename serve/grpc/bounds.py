"""A look at a large message before it is decoded: what takes two bytes in it may take eighty once it is decoded.

Only what lies around the values is looked at: the fields of the message, of its inputs, and of their contents.
https://protobuf.dev/programming-guides/encoding/ tells how they are written.
"""

from collections.abc import Iterator

from serve.errors import Malformed, TooLarge
from serve.signature import Signature

UNREADABLE = "the message cannot be read; expected one of the Open Inference Protocol"
SMALL_MESSAGE = 2**16  # bytes; what it takes in memory is no harm
_FIELDS, _FIELDS_A_COLUMN = 64, 16  # around the values; far more than clients need
_LONGEST_SHAPE, _LONGEST_VALUE = 64, 10  # bytes
_INPUTS, _SHAPE, _CONTENTS, _TEXTS = 5, 3, 5, 8  # the numbers of fields
_NUMBER, _OF_ANY_LENGTH = 0, 2  # kinds in which fields are written
_BYTES_OF = {1: 8, 5: 4}  # of what is written with a fixed length, by their kind


class Bounds:
    """How much a message for a model may have of what."""

    def __init__(self, signature: Signature, max_rows: int) -> None:
        """Take what is needed for that many rows."""
        columns, texts = len(signature.names), len(signature.texts)
        self._fields_left = _FIELDS + _FIELDS_A_COLUMN * columns + max_rows * texts
        self._longest_numbers = _LONGEST_VALUE * max_rows * columns
        self._refusal = f"too many values for the rows; at most {max_rows} rows of {columns} are answered at once"

    def check(self, message: bytes) -> None:
        """Refuse a ModelInferRequest with more.

        Raises:
            TooLarge: it has more fields or longer ones than the rows need.
            Malformed: it is no message.

        """
        for number, start, end in self._fields(message, 0, len(message)):
            if number == _INPUTS:
                self._check_input(message, start, end)

    def _check_input(self, message: bytes, start: int, end: int) -> None:
        for number, begin, stop in self._fields(message, start, end):
            if number == _SHAPE and stop - begin > _LONGEST_SHAPE:
                raise TooLarge(self._refusal)
            if number == _CONTENTS:
                for kind, first, last in self._fields(message, begin, stop):
                    if kind != _TEXTS and last - first > self._longest_numbers:
                        raise TooLarge(self._refusal)

    def _fields(self, message: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the number of each field with where its content begins and ends."""
        while start < end:
            self._fields_left -= 1
            if self._fields_left < 0:
                raise TooLarge(self._refusal)
            tag, start = _varint(message, start)
            kind = tag & 7
            length = _BYTES_OF.get(kind, 0)
            if kind == _OF_ANY_LENGTH:
                length, start = _varint(message, start)
            elif kind == _NUMBER:
                length = _varint(message, start)[1] - start
            elif not length:
                raise Malformed(UNREADABLE)
            stop = start + length
            yield tag >> 3, start, stop
            start = stop


def _varint(message: bytes, start: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, least first, and where it ends."""
    value = shift = 0
    for position in range(start, min(start + 10, len(message))):
        byte = message[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    raise Malformed(UNREADABLE)
