"""How fast one lane answers, whether it refuses, and when it is worth coming again."""

import math
from dataclasses import dataclass

CALM_SECONDS = 0.25  # without a refusal, after which overload is over
WINDOW_SECONDS = 0.1  # over which the rate is measured, or until an answer where none came
SMOOTHING = 0.1  # the share of the newest request in the mean time
LONGEST_RETRY = 60  # seconds


@dataclass
class Pace:
    """Measured while requests wait: only then is the rate of answers what can be answered. Times are monotonic."""

    request_seconds: float = 0.0  # to work out one answer
    rows_per_second: float = 0.0  # while busy; 0 until it was measured
    _began: float = -math.inf
    _rows: int = 0
    _refused_at: float = -math.inf
    _rows_refused: float = 0.0  # in about the last second: it decays

    def overloaded(self, now: float) -> bool:
        """Return whether a request was refused a moment ago."""
        return now - self._refused_at < CALM_SECONDS

    def answered(self, requests: int, rows: int, seconds: float, now: float, *, standing: bool) -> None:
        """Count requests, and their rows, that together took so many seconds to work out, and whether others wait."""
        share = 1 - (1 - SMOOTHING) ** requests if self.request_seconds else 1.0
        self.request_seconds += share * (seconds / requests - self.request_seconds)
        self._rows += rows
        elapsed = now - self._began
        busy = standing or self.overloaded(now)
        if busy and elapsed < WINDOW_SECONDS:
            return
        if busy and math.isfinite(elapsed):
            self.rows_per_second = self._rows / elapsed
        self._began, self._rows = (now if busy else -math.inf), 0

    def refused(self, rows: int, rows_before: int, now: float) -> int:
        """Count a request that is refused while so many rows are before it; return in how many seconds to come again.

        By then, at the rate that was measured, those before it are answered, and so are those which were refused
        within the last second, if all of them come back.
        """
        decay = math.exp(self._refused_at - now)
        self._rows_refused = self._rows_refused * decay + rows
        self._refused_at = now
        if not self.rows_per_second:
            return 1
        return min(LONGEST_RETRY, max(1, math.ceil((self._rows_refused + rows_before) / self.rows_per_second)))
