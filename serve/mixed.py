"""Rows that hold texts, column by column: each value of its column's kind, and each text one that is answered."""

from collections.abc import Sequence

from serve.errors import WrongValues
from serve.onnx_runtime import MixedRows
from serve.signature import Signature, Value, Vocabulary

MOST_LISTED = 10  # categories that an error names
LONGEST_LIST = 300  # characters of them


def mixed_rows(rows: Sequence[Sequence[Value]], signature: Signature, *, single: bool) -> MixedRows:
    """Return rows, at least 1, in the order of the columns as arrays.

    Raises:
        WrongValues: a value is of the wrong kind, or a text is missing or unknown where none may be.

    """
    columns: list[Sequence[Value]] = list(zip(*rows, strict=True))
    try:
        for index in signature.numbers:
            _check_kind(columns[index], str, "a value is text", "a number")
    except _WrongAt as wrong:
        raise wrong.told(signature.names[index], single=single) from None
    return mixed_columns(columns, signature, single=single)


def mixed_columns(columns: list[Sequence[Value]], signature: Signature, *, single: bool) -> MixedRows:
    """Return columns, each with a value a row, as arrays; those of numbers hold no texts. The list is changed.

    Raises:
        WrongValues: a number stands for a text, or a text is missing or unknown where none may be.

    """
    try:
        for index, vocabulary in signature.texts.items():
            columns[index] = _texts(columns[index], vocabulary)
    except _WrongAt as wrong:
        raise wrong.told(signature.names[index], single=single) from None
    return signature.mixed(columns)


def expected_texts(vocabulary: Vocabulary) -> str:
    """Return which texts a column takes: all that training saw where they are few; none of them was sent."""
    texts = vocabulary.categories
    listed = ", ".join(f'"{text}"' for text in texts)
    if len(texts) <= MOST_LISTED and len(listed) <= LONGEST_LIST:
        return f"one of {listed}" if texts else "null"
    return f"one of the {len(texts)} categories that training saw; see GET /"


class _WrongAt(Exception):
    """What is wrong in a column, and in which row."""

    def __init__(self, row: int, sentence: str, expected: str) -> None:
        self.row, self.sentence, self.expected = row, sentence, expected

    def told(self, column: str, *, single: bool) -> WrongValues:
        """Return the error that says so; of a single row no number is told."""
        where = {} if single else {"row": self.row}
        return WrongValues(self.sentence, **where, column=column, expected=self.expected)


def _check_kind(values: Sequence[Value], wrong: type, sentence: str, expected: str) -> None:
    """Refuse values of a wrong kind; typed decoding has left only float, str and None."""
    kinds = [*map(type, values)]
    if wrong in kinds:
        raise _WrongAt(kinds.index(wrong), sentence, expected)


def _texts(values: Sequence[Value], vocabulary: Vocabulary) -> Sequence[Value]:
    """Return a column's texts: the empty text for one that is missing, and for each that is unknown the same one.

    So the graph is given only texts that it was proved with.
    """
    _check_kind(values, float, "a value is a number", "a text")
    if vocabulary.known.issuperset(values):
        return values
    texts = [value or "" for value in values]
    for row, text in enumerate(texts):
        if text in vocabulary.known:
            continue
        if not text:
            raise _WrongAt(row, "a value is missing; training saw none missing here", "a text")
        if not vocabulary.column.unknown:
            raise _WrongAt(row, "a text is no category that training saw", expected_texts(vocabulary))
    return [text if text in vocabulary.known else vocabulary.other for text in texts]
