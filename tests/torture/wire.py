"""What a load generator is asked to send, and what it tells of it: one JSON line each way."""

from collections import Counter
from statistics import median, quantiles

import msgspec

LONGEST_SECONDS = 1800.0

RIGHT = "right"
WRONG = "wrong"
REFUSED = "503 with Retry-After"
REFUSED_SILENTLY = "503 without Retry-After"
RESET = "reset"
IDLE_CLOSED = "closed while idle"
NOT_CONNECTED = "not connected"
LATE = "late"
UNSENT = "unsent"


class Question(msgspec.Struct, frozen=True):
    """A request, and the answer that each version gives to it; an error's answer names no version: its key is ""."""

    path: str
    body: bytes
    answers: dict[str, bytes]
    status: int = 200

    def request(self, *, keep: bool) -> bytes:
        """Return the bytes to send."""
        close = "" if keep else "connection: close\r\n"
        head = f"POST {self.path} HTTP/1.1\r\nhost: copse\r\ncontent-type: application/json\r\n{close}"
        return f"{head}content-length: {len(self.body)}\r\n\r\n".encode() + self.body


class Stream(msgspec.Struct, frozen=True):
    """Requests of one kind: at random times at a mean rate, or each when the one before is answered."""

    questions: list[Question]
    connections: int
    keep: bool = True
    rate: float | None = None
    pause_seconds: float = 0.0  # between the first half of a request and the rest


class Plan(msgspec.Struct, frozen=True):
    """Streams that run at the same time; without `seconds`, until they are stopped."""

    port: int
    streams: dict[str, Stream]
    seconds: float | None = None
    late_seconds: float = 10.0


class Tally(msgspec.Struct):
    """What became of a stream's requests: each has one outcome. Times are in milliseconds."""

    outcomes: dict[str, int] = {}
    versions: dict[str, int] = {}
    examples: list[str] = []
    seconds: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    p99_of_a_second: float = 0.0  # the median over the seconds of the load: foreign bursts do not move it
    longest: float = 0.0
    lag_p99: float = 0.0  # how much later than due requests were sent

    @property
    def sent(self) -> int:
        """Return how many requests were sent; those that found no free connection were not."""
        return sum(self.outcomes.values()) - self.outcomes.get(UNSENT, 0)

    @property
    def rate(self) -> float:
        """Return the right answers a second."""
        return self.outcomes.get(RIGHT, 0) / self.seconds if self.seconds else 0.0

    def lost(self, *allowed: str) -> int:
        """Return how many requests came to another end than a right answer or what is allowed."""
        fine = (RIGHT, UNSENT, *allowed)
        return sum(count for outcome, count in self.outcomes.items() if outcome not in fine)


Report = dict[str, Tally]


def total(tallies: list[Tally]) -> Tally:
    """Return the sums of the counts, and the worst of the times."""
    outcomes: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    for tally in tallies:
        outcomes.update(tally.outcomes)
        versions.update(tally.versions)
    examples = list(dict.fromkeys(example for tally in tallies for example in tally.examples))
    worst = {name: max((getattr(tally, name) for tally in tallies), default=0.0) for name in _TIMES}
    return Tally(dict(outcomes), dict(versions), examples, **worst)


_TIMES = ("seconds", "p50", "p99", "p99_of_a_second", "longest", "lag_p99")


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile in milliseconds."""
    if len(seconds) < 2:
        return (1000 * sum(seconds),) * 2
    cuts = quantiles(seconds, n=100, method="inclusive")
    return 1000 * cuts[49], 1000 * cuts[98]


def p99_of_a_second(seconds: dict[int, list[float]]) -> float:
    """Return the median, over the seconds of a load, of each second's 99th percentile, in milliseconds."""
    return median([percentiles(several)[1] for several in seconds.values()] or [0.0])
