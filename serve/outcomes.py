"""How a version's requests end, and whether a new one should give way to the version before it."""

import time
from dataclasses import dataclass, field

from serve.model import LoadedModel

FEWEST_REQUESTS = 20  # before a new version is judged: a single wrong caller must not undo a release
JUMP = 0.2  # more of the requests failing than before, as a share of all
RECENT_REQUESTS = 1_000  # the older version is known by about so many


@dataclass
class Outcomes:
    """Requests that a version answered, and those that failed where the version is to blame.

    To blame it is for errors of its own (500), and for values that are not rows of it (422): a version with other
    columns makes the requests of every client wrong.
    """

    ended: int = 0
    failed: int = 0
    recent_share: float = 0.0

    def add(self, requests: int = 1, *, failed: bool) -> None:
        """Count requests that ended in the same way."""
        for _ in range(requests):
            self.ended += 1
            self.failed += failed
            self.recent_share += (failed - self.recent_share) / min(self.ended, RECENT_REQUESTS)

    @property
    def share(self) -> float:
        """Return the share of all requests that failed."""
        return self.failed / self.ended if self.ended else 0.0


@dataclass
class Probation:
    """The time after a swap in which the version before is kept, to go back to it."""

    before: LoadedModel
    share_before: float
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Return whether the new version has stood its time."""
        return time.monotonic() - self.began > self.seconds

    def failed(self, outcomes: Outcomes) -> bool:
        """Return whether the new version's errors have jumped."""
        return outcomes.ended >= FEWEST_REQUESTS and outcomes.share > self.share_before + JUMP

    def verdict(self, outcomes: Outcomes) -> str:
        """Return why the new version gives way."""
        seconds = time.monotonic() - self.began
        return (
            f"{outcomes.share:.0%} of its {outcomes.ended} requests failed within {seconds:.1f} s, "
            f"against {self.share_before:.0%} before; back to version {self.before.version}"
        )
