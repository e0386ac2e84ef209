"""Large bodies of JSON are decoded piece by piece, so that nobody else waits for the interpreter for long.

A list of numbers, or of rows of them, is cut between two of its members. Where each piece is such a list by itself, so
is the whole, and none of it is anything else: a comma or a bracket within a text would leave a piece that is no list of
numbers. Whatever is not taken here is left to who decodes it at once, and knows what is wrong with it.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

PIECE_BYTES = 64 * 2**10  # of JSON that are decoded at once, in less than a millisecond
_LONGEST_NUMBER = 32  # bytes; where numbers are longer there may be no cut, and the whole is left to others
_BEGIN = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"instances"[ \t\n\r]*:[ \t\n\r]*(?=\[)')
_END = re.compile(rb"(?<=\])[ \t\n\r]*\}[ \t\n\r]*\Z")
_LONGEST_END = 64  # bytes

Numbers = npt.NDArray[Any]


class JsonList(NamedTuple):
    """Where a list stands in a text, its brackets included."""

    text: bytes
    begin: int
    end: int


class NotTaken(Exception):
    """What was sent is no list of numbers, or not one that is found quickly."""


def instances_of(body: bytes) -> JsonList:
    """Return the list that is the only member of a body.

    Raises:
        NotTaken: the body has other members, or is something else.

    """
    begin, end = _BEGIN.match(body), _END.search(body, max(0, len(body) - _LONGEST_END))
    if not begin or not end:
        raise NotTaken
    return JsonList(body, begin.end(), end.start())


def numbers_in_pieces(
    given: JsonList, decoder: "msgspec.json.Decoder[Any]", dtype: npt.DTypeLike, width: int | None
) -> Iterator[Numbers]:
    """Yield the members of a list, [n, width] of rows, or [n] of numbers where the width is None.

    The `decoder` takes a list of what the members are, and nothing else.

    Raises:
        NotTaken: a member is something else, or not of the width, or its dtype does not hold a number.

    """
    separator = b"," if width is None else b"],"
    for piece in _pieces(given, separator, PIECE_BYTES + _LONGEST_NUMBER * (width or 1)):
        try:
            members = decoder.decode(piece)
            with np.errstate(over="ignore"):  # what is too large becomes infinite
                found = np.array(members, dtype)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError, TypeError):
            raise NotTaken from None
        if found.shape != ((len(members),) if width is None else (len(members), width)) or not len(found):
            raise NotTaken
        yield found


def _pieces(given: JsonList, separator: bytes, longest: int) -> Iterator[bytes]:
    """Yield a list as lists of some of its members each."""
    text, start, last = given.text, given.begin + 1, given.end - 1  # without the brackets
    while start <= last:
        found = text.find(separator, start + PIECE_BYTES, last)
        cut = last if found < 0 else found + len(separator) - 1
        if cut - start > longest:
            raise NotTaken
        yield b"[%b]" % text[start:cut]
        start = cut + 1
