"""The Starlette application: routes, errors as JSON, and the watch over the model repository."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serve.access import RequireToken, tokens_from
from serve.admission import Admission, ClientGone
from serve.blocks import Blocks
from serve.body import BodyMemory
from serve.cpus import container_cpus
from serve.drain import CloseWhileDraining, Drain
from serve.errors import ModelFailed, RequestError, retry_after
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.observer import Observe, Observer
from serve.openapi.current import Document
from serve.page.failure import failure
from serve.questions import answer_all
from serve.request_log import caller_of
from serve.routes import explain, health, metadata, openapi, page, predict, repository, v1, v2
from serve.routes import metrics as exposition
from serve.routes.state import caller
from serve.service import Service
from serve.settings import Settings
from serve.traces import traces_from
from serve.watcher import Watcher

if TYPE_CHECKING:
    from serve.prediction_log.log import PredictionLog

log = logging.getLogger("copse")

V2 = "/v2/"
TRACES_SECONDS = 1.0  # how long the end waits for the last traces to be sent
THREADS = "predict"  # how the threads for large requests are named

_SENTENCES = {404: "there is no such path; GET / tells what is served", 405: "this path does not take this method"}

ROUTES = [  # those that are asked most come first: each request is held against one after another
    *predict.ROUTES,
    *v2.ROUTES,
    *explain.ROUTES,
    *metadata.ROUTES,
    *v1.ROUTES,
    *health.ROUTES,
    *repository.ROUTES,
    *exposition.ROUTES,
    *openapi.ROUTES,
    *page.ROUTES,
]


def create_app(settings: Settings) -> Starlette:
    """Return the application; its lifespan looks for models, and at what may be rotated, as long as it lasts.

    Raises:
        SettingError: the file with the tokens cannot be used.

    """
    state = _state(settings)
    middleware = [
        Middleware(Observe, observer=state.observer, unexpected=_answer_unexpected),
        Middleware(CloseWhileDraining, drain=state.drain),
    ]
    if state.tokens:
        middleware.append(Middleware(RequireToken, tokens=state.tokens))
    handlers = {
        RequestError: _answer_request_error,
        HTTPException: _answer_http_exception,
        ClientDisconnect: _answer_nobody,
        ClientGone: _answer_nobody,
    }
    app = Starlette(middleware=middleware, routes=ROUTES, exception_handlers=handlers, lifespan=_watch_models)
    app.router.redirect_slashes = False
    app.state = state
    return app


def _state(settings: Settings) -> State:
    """Return what the routes find in the application."""
    watcher, workers = Watcher(settings), settings.threads or container_cpus()
    threads = ThreadPoolExecutor(workers, THREADS)
    admission = Admission(
        partial(answer_all, blocks=Blocks(threads, workers)),
        threads,
        workers=workers,
        under_way=settings.rows_under_way,
        waiting=settings.waiting_requests,
        seconds=settings.wait_seconds,
    )
    metrics, traces = Metrics(watcher, admission), traces_from(os.environ)
    prediction_log = _prediction_log(settings, watcher)
    tokens = tokens_from(settings.tokens_file) if settings.tokens_file else None
    return State(
        {
            "settings": settings,
            "watcher": watcher,
            "metrics": metrics,
            "observer": Observer(metrics, traces),
            "drain": Drain(settings.drain_seconds),
            "tokens": tokens,
            "rotating": [tokens] if tokens else [],
            "threads": threads,
            "admission": admission,
            "service": Service(settings, watcher, admission, metrics, prediction_log),
            "openapi": Document(ROUTES, settings, watcher),
            "bodies": BodyMemory(settings.held_bytes),
            "prediction_log": prediction_log,
            "traces": traces,
        }
    )


def _serving(watcher: Watcher) -> list[LoadedModel]:
    return [slot.serving for slot in watcher.slots.values() if slot.serving]


def _prediction_log(settings: Settings, watcher: Watcher) -> "PredictionLog | None":
    if settings.prediction_log is None:
        return None
    from serve.prediction_log.opening import open_log  # noqa: PLC0415 - only where it is asked for

    return open_log(settings.prediction_log, settings, partial(_serving, watcher))


@contextlib.asynccontextmanager
async def _watch_models(app: Starlette) -> AsyncIterator[None]:
    watcher: Watcher = app.state.watcher
    looks = [watcher.watch(), *(each.watch(app.state.settings.poll_seconds) for each in app.state.rotating)]
    tasks = [asyncio.create_task(look) for look in looks]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await watcher.close()
    if app.state.traces:
        await asyncio.to_thread(app.state.traces.close, TRACES_SECONDS)


async def _answer_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    settings: Settings = request.app.state.settings
    seconds = retry_after(error, settings.poll_seconds)
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    if isinstance(error, ModelFailed):
        log.error("%s", error, extra=caller_of(request.scope))
    request.app.state.metrics.refused(error.reason)
    told = {"error": error.in_full()} if request.scope["path"].startswith(V2) else {}  # all that its clients show
    return await failure(request.scope, error.status, error.body() | told, headers)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, "the request cannot be answered")
    headers = {"allow": _allowed(request)} if error.status_code == 405 else {}
    return await failure(request.scope, error.status_code, {"error": sentence}, headers)


def _allowed(request: Request) -> str:
    """Return the methods of all routes of a path; Starlette names those of the first."""
    routes: list[Route] = request.app.routes
    methods = [route.methods or () for route in routes if route.path_regex.match(request.scope["path"])]
    return ", ".join(sorted(set(chain.from_iterable(methods))))


async def _answer_nobody(request: Request, _: Exception) -> Response:
    caller(request).left = True
    return Response(status_code=400)  # the client has gone; nothing is sent


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    log.error("a request failed unexpectedly (%s)", type(error).__name__, extra=caller_of(request.scope))
    request.app.state.metrics.refused(RequestError.reason)
    return await failure(request.scope, 500, {"error": "the request failed for a reason of the server's"})
