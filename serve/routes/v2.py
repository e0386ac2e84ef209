"""/v2: the Open Inference Protocol over HTTP."""

from collections.abc import Callable
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.body import BINARY, JSON, read_body
from serve.compression import compressed
from serve.decode import estimated_count
from serve.errors import Malformed, WrongMediaType
from serve.inference.metadata import model_metadata, server_metadata
from serve.inference.outputs import check_wanted, tensors_of
from serve.inference.request import decode_request
from serve.inference.response import encode_response
from serve.inference.rows import rows_of
from serve.model import LoadedModel
from serve.onnx_runtime import Answers
from serve.questions import Asked
from serve.routes.health import livez, readyz
from serve.routes.predict import INFER, INFER_VERSION
from serve.routes.state import caller, named, service, settings, watcher

LENGTH = "inference-header-content-length"
_NUMBER_BYTES = 4  # of a float32, for about how many rows bytes are
_MODEL, _VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"


async def server(_: Request) -> Response:
    """Tell what the server is."""
    return Response(orjson.dumps(server_metadata()), media_type=JSON)


async def model(request: Request) -> Response:
    """Tell what a model takes and gives."""
    return Response(orjson.dumps(model_metadata(_served(request))), media_type=JSON)


async def model_ready(request: Request) -> Response:
    """Say that a model answers; 503 where it does not yet."""
    return Response(orjson.dumps({"name": _served(request).name, "ready": True}), media_type=JSON)


async def infer(request: Request) -> Response:
    """Answer rows."""
    model, limits = _served(request), settings(request)
    with request.app.state.bodies.holding() as held:
        body = await read_body(request, held, limits.max_body_bytes, limits.body_seconds, (JSON, BINARY))
        length = json_length(request.headers.get(LENGTH), request.headers.get("content-type", ""))
        rows, decode = question(body, length, model, limits.max_rows, request.headers.get("accept-encoding"))
        answered = await service(request).answer(model, len(body), rows, decode, caller(request))
    content, headers = answered.content
    return Response(content, headers=named(model) | headers)


def question(
    body: bytes, length: int | None, model: LoadedModel, max_rows: int, accepted: str | None
) -> tuple[int, Callable[[], Asked]]:
    """Return about how many rows a body has, whose JSON is of some length, and what decodes it.

    It is answered by a response, compressed as is accepted.
    """
    rows = min(max_rows, _about_rows(body, length, len(model.signature.names)))
    return rows, partial(_read, body, length, model, max_rows, accepted)


def _read(body: bytes, length: int | None, model: LoadedModel, max_rows: int, accepted: str | None) -> Asked:
    request = decode_request(body, length, model.signature, max_rows)
    check_wanted(request.wanted, model)

    def encode(answers: Answers) -> tuple[bytes, dict[str, str]]:
        content, length = encode_response(request, tensors_of(answers, model, request.wanted), model)
        if length is None:
            return compressed(content, accepted, JSON)
        content, headers = compressed(content, accepted, BINARY)
        return content, headers | {LENGTH: str(length)}

    return Asked(rows_of(request.inputs, model.signature, max_rows), encode)


def _served(request: Request) -> LoadedModel:
    """Return the model of the path, if it is of the version that the path may name."""
    return watcher(request).served(request.path_params["name"], request.path_params.get("version"))


def json_length(declared: str | None, media_type: str) -> int | None:
    """Return how many bytes of a body are JSON, where that is not all of it.

    Raises:
        Malformed: what is declared is no number of bytes.
        WrongMediaType: none of the body is JSON, but its media type says so.

    """
    if declared is None:
        return None
    if not declared.isdecimal() or len(declared) > len(str(2**63)):
        raise Malformed("Inference-Header-Content-Length is not a number of bytes")
    if int(declared) == 0 and JSON in media_type:
        raise WrongMediaType(f"a body without JSON is no JSON: send it with content-type: {BINARY}")
    return int(declared)


def _about_rows(body: bytes, length: int | None, columns: int) -> int:
    """Return about how many rows a body has, by its size or by the commas between its values."""
    if length is None:
        return 1 + estimated_count(body, b",") // columns
    return 1 + max(0, len(body) - length) // (_NUMBER_BYTES * columns)


ROUTES = [
    Route(INFER, infer, methods=["POST"]),
    Route(INFER_VERSION, infer, methods=["POST"]),
    Route("/v2", server, methods=["GET"]),
    Route("/v2/", server, methods=["GET"]),
    Route("/v2/health/live", livez, methods=["GET"]),
    Route("/v2/health/ready", readyz, methods=["GET"]),
    Route(f"{_MODEL}/ready", model_ready, methods=["GET"]),
    Route(f"{_VERSION}/ready", model_ready, methods=["GET"]),
    Route(_MODEL, model, methods=["GET"]),
    Route(_VERSION, model, methods=["GET"]),
]
