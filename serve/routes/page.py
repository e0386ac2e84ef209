"""The pages for people: those of GET / and GET /models/NAME, the answers to their forms, and the files they load."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.body import read_body
from serve.errors import Malformed, WrongValues
from serve.model import LoadedModel
from serve.page import assets
from serve.page.answers import asset, html
from serve.page.asking import asked_of, rows_of
from serve.page.failure import up
from serve.page.overview import overview
from serve.page.reading import Reading
from serve.page.templates import compile_all, render
from serve.routes.state import caller, named, served_model, service, settings, watcher
from serve.service import ALWAYS_IN_A_THREAD

if TYPE_CHECKING:
    from serve.drift.monitor import Drift
    from serve.page.model_page import ModelPage

FORM = ("application/x-www-form-urlencoded",)
_FORM_BYTES, _FIELD_BYTES = 32 * 2**10, 2**10  # a text may be long; a form is parsed on the event loop

_pages: "WeakKeyDictionary[LoadedModel, asyncio.Future[ModelPage]]" = WeakKeyDictionary()


async def list_page(request: Request, listed: list[dict[str, Any]]) -> Response:
    """Show which models there are."""
    await asyncio.to_thread(compile_all)
    slots = watcher(request).slots
    models = [
        each | {"sentence": overview(model.manifest).sentence if (model := slots[each["name"]].serving) else ""}
        for each in listed
    ]
    return html(render("models.html", models=models, up=up(request.scope)))


async def model_page(request: Request, model: LoadedModel, candidate: dict[str, Any] | None) -> Response:
    """Show what a model is, with a form; `?example=2` fills that with a row that is known, and answers it."""
    page = await _prepared(request, model)
    reading = page.known(request.query_params.get("example", ""))
    found = await _answered(request, model, page, reading) if reading else None
    drift = _drift(request, model)
    return html(page.whole(reading, found, drift=drift, candidate=candidate, **_around(request)))


async def ask(request: Request) -> Response:
    """Answer what was filled in: with the whole page, or with what changes on it where its script asks."""
    model, limits = served_model(request), settings(request)
    page = await _prepared(request, model)
    largest = min(limits.max_body_bytes, _FORM_BYTES + _FIELD_BYTES * len(page.fields))
    with request.app.state.bodies.holding() as held:
        body = await read_body(request, held, largest, limits.body_seconds, FORM)
        posted = _posted(body, len(page.fields))
    reading = page.read(posted)
    found = None if reading.errors else await _answered(request, model, page, reading)
    if posted.get("part") == "answer":
        return html(page.part(reading, found), headers=named(model))
    status = 422 if reading.errors or reading.general else 200
    whole = page.whole(reading, found, drift=_drift(request, model), candidate=None, **_around(request))
    return html(whole, status, named(model))


def file(request: Request) -> Response:
    """Return a file that the pages load."""
    found = assets.FILES.get(request.path_params["file"])
    if not found:
        raise HTTPException(404)
    return asset(*found)


async def _prepared(request: Request, model: LoadedModel) -> "ModelPage":
    """Return the page of a version; what does not change on it is made once, off the event loop."""
    page = _pages.get(model)
    if not page:
        loop = asyncio.get_running_loop()
        page = _pages[model] = loop.run_in_executor(request.app.state.threads, _page_of, model)
    try:
        return await asyncio.shield(page)  # others may wait for it, too
    except Exception:
        _pages.pop(model, None)
        raise


def _page_of(model: LoadedModel) -> "ModelPage":
    from serve.page.model_page import ModelPage  # noqa: PLC0415 - here is a thread, and few servers ever show a page

    return ModelPage(model, explained=model.explanation is not None)


async def _answered(request: Request, model: LoadedModel, page: "ModelPage", reading: Reading) -> dict[str, Any] | None:
    """Return the answer to a row; where the row is refused the reading says why."""
    size = ALWAYS_IN_A_THREAD if page.explained else 0
    try:
        rows = rows_of(reading.row, model)  # here, and not counted as the version's failure: somebody is typing
        answered = await service(request).answer(model, size, 1, partial(asked_of, rows, model), caller(request))
    except WrongValues as error:
        reading.refuse(error, page.fields)
        return None
    found: dict[str, Any] = answered.content
    return found


def _drift(request: Request, model: LoadedModel) -> "Drift | None":
    """Return what is known of the last rows that a version answered, or None where that is switched off."""
    if settings(request).drift == "off":
        return None
    from serve.drift.monitor import Drift  # noqa: PLC0415 - few servers ever show a page

    slot = watcher(request).slots.get(model.name)
    return slot.drift.drift() if slot and slot.serving is model and slot.drift else Drift(0, [], None)


def _posted(body: bytes, fields: int) -> dict[str, str]:
    """Return what a form was sent with; of a name that is repeated the last counts.

    Raises:
        Malformed: it is no form of this page.

    """
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=2 * fields + 10, errors="strict")
    except ValueError:
        raise Malformed("the body is not a form of this page") from None
    return dict(pairs)


def _around(request: Request) -> dict[str, str]:
    """Return the relative ways from a page to the root and to itself."""
    name = request.path_params.get("name")
    return {"up": up(request.scope), "here": quote(name) if name else "./"}


ROUTES = [
    Route("/", ask, methods=["POST"], include_in_schema=False),
    Route("/models/{name}", ask, methods=["POST"], include_in_schema=False),
    Route("/assets/{file}", file, methods=["GET"], include_in_schema=False),
]
