"""Rows to try with one click: held-out rows with what they truly are, or else golden rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_repository import Example, Manifest, Target
from serve.page.fields import Field
from serve.page.figures import number
from serve.page.reading import filled
from serve.signature import Signature, Value

MOST_ROWS = 8


@dataclass(frozen=True)
class KnownRow:
    """A row as it stands in the form, a short name for it, and a sentence about what it is."""

    texts: dict[str, str]
    label: str
    truth: str


def known_rows(manifest: Manifest, fields: Sequence[Field], signature: Signature) -> list[KnownRow]:
    """Return rows to try; golden rows only where training kept no examples."""
    rows, sentence = manifest.examples, "A held-out row. Truly: {}."
    if not rows:
        golden = zip(manifest.golden.rows, manifest.golden.labels, strict=True)
        rows, sentence = [Example(*each) for each in golden], "A row of the proof. The original model answered: {}."
        rows.sort(key=lambda each: _surprises(each.row, fields, signature))
    return [_known(each, manifest.target, fields, sentence) for each in rows[:MOST_ROWS]]


def _known(example: Example, target: Target, fields: Sequence[Field], sentence: str) -> KnownRow:
    texts = filled(example.row, fields)
    if example.target is None:
        return KnownRow(texts, "a row", "A row of the sample. What it truly is, is not known.")
    names = dict[object, str](zip(target.classes, target.names, strict=True))
    label = names[example.target] if target.classes else number(float(example.target))
    return KnownRow(texts, label, sentence.format(label))


def _surprises(row: Sequence[Value], fields: Sequence[Field], signature: Signature) -> int:
    """Count the values that are missing, unknown, or outside of what training saw."""
    none: frozenset[str] = frozenset()
    known = [signature.texts[index].known if index in signature.texts else none for index in range(len(fields))]
    unusual = sum(bool(each.warning(value, texts)) for each, value, texts in zip(fields, row, known, strict=True))
    return unusual + list(row).count(None)
