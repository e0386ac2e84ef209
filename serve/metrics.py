"""What is counted for Prometheus: requests and their duration, what models did for them, and what was refused."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from serve.admission import Admission
from serve.ended import Stages
from serve.errors import OVERLOADS, REASONS
from serve.watcher import Watcher

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STAGE_SECONDS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, *SECONDS)
BATCH_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)
METHODS = frozenset({"GET", "HEAD", "POST"})
MOST_NOT_SORTED = 1024  # requests whose times are put into buckets together, in about 0.2 ms
MOST_GONE = 16  # versions that serve no more and are still counted; those that came first are forgotten


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

    def add_all(self, values: npt.NDArray[np.float64]) -> None:
        """Count many values [n], in a tenth of the time."""
        added = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [count + more for count, more in zip(self.counts, added.tolist(), strict=True)]
        self.total += float(values.sum())


class Worked:
    """What one version of a model did. Times are put into their buckets when many have come, or when asked for."""

    def __init__(self) -> None:
        self.rows = 0
        self._stages = [Buckets(STAGE_SECONDS) for _ in Stages._fields]
        self._batches = Buckets(BATCH_ROWS)
        self._came: list[float] = []  # of each request its stages; a tuple for each would wake the garbage collector
        self._came_together: list[int] = []

    def add(self, rows: int, stages: tuple[float, float, float, float], together: int) -> None:
        """Count the rows of a request, the seconds of its stages, and the rows of the run that answered it, or 0."""
        self.rows += rows
        self._came += stages
        if together:
            self._came_together.append(together)
        if len(self._came) >= MOST_NOT_SORTED * len(self._stages):
            self._sort()

    def stages(self) -> Iterator[tuple[str, Buckets]]:
        """Yield the seconds of requests in each stage."""
        self._sort()
        yield from zip(Stages._fields, self._stages, strict=True)

    def batches(self) -> Buckets:
        """Return the rows of each run."""
        self._sort()
        return self._batches

    def _sort(self) -> None:
        came = np.array(self._came).reshape(-1, len(self._stages))
        for stage, seconds in zip(self._stages, came.T, strict=True):
            stage.add_all(seconds)
        self._batches.add_all(np.array(self._came_together, np.float64))
        self._came, self._came_together = [], []


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

    def turned_away(self, route: str, method: str, status: int, reason: str) -> None:
        """Count a request that was refused by its head alone; it took no time that would tell anything."""
        self.requests[route, method, status] += 1
        self.refused(reason)

    def of(self, model: str, version: int) -> Worked:
        """Return what a version did, to be added to."""
        return self.worked.get((model, version)) or self._begin(model, version)

    def _begin(self, model: str, version: int) -> Worked:
        serving = {(slot.name, slot.serving.version) for slot in self.watcher.slots.values() if slot.serving}
        gone = [key for key in self.worked if key not in serving]
        for key in gone[: 1 - MOST_GONE]:
            del self.worked[key]
        return self.worked.setdefault((model, version), Worked())

    def refused(self, reason: str) -> None:
        """Count a request that was refused."""
        self.refusals[reason] += 1

    def overloads(self) -> dict[str, int]:
        """Return how many requests were refused because too much was asked, by reason."""
        return {reason: self.refusals[reason] for reason in OVERLOADS}
