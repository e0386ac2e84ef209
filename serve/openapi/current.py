"""The document at /openapi.json as it is now."""

import asyncio
from collections.abc import Sequence

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from serve.errors import NoSuchModel, NotReady
from serve.model import LoadedModel
from serve.settings import Settings
from serve.watcher import Watcher


class Document:
    """The document in JSON, made anew once other versions are loaded, or another model is meant where none is named."""

    def __init__(self, routes: Sequence[BaseRoute], settings: Settings, watcher: Watcher) -> None:
        self._routes = routes
        self._settings = settings
        self._watcher = watcher
        self._made_of: object = None
        self._content = b""
        self._making = asyncio.Lock()

    async def content(self) -> bytes:
        """Return the document; it is made in a thread, since that of a model of many columns takes a while.

        Raises:
            NotReady: no model is loaded yet.

        """
        async with self._making:  # once for all who ask meanwhile
            return await self._current()

    async def _current(self) -> bytes:
        models = [slot.serving for _, slot in sorted(self._watcher.slots.items()) if slot.serving]
        if not models:
            self._watcher.check_ready()
        meant = self._meant()
        known = [(model.name, model.version, model.manifest.onnx.sha256) for model in models]
        made_of = known, meant.name if meant else None
        if made_of == self._made_of:
            return self._content
        self._content = await run_in_threadpool(self._make, models, meant)
        self._made_of = made_of
        return self._content

    def _make(self, models: Sequence[LoadedModel], meant: LoadedModel | None) -> bytes:
        from serve.openapi.document import document  # noqa: PLC0415 - here is a thread, and few servers are ever asked

        return orjson.dumps(document(self._routes, models, meant, self._settings))

    def _meant(self) -> LoadedModel | None:
        """Return the model that paths without a name mean."""
        try:
            return self._watcher.served()
        except (NoSuchModel, NotReady):
            return None
