"""How the last rows look beside those of the training: bars side by side, and a table of the same."""

from dataclasses import dataclass
from itertools import pairwise

from model_repository import Target
from serve.drift.bins import FIRST, MISSING, OUTSIDE, Bins
from serve.drift.monitor import Compared, Drift
from serve.drift.stability import SHIFTED, STEADY
from serve.drift.window import WINDOW
from serve.page.figures import brief, counted, number, percent

MOST_FIGURES = 12  # with the predictions; the other columns stand in a table
MOST_ROWS = 100  # of that table
MOST_NAMED = 5
PREDICTIONS = "Predictions"


@dataclass(frozen=True)
class Figure:
    """A column, or the predictions: verdict and pairs of bars. The paths are in a box 3 wide for each bin, 1 high."""

    title: str
    verdict: str
    level: str
    text: str
    training: str
    live: str
    bins: int
    first: str
    last: str
    rows: list[tuple[str, str, str]]  # each bin, its share in training, and now


@dataclass(frozen=True)
class Drifted:
    """All that is shown of drift."""

    sentence: str
    figures: list[Figure]
    others: list[tuple[str, str, str]]  # name, verdict, what else is to be said
    left_out: int


def drifted(drift: Drift, target: Target) -> Drifted:
    """Return what is shown of the last rows, of which there may be none."""
    if not drift.rows:
        return Drifted(f"No row was answered yet. The last {WINDOW} will stand here beside the training's.", [], [], 0)
    ordered = sorted(drift.columns, key=lambda each: -each.index)
    named = [(each.bins.name, each) for each in ordered]
    figures, found = [], drift.prediction
    if found:
        figures.append(_figure(PREDICTIONS, found, _answer_names(found.bins, target), ""))
        named.insert(0, (PREDICTIONS, found))
    shown = MOST_FIGURES - len(figures)
    figures += [_figure(each.bins.name, each, _names(each.bins), _beside(each)) for each in ordered[:shown]]
    others = ordered[shown:]
    listed = [(each.bins.name, _verdict(each.index), _beside(each)) for each in others[:MOST_ROWS]]
    shifted = [name for name, each in named if level(each.index) == "shifted"]
    return Drifted(_sentence(drift.rows, shifted), figures, listed, max(0, len(others) - MOST_ROWS))


def level(index: float) -> str:
    """Return in a word what an index means."""
    return "steady" if index < STEADY else "changed" if index <= SHIFTED else "shifted"


def _sentence(rows: int, shifted: list[str]) -> str:
    more = f" and {len(shifted) - MOST_NAMED} more" if len(shifted) > MOST_NAMED else ""
    found = f"Shifted: {', '.join(shifted[:MOST_NAMED])}{more}." if shifted else "Nothing has shifted."
    filled = "" if rows == WINDOW else f" As long as they are fewer than {WINDOW}, an index is lower than it will be."
    return f"The last {counted(rows, 'row')} beside those of the training. {found}{filled}"


def _verdict(index: float) -> str:
    return f"{level(index)}, index {index:.2f}"


def _beside(compared: Compared) -> str:
    """Return what share of the values training did not see the like of, and what share is missing."""
    unseen = f"{percent(compared.unseen)} {'unknown' if compared.bins.texts else 'out of range'}"
    missing = f"{percent(compared.missing)} missing"
    return ", ".join([unseen] * (compared.unseen > 0) + [missing] * (compared.missing > 0))


def _figure(title: str, compared: Compared, names: dict[int, str], beside: str) -> Figure:
    """Draw the bins that have a name, in that order."""
    training, live = ([shares[code] for code in names] for shares in (compared.training, compared.live))
    highest, texts = max(*training, *live, 1e-9), [*names.values()]
    return Figure(
        title,
        _verdict(compared.index),
        level(compared.index),
        beside,
        _bars([share / highest for share in training], 0),
        _bars([share / highest for share in live], 1),
        len(names),
        texts[0],
        texts[-1],
        [(name, percent(before), percent(now)) for name, before, now in zip(texts, training, live, strict=True)],
    )


def _bars(heights: list[float], shift: int) -> str:
    """Return a path of bars 1 wide; each begins 3 after the one before it."""
    return "".join(
        f"M{3 * place + shift} 1v{-height:.3g}h1V1z" for place, height in enumerate(heights) if height > 0.0005
    )


def _names(bins: Bins) -> dict[int, str]:
    """Return the names of a column's bins by their codes, in the order in which they are shown."""
    possible = {code for code, rows in enumerate(bins.training) if rows is not None}
    names = _text_names(bins) if bins.texts else _number_names(bins)
    return {code: name for code, name in (names | {MISSING: "missing"}).items() if code in possible}


def _text_names(bins: Bins) -> dict[int, str]:
    known = {code: str(text) for text, code in bins.codes.items() if code != MISSING}
    several = len(bins.codes) - 1 > bins.last - FIRST + 1
    return known | ({bins.last: "all others"} if several else {}) | {OUTSIDE: "unknown"}


def _number_names(bins: Bins) -> dict[int, str]:
    low, *inner, high = bins.boundaries
    if low == high:
        return {len(bins.boundaries) + OUTSIDE: "a number"}
    edges = [low, *inner, high]
    between = [_between(first, second) for first, second in pairwise(edges)]
    below, above = f"below {brief(low)}", f"above {brief(high)}"
    return dict(enumerate([below, *between, above], OUTSIDE))


def _between(low: float, high: float) -> str:
    first, second = brief(low), brief(high)
    return first if first == second else f"{first} to {second}"


def _answer_names(bins: Bins, target: Target) -> dict[int, str]:
    """Return the names of the bins of the predictions by their codes."""
    if target.classes:
        return dict(enumerate(target.names, FIRST))
    edges = bins.boundaries
    between = [_between(first, second) for first, second in pairwise(edges)]
    return dict(enumerate([f"below {number(edges[0])}", *between, f"from {number(edges[-1])} on"], OUTSIDE))
