"""How fast requests come and how fast they are answered: whether it is too much, and when it is worth coming again."""

import math
from dataclasses import dataclass, field

WINDOW_SECONDS = 0.1
WINDOW_REQUESTS = 16  # a window lasts until so many were answered, but no longer than a second
EXCESS = 1.25  # rows that come for each one answered
SMOOTHING = 0.1  # the share of the newest request in the mean time
LONGEST_RETRY = 60  # seconds


@dataclass
class Window:
    """What happened in a short time; times are those of time.monotonic()."""

    began: float = 0.0
    rows_arrived: int = 0
    rows_answered: int = 0
    answered: int = 0
    refused: int = 0

    def over(self, now: float) -> bool:
        """Return whether enough has happened to judge by."""
        lasted = now - self.began
        return lasted >= 1 or (lasted >= WINDOW_SECONDS and self.answered >= WINDOW_REQUESTS)


@dataclass
class Pace:
    """The pace of one lane.

    It is overloaded from when requests were refused, or more came than were answered in two windows in a row while a
    queue stood, until a window in which neither was so.
    """

    overloaded: bool = False
    request_seconds: float = 0.0
    rows_per_second: float = 0.0
    _window: Window = field(default_factory=Window)
    _excessive: int = 0
    _rows_refused: float = 0.0  # in about the last second: it decays
    _refused_at: float = 0.0

    def arrived(self, rows: int, now: float, *, standing: bool) -> None:
        """Count a request, before which others were waiting or not."""
        if self._window.over(now):
            self._judge(now, standing)
        self._window.rows_arrived += rows

    def answered(self, rows: int, seconds: float) -> None:
        """Count an answer that took so many seconds to work out."""
        self._window.rows_answered += rows
        self._window.answered += 1
        share = SMOOTHING if self.request_seconds else 1.0
        self.request_seconds += share * (seconds - self.request_seconds)

    def refused(self, rows: int, rows_before: int, now: float) -> int:
        """Count a request that is refused while so many rows are before it; return in how many seconds to come again.

        By then, at the rate that was measured, those before it are answered, and so are those which were refused
        within the last second, if all of them come back.
        """
        self._window.refused += 1
        self._rows_refused = self._rows_refused * math.exp(self._refused_at - now) + rows
        self._refused_at = now
        if not self.rows_per_second:
            return 1
        return min(LONGEST_RETRY, max(1, math.ceil((self._rows_refused + rows_before) / self.rows_per_second)))

    def _judge(self, now: float, standing: bool) -> None:
        window = self._window
        excess = standing and window.rows_arrived > EXCESS * window.rows_answered
        self._excessive = self._excessive + 1 if excess else 0
        self.overloaded = window.refused > 0 or self._excessive > 1
        if standing and window.rows_answered:
            self.rows_per_second = window.rows_answered / (now - window.began)
        self._window = Window(began=now)
