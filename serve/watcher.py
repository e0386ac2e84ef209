"""Looks after the models that are served: loads what each CURRENT names, and stays with the last good version."""

import asyncio
import contextlib
import logging
import random

from model_repository import candidate_version, current_version, models
from serve.errors import ModelRefused, NoSuchModel, NotReady
from serve.guard import guarded, reason_of
from serve.loader import load, load_older
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.settings import Settings
from serve.slot import Slot
from serve.trial import Trials

log = logging.getLogger("copse")

NO_SUCH_MODEL = "there is no such model; GET /v2/repository/index lists them"
NO_SUCH_VERSION = "this version of the model does not answer here; GET /v2/repository/index lists them"


class Watcher:
    """Polls the model repository, since file events do not cross network volumes.

    Each model has its own CURRENT. A model whose folder is removed is no longer served. A repository in which nothing
    is left is taken for a volume that has gone: what was served is served on. Candidates are looked at on the side, so
    that one which hangs in its trial keeps no version from going live.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._drift = settings.drift == "on"
        self.slots: dict[str, Slot] = {}
        self.trials = Trials()
        self.problem: str | None = "the model repository was not looked at yet"
        self.looked = asyncio.Event()
        self._woken = asyncio.Event()
        self._looking = asyncio.Lock()
        self._trying: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Look for versions until cancelled; no error ends it."""
        while True:
            await self.look()
            self.looked.set()
            await self.trials.let_go()
            if not self._trying or self._trying.done():
                self._trying = asyncio.create_task(self.look_at_candidates())
            pause = self._settings.poll_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads load
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()

    async def close(self) -> None:
        """End what runs beside the requests."""
        await self._stop_trying()
        await self.trials.let_go()
        for slot in self.slots.values():
            slot.drop_candidate()

    def wake(self) -> None:
        """Look now, and not only when the next poll is due."""
        self._woken.set()

    async def look(self) -> None:
        """Look once at every CURRENT; a new version is read, tried out, loaded, and takes over between two requests."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        try:
            names = await asyncio.to_thread(models, self._settings.models)
        except OSError as error:
            self._repository_problem(reason_of(error))
            return
        for name in names:
            slot = self.slots.get(name) or Slot(name)
            if await guarded(slot, self._look_at(slot)):
                self.slots[name] = slot
        for name in set(self.slots) - set(names) if names else ():
            log.warning("%s was removed from the model repository and is no longer served", name)
            await self._stop_trying()
            self.slots.pop(name).drop_candidate()
        self._repository_problem(_what_is_lacking(bool(names), bool(self.slots)))

    async def load(self, name: str) -> LoadedModel:
        """Look at a model's CURRENT now, even if it was unloaded or its version refused; return what answers then.

        Raises:
            NoSuchModel: there is none of that name.
            NotReady: the version that CURRENT names cannot be loaded.

        """
        async with self._looking:
            try:
                there = name in await asyncio.to_thread(models, self._settings.models)
            except OSError as error:
                raise NotReady(f"not loaded: {reason_of(error)}") from None
            if not there:
                raise NoSuchModel(NO_SUCH_MODEL)
            slot = self.slots.get(name) or Slot(name)
            slot.reload()
            if not await guarded(slot, self._look_at(slot)):
                raise NoSuchModel(NO_SUCH_MODEL)
            self.slots[name] = slot
        if not slot.serving or slot.problem:
            raise NotReady(f"not loaded: {slot.problem}; {slot.meanwhile}")
        return slot.serving

    async def unload(self, name: str) -> None:
        """Have a model answer no more until it is loaded again; requests under way are answered.

        Raises:
            NoSuchModel: there is none of that name.

        """
        async with self._looking:
            slot = self.slots.get(name)
            if not slot:
                raise NoSuchModel(NO_SUCH_MODEL)
            await self._stop_trying()
            slot.unload()

    def served(self, name: str | None = None, version: str | None = None) -> LoadedModel:
        """Return the model of a name, or the one that is meant where none is named.

        Raises:
            NoSuchModel: there is none of that name, or several and none was named, or it is of another version.
            NotReady: it has no good version yet.

        """
        slot = self.slots.get(name or self._settings.model or self._only_name())
        if slot and slot.serving:
            if version and version != str(slot.serving.version):
                raise NoSuchModel(NO_SUCH_VERSION)
            return slot.serving
        if name and not slot:
            raise NoSuchModel(NO_SUCH_MODEL)
        raise NotReady(f"not ready: {(slot and slot.problem) or self.problem or 'no version is loaded yet'}")

    def answered(self, model: LoadedModel, rows: Inputs, answers: Answers, requests: int) -> None:
        """Count requests whose rows a version answered, keep these for its drift, and let the candidate share them."""
        if slot := self.slots.get(model.name):
            slot.ended(model, failed=False, requests=requests)
            if self._drift:
                slot.observe(model, rows, answers)
            if slot.shadow:
                slot.shadow.offer(model, rows, answers)

    def failed(self, model: LoadedModel) -> None:
        """Count a request that failed where the version that answered it may be to blame."""
        if slot := self.slots.get(model.name):
            slot.ended(model, failed=True)

    def check_ready(self) -> None:
        """Raise NotReady unless the named model is loaded, or, where none is named, each that is not refused.

        A model that was unloaded on purpose is none to wait for.
        """
        if self._settings.model:
            named = self.slots.get(self._settings.model)
            if not (named and named.unloaded):
                self.served()
            return
        wanted = [slot for slot in self.slots.values() if not slot.unloaded]
        problems = [slot.problem or "no version is loaded yet" for slot in wanted if not slot.serving]
        waiting = any(not slot.serving and not slot.refused for slot in wanted)
        if waiting or (len(problems) == len(wanted) and (problems or not self.slots)):
            raise NotReady(f"not ready: {'; '.join(problems) or self.problem}")

    def _only_name(self) -> str:
        if len(self.slots) > 1:
            raise NoSuchModel("there are several models; name one as in /models/NAME/predict, or at start with --model")
        return next(iter(self.slots), "")

    async def _look_at(self, slot: Slot) -> None:
        """Bring a model up to date, unless it was unloaded."""
        if slot.unloaded:
            return
        version = await asyncio.to_thread(current_version, self._settings.models, slot.name)
        if not slot.settled(version):
            await self._stop_trying()  # what is to be served goes first, and two trials at once need too much memory
            await self._go_live(slot, version)
        if slot.probation and slot.probation.over:
            slot.probation = None

    async def _go_live(self, slot: Slot, version: int) -> None:
        try:
            loaded = await load(slot, version, self._settings, self.trials)
        except ModelRefused:
            if slot.refused == version and not slot.loaded:
                slot.loaded = await load_older(slot.name, version, self._settings, self.trials)
            raise
        slot.go_live(loaded, self._settings.watch_seconds)

    async def look_at_candidates(self) -> None:
        """Look once at every CANDIDATE, of the models that are served."""
        for slot in list(self.slots.values()):
            await guarded(slot.candidate, self._look_at_candidate(slot))

    async def _look_at_candidate(self, slot: Slot) -> None:
        version = await asyncio.to_thread(candidate_version, self._settings.models, slot.name)
        if version is None or not slot.serving or version == slot.serving.version:
            slot.drop_candidate()
            return
        if not slot.candidate.settled(version):
            slot.take_candidate(await load(slot.candidate, version, self._settings, self.trials))
        slot.compare(self._settings.shadow_share)

    async def _stop_trying(self) -> None:
        """Leave off with candidates until the next look."""
        if self._trying:
            self._trying.cancel()
            await asyncio.wait([self._trying])

    def _repository_problem(self, problem: str | None) -> None:
        if problem and problem != self.problem:
            log.warning("%s; %s", problem, "what is loaded goes on serving" if self.slots else "not ready")
        self.problem = problem


def _what_is_lacking(folders: bool, published: bool) -> str | None:
    if not published:
        return "no model is published yet"
    return None if folders else "the model repository is empty"
