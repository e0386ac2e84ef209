"""What the log says in overload: at most one line every ten seconds, however many requests are refused."""

import logging
from collections.abc import Callable, Mapping

log = logging.getLogger("copse")

QUIET_SECONDS = 10.0


class OverloadLog:
    """Tells how many requests were refused since the last line, by reason, and once that it is over."""

    def __init__(self, refused: Callable[[], Mapping[str, int]]) -> None:
        """Take how to learn how many were refused since the start, by reason."""
        self._refused = refused
        self._told = dict(refused())
        self._told_at: float | None = None  # while it lasts

    def look(self, now: float) -> None:
        """Say what is due at this time, in seconds of any clock that does not go back."""
        if self._told_at is not None and now - self._told_at < QUIET_SECONDS:
            return
        since = self._since_last_told()
        if since:
            reasons = ", ".join(f"{count} {reason}" for reason, count in since.items())
            log.warning("overload: %d requests were refused (%s)", sum(since.values()), reasons)
            self._told_at = now
        elif self._told_at is not None:
            log.info("overload is over: no request was refused for %.0f s", now - self._told_at)
            self._told_at = None

    def _since_last_told(self) -> dict[str, int]:
        total = dict(self._refused())
        since = {reason: count - self._told.get(reason, 0) for reason, count in total.items()}
        self._told = total
        return {reason: count for reason, count in since.items() if count}
