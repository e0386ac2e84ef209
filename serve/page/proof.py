"""The proof that the export answers as the original does: one plain sentence, and the table beneath it."""

from dataclasses import dataclass

from model_repository import Manifest, RowSet
from serve.page.figures import counted, number


@dataclass(frozen=True)
class Proof:
    """What was compared with the original model, and how it came out."""

    sentence: str
    also: list[str]
    rows: list[list[str]]
    total: list[str]


def proof(manifest: Manifest) -> Proof:
    """Return the parity report for people."""
    parity, sets = manifest.parity, manifest.parity.row_sets
    total = RowSet(
        "all",
        sum(each.rows for each in sets),
        sum(each.label_differences for each in sets),
        sum(each.different_bits for each in sets),
        max((each.largest_difference for each in sets), default=0.0),
    )
    return Proof(
        f"Before it was published, this model answered {counted(total.rows, 'row')} beside its original "
        f"({parity.reference}): {_outcome(total, regression=not manifest.target.classes)}.",
        _also(manifest),
        [_line(each) for each in sets],
        _line(total),
    )


def _line(rows: RowSet) -> list[str]:
    counts = [f"{count:,}" for count in (rows.rows, rows.label_differences, rows.different_bits)]
    return [rows.name, *counts, number(rows.largest_difference)]


def _outcome(total: RowSet, *, regression: bool) -> str:
    """Say how the answers came out; of a regression differences are told in parts of the number."""
    if not total.label_differences and not total.different_bits:
        return "every answer is the same, to the last bit"
    if regression:
        return f"the largest difference is {number(total.largest_difference)} of the number"
    differ = f"{total.label_differences:,} labels differ" if total.label_differences else "no label differs"
    return f"{differ}, and the largest difference of a probability is {number(total.largest_difference)}"


def _also(manifest: Manifest) -> list[str]:
    parity, also = manifest.parity, []
    if parity.same_bits_alone_and_in_a_batch:
        also.append("A row has the same answer alone and among others.")
    if parity.same_bits_with_threads:
        threads = ", ".join(map(str, parity.same_bits_with_threads))
        also.append(f"The answers are the same with {threads} threads.")
    if parity.missing_values_proved:
        also.append("Rows with missing values were compared, too.")
    return also
