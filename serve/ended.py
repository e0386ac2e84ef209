"""What is known of a request once it has its answer: what metrics, logs and traces are told."""

from typing import NamedTuple


class Stages(NamedTuple):
    """Seconds that a request spent in each stage; what is decoded while it is answered counts as inference."""

    waiting: float
    decoding: float
    inference: float
    encoding: float


class Work(NamedTuple):
    """What a model did for a request."""

    model: str
    version: int
    rows: int
    stages: Stages


class Ended(NamedTuple):
    """A request whose answer has begun."""

    method: str
    route: str  # the template of its path, or "unmatched"
    status: int
    began: float  # seconds since the epoch
    seconds: float
    request_id: str
    traceparent: str | None  # as it came, and only if it is valid (W3C Trace Context)
    work: Work | None  # of a model that answered rows
