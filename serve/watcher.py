"""Looks after the models that are served: loads what each CURRENT names, and stays with the last good version."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from model_repository import (
    Damaged,
    NotPublished,
    RepositoryError,
    candidate_version,
    current_version,
    models,
    read_version,
)
from serve.errors import ModelRefused, NoSuchModel, NotReady
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Rows
from serve.settings import Settings
from serve.shadow import Shadow, check_comparable
from serve.slot import Slot, Tried
from serve.trial import TrialFailed, try_out

log = logging.getLogger("copse")

MOST_TRIALS = 3


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

    def close(self) -> None:
        """End what runs beside the requests."""
        for slot in self.slots.values():
            slot.drop_candidate()

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
            self.slots.pop(name).drop_candidate()
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

    def answered(self, model: LoadedModel, rows: Rows, answers: Answers) -> None:
        """Count rows [n, columns] that a version answered, and let the candidate have its share of them."""
        if slot := self.slots.get(model.name):
            slot.ended(model, failed=False)
            if slot.shadow:
                slot.shadow.offer(model, rows, answers)

    def failed(self, model: LoadedModel) -> None:
        """Count a request that failed where the version that answered it may be to blame."""
        if slot := self.slots.get(model.name):
            slot.ended(model, failed=True)

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
        if not await self._guarded(slot, self._look_at_current(slot)):
            return False
        await self._guarded(slot.candidate, self._look_at_candidate(slot))
        return True

    async def _guarded(self, tried: Tried, looking: Coroutine[Any, Any, None]) -> bool:
        """Look, and keep what is wrong; return whether anything was ever published."""
        try:
            await looking
        except (RepositoryError, ModelRefused, OSError) as error:
            if isinstance(error, NotPublished) and not tried.loaded:
                return False
            _say(tried, _reason(error))
        except Exception:  # a model that breaks in a new way must not end the watch
            _say(tried, "an unexpected error while loading")
            log.debug("unexpected error while loading a model", exc_info=True)
        return True

    async def _look_at_current(self, slot: Slot) -> None:
        version = await asyncio.to_thread(current_version, self._settings.models, slot.name)
        if loaded := await self._load_if_new(slot, version):
            slot.go_live(loaded, self._settings.watch_seconds)
        if slot.probation and slot.probation.over:
            slot.probation = None

    async def _look_at_candidate(self, slot: Slot) -> None:
        if not slot.serving:
            return
        version = await asyncio.to_thread(candidate_version, self._settings.models, slot.name)
        if version is None or version == slot.serving.version:
            slot.drop_candidate()
            return
        if loaded := await self._load_if_new(slot.candidate, version):
            slot.candidate.take(loaded)
        self._compare(slot)

    def _compare(self, slot: Slot) -> None:
        """Compare the candidate with the version that answers now; refuse it if that cannot be done."""
        live, loaded = slot.serving, slot.candidate.loaded
        if slot.shadow and (slot.shadow.live is not live or slot.shadow.candidate is not loaded):
            slot.shadow.close()
            slot.shadow = None
        if slot.shadow or not live or not loaded:
            return
        if reason := check_comparable(loaded, live):
            slot.candidate.loaded = None
            raise slot.candidate.refuse(loaded.version, reason)
        slot.shadow = Shadow(live, loaded, self._settings.shadow_share)
        log.info("comparing candidate %d of %s with version %d", loaded.version, slot.name, live.version)

    async def _load_if_new(self, tried: Tried, version: int) -> LoadedModel | None:
        """Read, try out and load a version, unless it is loaded or was refused already."""
        if tried.loaded and tried.loaded.version == version:
            tried.refused = tried.problem = None
            return None
        if tried.refused == version:
            return None
        try:
            return await self._load(tried, version)
        except TrialFailed as error:  # perhaps for a reason outside of the model, such as a busy node
            tried.failed_trials += 1
            if tried.failed_trials >= MOST_TRIALS:
                raise tried.refuse(version, error) from error
            raise tried.refusal(version, error) from error
        except (Damaged, NotPublished, ModelRefused) as error:
            raise tried.refuse(version, error) from error

    async def _load(self, tried: Tried, version: int) -> LoadedModel:
        root, largest = self._settings.models, self._settings.max_model_bytes
        published = await asyncio.to_thread(read_version, root, tried.name, version, largest)
        await try_out(published, self._settings.trial_seconds)
        return await asyncio.to_thread(LoadedModel, published)

    def _repository_problem(self, problem: str | None) -> None:
        if problem and problem != self.problem:
            log.warning("%s; %s", problem, "what is loaded goes on serving" if self.slots else "not ready")
        self.problem = problem


def _what_is_lacking(folders: bool, published: bool) -> str | None:
    if not published:
        return "no model is published yet"
    return None if folders else "the model repository is empty"


def _say(tried: Tried, problem: str) -> None:
    """Say once, not once a poll, why nothing new is taken."""
    if problem != tried.problem:
        tried.problem = problem
        goes_on = f"version {tried.loaded.version} goes on serving" if tried.loaded else "not ready"
        log.warning("%s; %s", problem, goes_on if isinstance(tried, Slot) else "the candidate is not compared")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        what = Path(error.filename).name if error.filename else "the model repository"
        return f"{what} cannot be read ({error.strerror or type(error).__name__})"
    return str(error)
