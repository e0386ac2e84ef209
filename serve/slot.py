"""What is known of one model: the version that answers, the candidate beside it, and what was refused and why."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serve.errors import ModelRefused
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.outcomes import Outcomes, Probation
from serve.shadow import Shadow, check_comparable

if TYPE_CHECKING:
    from serve.drift.monitor import Monitor

log = logging.getLogger("copse")

UNLOADED = "unloaded"  # the reason that is told
# Kinds of reasons to refuse a version: files that are not as published, a trial that ended before its answer, a check
# of the loaded model, a candidate that cannot be compared, and errors that jumped after it went live.
DAMAGED, TRIAL, CHECK, NOT_COMPARABLE, ERRORS = "damaged", "trial", "check", "not_comparable", "errors"


@dataclass
class Tried:
    """The version that CURRENT or CANDIDATE names: loaded, or refused, and what is wrong now."""

    name: str
    loaded: LoadedModel | None = None
    refused: int | None = None
    reason: str | None = None
    problem: str | None = None
    failed_trials: int = 0
    refusals: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((DAMAGED, TRIAL, CHECK, NOT_COMPARABLE, ERRORS), 0)
    )

    @property
    def meanwhile(self) -> str:
        """Return what goes on while something is wrong."""
        return "the comparison goes on" if self.loaded else "the candidate is not compared"

    def settled(self, version: int) -> bool:
        """Return whether a version is loaded or refused already; other problems are then over."""
        if self.loaded and self.loaded.version == version:
            self.refused = self.problem = None
            return True
        if self.refused == version:
            self.problem = self.reason
            return True
        return False

    def say(self, problem: str) -> None:
        """Say once, not once a poll, what is wrong."""
        if problem != self.problem:
            self.problem = problem
            log.warning("%s; %s", problem, self.meanwhile)

    def refuse(self, version: int, reason: object, kind: str) -> ModelRefused:
        """Remember a version that failed, so that it is tried once and not once a poll; return the error for it."""
        self.refusals[kind] += 1
        refusal = self.refusal(version, reason)
        self.refused, self.reason, self.failed_trials = version, str(refusal), 0
        return refusal

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
    drift: "Monitor | None" = None  # of the version that answers, once it has answered a row
    swaps: int = 0
    rollbacks: int = 0
    unloaded: bool = False  # on purpose, until it is loaded again

    def __post_init__(self) -> None:
        self.candidate = Tried(self.name, refusals=self.refusals)

    @property
    def serving(self) -> LoadedModel | None:
        """Return the version that answers."""
        return self.loaded

    @property
    def meanwhile(self) -> str:
        """Return what goes on while something is wrong."""
        return f"version {self.loaded.version} goes on serving" if self.loaded else "not ready"

    def go_live(self, loaded: LoadedModel, watch_seconds: float) -> None:
        """Have a version answer from now on; if it is to be watched, keep the one before."""
        before, share = self.loaded, self.outcomes.recent_share
        self.take(loaded)
        self.swaps += before is not None
        self.outcomes, self.drift = Outcomes(), None
        self.probation = Probation(before, share, watch_seconds) if before and watch_seconds else None
        self._compare_anew()
        log.info("serving %s version %d", self.name, loaded.version)

    def unload(self) -> None:
        """Have no version answer, and look for none, until it is to be loaded again."""
        self.drop_candidate()
        self.loaded = self.refused = self.probation = None
        self.outcomes, self.unloaded, self.problem = Outcomes(), True, UNLOADED
        self.drift = None
        log.info("unloaded %s", self.name)

    def reload(self) -> None:
        """Look for a version again, and try one out once more that was refused."""
        self.unloaded, self.refused, self.problem, self.failed_trials = False, None, None, 0

    def ended(self, model: LoadedModel, *, failed: bool, requests: int = 1) -> None:
        """Count how requests ended that a version answered; go back if it is new and its errors have jumped."""
        if model is not self.loaded:
            return
        self.outcomes.add(requests, failed=failed)
        if self.probation and self.probation.over:
            self.probation = None
        elif self.probation and self.probation.failed(self.outcomes):
            self._go_back(self.probation, model.version)

    def observe(self, model: LoadedModel, rows: Inputs, answers: Answers) -> None:
        """Keep rows that the version answered, to tell whether they look as those of its training did."""
        if model is not self.loaded:
            return
        if not self.drift:
            from serve.drift.monitor import Monitor  # noqa: PLC0415 - it may be switched off

            self.drift = Monitor(model.manifest)
        self.drift.window.add(rows, answers)

    def _go_back(self, probation: Probation, version: int) -> None:
        problem = str(self.refuse(version, probation.verdict(self.outcomes), ERRORS))
        self.loaded, self.problem, self.probation = probation.before, problem, None
        self.outcomes, self.drift = Outcomes(), None
        self.rollbacks += 1
        self._compare_anew()
        log.error("%s", problem)

    def compare(self, share: float) -> None:
        """Have the candidate, if it is loaded, answer a share of the requests beside the version that serves.

        Raises:
            ModelRefused: the two cannot be compared; the candidate is refused.

        """
        live, loaded = self.loaded, self.candidate.loaded
        if self.shadow or not live or not loaded:
            return
        if reason := check_comparable(loaded, live):
            self.candidate.loaded = None
            raise self.candidate.refuse(loaded.version, reason, NOT_COMPARABLE)
        self.shadow = Shadow(live, loaded, share)
        log.info("comparing candidate %d of %s with version %d", loaded.version, self.name, live.version)

    def take_candidate(self, loaded: LoadedModel) -> None:
        """Have another candidate, which is not compared yet."""
        self._compare_anew()
        self.candidate.take(loaded)

    def drop_candidate(self) -> None:
        """Have no candidate, and leave nothing of it in memory."""
        self._compare_anew()
        self.candidate = Tried(self.name, refusals=self.refusals)

    def _compare_anew(self) -> None:
        """End the comparison; a candidate that was refused may be comparable with what serves now."""
        if self.shadow:
            self.shadow.close()
        self.shadow = self.candidate.refused = None
