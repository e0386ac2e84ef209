"""The second step: a type for each column, with what is worth saying of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from train.errors import BadData
from train.schema import Field
from train.tables.cells import number
from train.tables.choices import Choices
from train.tables.limits import FEW_TEXTS, LEAST_ROWS, MOST_CATEGORIES
from train.tables.sources import Source, option
from train.tables.survey import Facts, Survey

DATE = re.compile(r"(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}/\d{1,2}/\d{1,2})([ T].*)?")
COMMAS = re.compile(r"[+-]?\d[\d.]*,\d+")
MONEY = "[$\N{EURO SIGN}\N{POUND SIGN}\N{YEN SIGN}%]?"
DRESSED = re.compile(rf"{MONEY}\s?[+-]?{MONEY}(\d{{1,3}}([.,'\s]\d{{3}})+|\d+)([.,]\d+)?\s?{MONEY}")


@dataclass(frozen=True)
class Column:
    """A column to train on: its field, and notes for people."""

    field: Field
    notes: tuple[str, ...] = ()


def columns(source: Source, names: Sequence[str], seen: Survey, choices: Choices) -> list[Column]:
    """Choose the types of the columns to train on.

    Raises:
        BadData: a column cannot be used as it is; says where, and what can be done.

    """
    if seen.rows < LEAST_ROWS:
        raise BadData(f"{source.path}: {seen.rows} rows are too few; at least {LEAST_ROWS} are needed")
    return [_column(source, name, seen, choices) for name in names]


def is_text(source: Source, name: str, facts: Facts) -> bool:
    """Say whether a column is one of texts, if nobody says otherwise."""
    return source.kind(name) == "texts" or facts.no_numbers.count > 0


def categories(facts: Facts) -> tuple[str, ...]:
    """Return the sorted texts of a column, with the empty one if any is missing."""
    return tuple(sorted(facts.texts | ({""} if facts.missing.count else set())))


def strangers(source: Source, facts: Facts) -> str:
    """Return how many values of a column are no numbers, and where the first is."""
    count = facts.no_numbers.count
    values = "1 value that is no number," if count == 1 else f"{count:,} values that are no numbers, the first"
    return f"{values} in {source.place(facts.no_numbers.first)}"


def _column(source: Source, name: str, seen: Survey, choices: Choices) -> Column:
    facts = seen.facts[name]
    if facts.missing.count == seen.rows:
        raise BadData(f"{source.path}: all values of column {name} are missing ({option('--drop', name)})")
    if name in choices.numeric and facts.no_numbers.count:
        raise BadData(f"{source.path}: column {name} is --numeric and has {strangers(source, facts)}")
    if name not in choices.categorical and (name in choices.numeric or not is_text(source, name, facts)):
        return Column(Field(name), ("true is 1, false is 0",) if facts.booleans else ())
    _check_categories(source, name, seen, forced=name in choices.categorical)
    return Column(Field(name, categories(facts)), _text_notes(source, name, seen))


def _check_categories(source: Source, name: str, seen: Survey, *, forced: bool) -> None:
    facts = seen.facts[name]
    each_its_own = len(facts.texts) > max(FEW_TEXTS, (seen.rows - facts.missing.count) / 2) and not forced
    if not facts.many and not each_its_own:
        return
    found = f"more than {MOST_CATEGORIES:,}" if facts.many else f"{len(facts.texts):,}"
    drop = option("--drop", name)
    way_out = drop + ("" if facts.many else f", or {option('--categorical', name)} to keep it")
    if _few_strangers(facts, seen.rows) and source.kind(name) == "cells":
        reason = f"column {name} is one of texts because of {strangers(source, facts)}, and has {found} different texts"
        raise BadData(f"{source.path}: {reason}; mend the file, or {drop}")
    raise BadData(
        f"{source.path}: column {name} has {found} different texts in {seen.rows:,} rows, which are no categories"
        f"{_looks(facts)} ({way_out})"
    )


def _few_strangers(facts: Facts, rows: int) -> bool:
    return 0 < facts.no_numbers.count < (rows - facts.missing.count) / 2


def _looks(facts: Facts) -> str:
    if _dates(facts):
        return "; they look like dates, which can split the rows (--time) but not be trained on"
    return f"; {numbers}, and a plain one with a point is expected" if (numbers := _dressed(facts)) else ""


def _dates(facts: Facts) -> bool:
    return all(DATE.fullmatch(text) for text in facts.texts)


def _dressed(facts: Facts) -> str:
    """Say in which dress the texts of a column look like numbers; nothing if they do not."""
    dressed = {text for text in facts.texts if number(text) is None}
    if not dressed or not all(map(DRESSED.fullmatch, dressed)):
        return ""
    commas = all(map(COMMAS.fullmatch, dressed))
    return f"they look like numbers with {'a comma' if commas else 'signs, spaces or commas'}"


def _text_notes(source: Source, name: str, seen: Survey) -> tuple[str, ...]:
    facts = seen.facts[name]
    if facts.no_numbers.count == 0:
        return ("true and false as texts",) if facts.booleans else ("all are numbers",)
    if _dates(facts):
        return ("they look like dates",)
    few = source.kind(name) == "cells" and _few_strangers(facts, seen.rows)
    because = f"texts because of {strangers(source, facts)}" if few else ""
    return tuple(note for note in (because, _dressed(facts)) if note)
