"""From what a form was sent with, or a known row, to a row of values: what is wrong with it, and what is unusual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serve.errors import RequestError
from serve.page.fields import Field, Unreadable
from serve.signature import Signature, Value


@dataclass
class Reading:
    """Texts by a field's key as they stand in the form, the row that they mean, and what is said of each field."""

    texts: dict[str, str] = field(default_factory=dict)
    row: list[Value] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    places: dict[str, float] = field(default_factory=dict)
    general: str = ""
    truth: str = ""

    def refuse(self, error: RequestError, fields: Sequence[Field]) -> None:
        """Take the refusal of a row: at its column, where it names one."""
        column = error.where.get("column")
        expected = error.where.get("expected")
        sentence = str(error) + (f"; expected {expected}" if expected else "")
        sentence = f"{sentence[0].upper()}{sentence[1:]}."
        key = next((each.key for each in fields if each.name == column), None)
        if key:
            self.errors[key] = sentence
        else:
            self.general = sentence


def read(posted: Mapping[str, str], fields: Sequence[Field], signature: Signature) -> Reading:
    """Read a form; a field that was not sent is empty."""
    reading = Reading({each.key: posted.get(each.key, "") for each in fields})
    for index, each in enumerate(fields):
        vocabulary = signature.texts.get(index)
        value: Value = None
        try:
            value = each.read(reading.texts[each.key], vocabulary.other if vocabulary else "")
        except Unreadable as error:
            reading.errors[each.key] = str(error)
        reading.row.append(value)
        if warning := each.warning(value, vocabulary.known if vocabulary else frozenset()):
            reading.warnings[each.key] = warning
        if (place := each.place(value)) is not None:
            reading.places[each.key] = place
    return reading


def filled(row: Sequence[Value], fields: Sequence[Field]) -> dict[str, str]:
    """Return the texts that stand in the form for a row."""
    return {each.key: each.shown(value) for each, value in zip(fields, row, strict=True)}
