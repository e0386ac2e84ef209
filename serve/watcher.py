"""Looks after the model that is served: loads what CURRENT names, and stays with the last good version."""

import asyncio
import logging
import random
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
from serve.errors import ModelRefused
from serve.model import LoadedModel
from serve.settings import Settings
from serve.trial import try_out

log = logging.getLogger("copse")


class Watcher:
    """Polls the model repository, since file events do not cross network volumes.

    `model` is what answers now, or None before the first good version. `waiting_for` says why there is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refused: tuple[str, int] | None = None
        self.model: LoadedModel | None = None
        self.waiting_for = "the first look at the model repository"

    async def watch(self) -> None:
        """Look for versions until cancelled; no error ends it."""
        while True:
            await self.look()
            await asyncio.sleep(self._settings.poll_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads load

    async def look(self) -> None:
        """Look once; a new version is read, tried out, loaded, and takes over between two requests."""
        try:
            published = await asyncio.to_thread(self._read_if_new)
            if published:
                await self._go_live(published)
        except (RepositoryError, ModelRefused, OSError) as error:
            self._wait_for(_reason(error))
        except Exception:  # a model that breaks in a new way must not end the watch
            self._wait_for("an unexpected error while loading")
            log.debug("unexpected error while loading a model", exc_info=True)

    def _read_if_new(self) -> PublishedVersion | None:
        """Read the version that CURRENT names, unless it is served or was refused already."""
        name = self._settings.model or only_model(self._settings.models)
        version = current_version(self._settings.models, name)
        if self._refused == (name, version) or (
            self.model and (self.model.name, self.model.version) == (name, version)
        ):
            return None
        try:
            return read_version(self._settings.models, name, version, self._settings.max_model_bytes)
        except (Damaged, NotPublished) as error:
            raise self._refuse(name, version, error) from error

    async def _go_live(self, published: PublishedVersion) -> None:
        try:
            await try_out(published, self._settings.trial_seconds)
            self.model = await asyncio.to_thread(LoadedModel, published)
        except ModelRefused as error:
            raise self._refuse(published.model, published.version, error) from error
        self._refused = None
        log.info("serving %s version %d", published.model, published.version)

    def _refuse(self, name: str, version: int, error: Exception) -> ModelRefused:
        """Remember a version that failed, so that it is tried once and not once a poll."""
        self._refused = (name, version)
        return ModelRefused(f"version {version} of {name} is refused: {error}")

    def _wait_for(self, reason: str) -> None:
        """Say once, not once a poll, why nothing new is served."""
        if reason != self.waiting_for:
            self.waiting_for = reason
            serving = f"version {self.model.version} goes on serving" if self.model else "not ready"
            log.warning("%s; %s", reason, serving)


def only_model(root: Path) -> str:
    """Return the name of the one model in the repository.

    Raises:
        NotPublished: there is none yet, or it is not clear which one is meant.

    """
    known = models(root)
    if not known:
        raise NotPublished("no model is published yet")
    if len(known) > 1:
        raise NotPublished(f"the repository has the models {', '.join(known)}; name one with --model or COPSE_MODEL")
    return known[0]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the model repository cannot be read ({error.strerror or type(error).__name__})"
    return str(error)
