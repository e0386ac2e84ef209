"""What all measurements share: the plan, the model, the environments, the CPUs, and where results go."""

import http.client
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.environments import Environment
from benchmarks.forms import Form, Numbers
from benchmarks.model import Model
from benchmarks.processes import CannotStart, Running, running
from benchmarks.results import Results

Each = TypeVar("Each")

NEAR = 1e-6  # float32 beside scikit-learn's float64


@dataclass(frozen=True)
class Plan:
    """How often and how long: rounds, and the seconds of one point."""

    rounds: int = 5
    seconds: float = 2.0
    batch_seconds: float = 0.5
    overload_seconds: float = 4.0


@dataclass
class Stage:
    """One run. The server has the first CPU, the load the second."""

    plan: Plan
    model: Model
    environments: dict[str, Environment]
    results: Results
    round: int = 0
    cpus: list[int] = field(default_factory=lambda: sorted(os.sched_getaffinity(0))[:2])

    @property
    def server_cpu(self) -> int:
        """Return the CPU of the server."""
        return self.cpus[0]

    @property
    def load_cpu(self) -> int:
        """Return the CPU of the load."""
        return self.cpus[1]

    @contextmanager
    def serving(self, contender: Contender, cpus: list[int] | None = None) -> Iterator[Running]:
        """Start a server, by default on its one CPU, until the block is left."""
        environment = self.environments[contender.installed]
        with running(contender, environment, self.model, cpus or [self.server_cpu]) as server:
            yield server

    def check(self, server: Running, form: Form, rows: Numbers) -> None:
        """Compare the answers to rows with scikit-learn's.

        Raises:
            CannotStart: it answers otherwise.

        """
        status, content = server.ask(form, form.ask(rows))
        if status != http.client.OK:
            raise CannotStart(f"{len(rows)} rows are answered with status {status}")
        if not is_right(form, content, self.model.probabilities(rows)):
            raise CannotStart(f"{len(rows)} rows are answered otherwise than by scikit-learn")


def is_right(form: Form, content: bytes, expected: Numbers) -> bool:
    """Return whether an answer holds these probabilities."""
    try:
        answered = form.read(content)
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return answered.shape == expected.shape and bool(np.abs(answered - expected).max() <= NEAR)


def rotated(entries: Sequence[Each], number: int) -> list[Each]:
    """Return them in another order each round."""
    first = number % max(1, len(entries))
    return [*entries[first:], *entries[:first]]


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)
