"""/v2/repository: which versions answer and which were refused, and, where that is allowed, loading and unloading."""

from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.access import asked_for_by_its_user
from serve.body import read_json_body
from serve.errors import Forbidden, Malformed, RequestError, WrongValues
from serve.inference.control import check_allowed, check_parameters
from serve.inference.index import entries_of, index_of
from serve.routes.state import settings, watcher

LARGEST = 64 * 2**10  # bytes of a request


class Asked(msgspec.Struct):
    """What the index is asked for: all versions, or those alone that answer."""

    ready: bool = False


class Control(msgspec.Struct):
    """With what a model is to be loaded or unloaded."""

    parameters: dict[str, msgspec.Raw] = {}


_ASKED, _CONTROL = msgspec.json.Decoder(Asked), msgspec.json.Decoder(Control)


async def index(request: Request) -> Response:
    """List the versions known here; only those that answer, where `ready` is asked for."""
    asked = await _body(request, _ASKED, Asked())
    return _json(index_of(watcher(request).slots, ready=asked.ready))


async def load(request: Request) -> Response:
    """Load the version that a model's CURRENT names, also after an unload."""
    asked = await _allowed(request)
    check_parameters(asked.parameters)
    model = await watcher(request).load(request.path_params["name"])
    return _entries(request, model.name)


async def unload(request: Request) -> Response:
    """Have a model answer no more until it is loaded again."""
    await _allowed(request)
    await watcher(request).unload(request.path_params["name"])
    return _entries(request, request.path_params["name"])


async def _allowed(request: Request) -> Control:
    """Return what is asked for, where loading and unloading is allowed at all."""
    check_allowed(settings(request))
    if not asked_for_by_its_user(request.headers.raw, request.method):  # a browser lets any page send such a request
        raise Forbidden("models are not loaded or unloaded by pages of other sites")
    asked: Control = await _body(request, _CONTROL, Control())
    return asked


async def _body(request: Request, decoder: Any, nothing: Any) -> Any:
    """Return the body, which may be empty."""
    limits = settings(request)
    with request.app.state.bodies.holding() as held:
        body = await read_json_body(request, held, min(limits.max_body_bytes, LARGEST), limits.body_seconds)
        try:
            return decoder.decode(body) if body else nothing
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
            raise _refusal(refusal) from None


def _refusal(refusal: Exception) -> RequestError:
    if isinstance(refusal, msgspec.ValidationError):
        return WrongValues("the body is not a request of the repository's; expected an object as the protocol has it")
    return Malformed("the body is not JSON")


def _entries(request: Request, name: str) -> Response:
    return _json(entries_of(watcher(request).slots[name]))


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


ROUTES = [
    Route("/v2/repository/index", index, methods=["GET", "POST"]),
    Route("/v2/repository/models/{name}/load", load, methods=["POST"]),
    Route("/v2/repository/models/{name}/unload", unload, methods=["POST"]),
]
