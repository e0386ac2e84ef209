"""What is counted for Prometheus: requests and their duration, what models did for them, and what was refused."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from serve.admission import Admission
from serve.ended import Work
from serve.errors import OVERLOADS, REASONS
from serve.watcher import Watcher

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STAGE_SECONDS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, *SECONDS)
BATCH_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)
METHODS = frozenset({"GET", "HEAD", "POST"})
MOST_VERSIONS = 16  # of all models, that are counted apart; of more the one that came first is forgotten


class Buckets:
    """A histogram: how many values were up to each bound and above the one before it, or beyond all; and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass
class Worked:
    """What one version of a model did."""

    rows: int = 0
    waiting: Buckets = field(default_factory=lambda: Buckets(STAGE_SECONDS))
    decoding: Buckets = field(default_factory=lambda: Buckets(STAGE_SECONDS))
    inference: Buckets = field(default_factory=lambda: Buckets(STAGE_SECONDS))
    encoding: Buckets = field(default_factory=lambda: Buckets(STAGE_SECONDS))
    batches: Buckets = field(default_factory=lambda: Buckets(BATCH_ROWS))


class Metrics:
    """The counters of one application, for its event loop alone. No label can grow without bound."""

    def __init__(self, watcher: Watcher, admission: Admission) -> None:
        self.watcher = watcher
        self.admission = admission
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)  # by route, method and status
        self.durations: dict[str, Buckets] = defaultdict(lambda: Buckets(SECONDS))  # by route
        self.worked: dict[tuple[str, int], Worked] = {}  # by model and version
        self.refusals = dict.fromkeys((*OVERLOADS, *REASONS), 0)  # by reason

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request by the template of its path."""
        self.requests[route, method if method in METHODS else "other", status] += 1
        self.durations[route].add(seconds)

    def predicted(self, work: Work, together: int) -> None:
        """Count rows that a version answered; `together` is how many one run had, told once for each run."""
        worked = self.worked.get(work[:2]) or self._begin(*work[:2])
        worked.rows += work.rows
        worked.waiting.add(work.stages.waiting)
        worked.decoding.add(work.stages.decoding)
        worked.inference.add(work.stages.inference)
        worked.encoding.add(work.stages.encoding)
        if together:
            worked.batches.add(together)

    def _begin(self, model: str, version: int) -> Worked:
        if len(self.worked) >= MOST_VERSIONS:
            del self.worked[next(iter(self.worked))]
        return self.worked.setdefault((model, version), Worked())

    def refused(self, reason: str) -> None:
        """Count a request that was refused."""
        self.refusals[reason] += 1

    def overloads(self) -> dict[str, int]:
        """Return how many requests were refused because too much was asked, by reason."""
        return {reason: self.refusals[reason] for reason in OVERLOADS}
