"""Looks after the models that are served: loads what each CURRENT names, and stays with the last good version."""

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from pathlib import Path

from model_repository import (
    Damaged,
    NotPublished,
    PublishedVersion,
    RepositoryError,
    current_version,
    models,
    read_version,
)
from serve.errors import ModelRefused, NoSuchModel, NotReady
from serve.model import LoadedModel
from serve.settings import Settings
from serve.trial import TrialFailed, try_out

log = logging.getLogger("copse")

MOST_TRIALS = 3


@dataclass
class Slot:
    """What is known of one model: the version that answers, the version that was refused, and what is wrong now."""

    name: str
    serving: LoadedModel | None = None
    refused: int | None = None
    problem: str | None = None
    failed_trials: int = 0


class Watcher:
    """Polls the model repository, since file events do not cross network volumes.

    Each model has its own CURRENT. A model whose folder is removed is no longer served. A repository in which nothing
    is left is taken for a volume that has gone: what was served is served on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.slots: dict[str, Slot] = {}
        self.problem: str | None = "the model repository was not looked at yet"
        self.looked = asyncio.Event()
        self._woken = asyncio.Event()

    async def watch(self) -> None:
        """Look for versions until cancelled; no error ends it."""
        while True:
            await self.look()
            self.looked.set()
            pause = self._settings.poll_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads load
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()

    def wake(self) -> None:
        """Look now, and not only when the next poll is due."""
        self._woken.set()

    async def look(self) -> None:
        """Look once at every model; a new version is read, tried out, loaded, and takes over between two requests."""
        try:
            names = await asyncio.to_thread(models, self._settings.models)
        except OSError as error:
            self._repository_problem(_reason(error))
            return
        for name in names:
            slot = self.slots.get(name) or Slot(name)
            if await self._look_at(slot):
                self.slots[name] = slot
        for name in set(self.slots) - set(names) if names else ():
            log.warning("%s was removed from the model repository and is no longer served", name)
            del self.slots[name]
        self._repository_problem(_what_is_lacking(bool(names), bool(self.slots)))

    def served(self, name: str | None = None) -> LoadedModel:
        """Return the model of a name, or the one that is meant where none is named.

        Raises:
            NoSuchModel: there is none of that name, or several and none was named.
            NotReady: it has no good version yet.

        """
        slot = self.slots.get(name or self._settings.model or self._only_name())
        if slot and slot.serving:
            return slot.serving
        if name and not slot:
            raise NoSuchModel("there is no such model; GET /v2/repository/index lists them")
        raise NotReady(f"not ready: {(slot and slot.problem) or self.problem or 'the model is not published yet'}")

    def check_ready(self) -> None:
        """Raise NotReady unless the named model is loaded, or, where none is named, each that is not refused."""
        if self._settings.model:
            self.served()
            return
        problems = [slot.problem or "no version is loaded yet" for slot in self.slots.values() if not slot.serving]
        waiting = any(not slot.serving and not slot.refused for slot in self.slots.values())
        if waiting or len(problems) == len(self.slots):
            raise NotReady(f"not ready: {'; '.join(problems) or self.problem}")

    def _only_name(self) -> str:
        if len(self.slots) > 1:
            raise NoSuchModel("there are several models; name one as in /models/NAME/predict, or at start with --model")
        return next(iter(self.slots), "")

    async def _look_at(self, slot: Slot) -> bool:
        """Bring a model up to date; return whether anything of it was ever published."""
        try:
            published = await asyncio.to_thread(self._read_if_new, slot)
            if published:
                await self._go_live(slot, published)
        except (RepositoryError, ModelRefused, OSError) as error:
            if isinstance(error, NotPublished) and not slot.serving:
                return False
            self._slot_problem(slot, _reason(error))
        except Exception:  # a model that breaks in a new way must not end the watch
            self._slot_problem(slot, "an unexpected error while loading")
            log.debug("unexpected error while loading a model", exc_info=True)
        return True

    def _read_if_new(self, slot: Slot) -> PublishedVersion | None:
        """Read the version that CURRENT names, unless it is served or was refused already."""
        version = current_version(self._settings.models, slot.name)
        if slot.serving and slot.serving.version == version:
            slot.refused = slot.problem = None
            return None
        if slot.refused == version:
            return None
        try:
            return read_version(self._settings.models, slot.name, version, self._settings.max_model_bytes)
        except (Damaged, NotPublished) as error:
            raise _refuse(slot, version, error) from error

    async def _go_live(self, slot: Slot, published: PublishedVersion) -> None:
        try:
            await try_out(published, self._settings.trial_seconds)
            loaded = await asyncio.to_thread(LoadedModel, published)
        except TrialFailed as error:  # perhaps for a reason outside of the model, such as a busy node
            slot.failed_trials += 1
            if slot.failed_trials >= MOST_TRIALS:
                raise _refuse(slot, published.version, error) from error
            raise ModelRefused(_refusal(slot, published.version, error)) from error
        except ModelRefused as error:
            raise _refuse(slot, published.version, error) from error
        slot.serving, slot.refused, slot.problem, slot.failed_trials = loaded, None, None, 0
        log.info("serving %s version %d", slot.name, published.version)

    def _slot_problem(self, slot: Slot, problem: str) -> None:
        """Say once, not once a poll, why nothing new is served."""
        if problem != slot.problem:
            slot.problem = problem
            goes_on = f"version {slot.serving.version} goes on serving" if slot.serving else "not ready"
            log.warning("%s; %s", problem, goes_on)

    def _repository_problem(self, problem: str | None) -> None:
        if problem and problem != self.problem:
            log.warning("%s; %s", problem, "what is loaded goes on serving" if self.slots else "not ready")
        self.problem = problem


def _what_is_lacking(folders: bool, published: bool) -> str | None:
    if not published:
        return "no model is published yet"
    return None if folders else "the model repository is empty"


def _refuse(slot: Slot, version: int, error: Exception) -> ModelRefused:
    """Remember a version that failed, so that it is tried once and not once a poll."""
    slot.refused, slot.failed_trials = version, 0
    return ModelRefused(_refusal(slot, version, error))


def _refusal(slot: Slot, version: int, error: Exception) -> str:
    return f"version {version} of {slot.name} is refused: {error}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        what = Path(error.filename).name if error.filename else "the model repository"
        return f"{what} cannot be read ({error.strerror or type(error).__name__})"
    return str(error)
