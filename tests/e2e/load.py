"""Clients that ask for predictions at a steady rate and count what becomes of each request.

Some keep their connection from one request to the next, some open a new one each time. None tries again.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.examples import BENIGN

KEEPING, OPENING = 4, 2
REQUESTS_PER_SECOND = 10.0
LONGEST_SECONDS = 300.0
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass
class Load:
    """What became of the requests so far, and which versions answered."""

    address: str
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: {"kept": Counter(), "new": Counter()})
    versions: set[str] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def sent(self) -> int:
        """Return how many requests were sent and have ended."""
        return sum(counter.total() for counter in self.outcomes.values())

    @property
    def lost(self) -> dict[str, Counter[str]]:
        """Return the requests that were not answered 200 with the right answer, by kind of connection."""
        lost = {kind: counter - Counter({"answered": counter["answered"]}) for kind, counter in self.outcomes.items()}
        return {kind: counter for kind, counter in lost.items() if counter}

    def figures(self) -> str:
        """Return one line: sent, answered, refused, reset, for connections kept and new."""
        return "; ".join(
            f"{kind} connections: {counter.total()} sent, {counter['answered']} answered 200, "
            f"{counter['refused']} refused, {counter['reset']} reset, {counter['late']} late"
            for kind, counter in self.outcomes.items()
        )


@contextmanager
def load(address: str) -> Iterator[Load]:
    """Send requests from 127.0.0.1 to 127.0.0.1 while the block runs, five minutes at most."""
    assert urlsplit(address).hostname in LOCAL, "load is for this machine only"
    running = Load(address)
    thread = threading.Thread(target=lambda: asyncio.run(_run(running)))
    thread.start()
    try:
        yield running
    finally:
        running.stopping.set()
        thread.join()


async def _run(running: Load) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    kinds = ["kept"] * KEEPING + ["new"] * OPENING
    await asyncio.gather(
        *(_client(running, kind, until, number / len(kinds)) for number, kind in enumerate(kinds)),
    )


async def _client(running: Load, kind: str, until: float, phase: float) -> None:
    """Send at a steady rate over one connection at a time; the phase keeps clients from asking all at once."""
    headers = {"connection": "close"} if kind == "new" else {}
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    due = time.monotonic() + phase / REQUESTS_PER_SECOND
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=10, trust_env=False) as client:
        while not running.stopping.is_set() and time.monotonic() < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + 1 / REQUESTS_PER_SECOND, time.monotonic())
            running.outcomes[kind][await _ask(running, client)] += 1


async def _ask(running: Load, client: httpx.AsyncClient) -> str:
    try:
        response = await client.post(f"{running.address}/predict", json={"features": BENIGN})
    except httpx.ConnectError:
        return "refused"
    except httpx.TimeoutException:
        return "late"
    except httpx.TransportError:
        return "reset"
    if response.status_code != httpx.codes.OK:
        return f"answered {response.status_code}"
    running.versions.add(response.headers["x-model-version"])
    return "answered" if response.json()["prediction"] == 1 else "answered wrongly"
