"""Square plots of shares or numbers against each other: where each point lies in a picture, and a table of the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from serve.page.figures import number

LEFT, TOP, SIDE = 50.0, 8.0, 192.0  # of the drawing, in units of a picture of 252 wide and 240 high
MOST_TABLE_ROWS = 24


@dataclass(frozen=True)
class Plot:
    """A picture, its text alternative, and its numbers. Coordinates are in units of a picture of 252 by 240."""

    title: str
    summary: str
    horizontal: str
    vertical: str
    ticks: list[tuple[float, float, str]]  # where on the horizontal axis, where on the vertical one, and the text
    curve: str = ""
    dots: list[tuple[float, float, float]] = field(default_factory=list)  # x, y and radius
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class Square:
    """Two axes with the same range of values."""

    def __init__(self, low: float, high: float) -> None:
        self._low = low
        self._span = (high - low) or 1.0
        marks = [low + self._span * part / 4 for part in range(5)]
        self.ticks = [(self.x(mark), self.y(mark), number(mark)) for mark in marks]

    def x(self, value: float) -> float:
        """Return where a value lies from left to right."""
        return round(LEFT + SIDE * (value - self._low) / self._span, 1)

    def y(self, value: float) -> float:
        """Return where a value lies from top to bottom."""
        return round(TOP + SIDE * (1 - (value - self._low) / self._span), 1)

    def curve(self, horizontal: Sequence[float], vertical: Sequence[float]) -> str:
        """Return a path through points."""
        points = dict.fromkeys(f"{self.x(x):g} {self.y(y):g}" for x, y in zip(horizontal, vertical, strict=True))
        return "M" + "L".join(points)


def table(columns: Sequence[Sequence[float]], shown: Callable[[float], str] = number) -> list[list[str]]:
    """Return rows of a table, evenly thinned where there are many; the first and the last stay."""
    rows = list(zip(*columns, strict=True))
    if len(rows) > MOST_TABLE_ROWS:
        step = (len(rows) - 1) / (MOST_TABLE_ROWS - 1)
        rows = [rows[round(place * step)] for place in range(MOST_TABLE_ROWS)]
    return [[shown(value) for value in row] for row in rows]
