"""What is known of one model: the version that answers, the candidate beside it, and what was refused and why."""

import logging
from dataclasses import dataclass, field

from serve.errors import ModelRefused
from serve.model import LoadedModel
from serve.outcomes import Outcomes, Probation
from serve.shadow import Shadow

log = logging.getLogger("copse")


@dataclass
class Tried:
    """The version that CURRENT or CANDIDATE names: loaded, or refused, and what is wrong now."""

    name: str
    loaded: LoadedModel | None = None
    refused: int | None = None
    problem: str | None = None
    failed_trials: int = 0

    def refuse(self, version: int, reason: object) -> ModelRefused:
        """Remember a version that failed, so that it is tried once and not once a poll; return the error for it."""
        self.refused, self.failed_trials = version, 0
        return self.refusal(version, reason)

    def refusal(self, version: int, reason: object) -> ModelRefused:
        """Return the error that says that a version is not taken."""
        return ModelRefused(f"version {version} of {self.name} is refused: {reason}")

    def take(self, loaded: LoadedModel) -> None:
        """Have a version that passed all checks."""
        self.loaded, self.refused, self.problem, self.failed_trials = loaded, None, None, 0


@dataclass
class Slot(Tried):
    """The version of a model that answers, and all that surrounds it."""

    candidate: Tried = field(init=False)
    shadow: Shadow | None = None
    outcomes: Outcomes = field(default_factory=Outcomes)
    probation: Probation | None = None
    rollbacks: int = 0

    def __post_init__(self) -> None:
        self.candidate = Tried(self.name)

    @property
    def serving(self) -> LoadedModel | None:
        """Return the version that answers."""
        return self.loaded

    def go_live(self, loaded: LoadedModel, watch_seconds: float) -> None:
        """Have a version answer from now on; if it is to be watched, keep the one before."""
        before, share = self.loaded, self.outcomes.recent_share
        self.take(loaded)
        self.outcomes = Outcomes()
        self.probation = Probation(before, share, watch_seconds) if before and watch_seconds else None
        log.info("serving %s version %d", self.name, loaded.version)

    def ended(self, model: LoadedModel, *, failed: bool) -> None:
        """Count how a request ended that a version answered; go back if it is new and its errors have jumped."""
        if model is not self.loaded:
            return
        self.outcomes.add(failed=failed)
        if self.probation and self.probation.over:
            self.probation = None
        elif self.probation and self.probation.failed(self.outcomes):
            self._go_back(self.probation, model.version)

    def _go_back(self, probation: Probation, version: int) -> None:
        problem = str(self.refuse(version, probation.verdict(self.outcomes)))
        self.loaded, self.problem, self.probation = probation.before, problem, None
        self.outcomes = Outcomes()
        self.rollbacks += 1
        log.error("%s", problem)

    def drop_candidate(self) -> None:
        """Have no candidate, and leave nothing of it in memory."""
        if self.shadow:
            self.shadow.close()
        self.candidate, self.shadow = Tried(self.name), None
