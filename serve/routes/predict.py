"""POST /predict and POST /models/NAME/predict: rows in, classes with their probabilities or numbers out."""

from functools import partial

from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path

from serve.admission import Lane
from serve.body import JSON, read_json_body
from serve.compression import compressed
from serve.decode import count_rows, decode
from serve.decode_large import decode_large
from serve.encode import encode_many, encode_one
from serve.errors import Overloaded
from serve.model import LoadedModel
from serve.questions import Asked, AskedInPieces, Decode
from serve.routes.state import caller, named, served_model, service, settings

PREDICT, PREDICT_OF, PREDICT_V1 = "/predict", "/models/{name}/predict", "/v1/models/{name}:predict"
INFER, INFER_VERSION = "/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"
_DOORS = (b"/predict", b"/infer", b":predict")
PATTERNS = {template: compile_path(template)[0] for template in (PREDICT, PREDICT_OF, PREDICT_V1, INFER, INFER_VERSION)}


async def predict(request: Request) -> Response:
    """Answer rows."""
    model, limits = served_model(request), settings(request)
    with request.app.state.bodies.holding() as held:
        body = await read_json_body(request, held, limits.max_body_bytes, limits.body_seconds)
        rows, decode = question(body, None, model, limits.max_rows, request.headers.get("accept-encoding"))
        answered = await service(request).answer(model, len(body), rows, decode, caller(request))
    content, headers = answered.content
    return Response(content, headers=named(model) | headers)


def question(body: bytes, _: int | None, model: LoadedModel, max_rows: int, accepted: str | None) -> tuple[int, Decode]:
    """Return about how many rows a body has, and what decodes it; it is answered by JSON, compressed as is accepted."""
    return count_rows(body, max_rows), partial(_read, body, model, max_rows, accepted)


def _read(body: bytes, model: LoadedModel, max_rows: int, accepted: str | None) -> Asked | AskedInPieces:
    if pieces := decode_large(body, model.signature, max_rows):
        return AskedInPieces(pieces, lambda answers: compressed(encode_many(answers, model), accepted, JSON))
    rows, single = decode(body, model.signature, max_rows)
    encode = encode_one if single else encode_many
    return Asked(rows, lambda answers: compressed(encode(answers, model), accepted, JSON), single)


def refuse_at_the_door(state: State, path: bytes) -> Overloaded | None:
    """Return the refusal of a request of which only the head has come, where it is a prediction too many."""
    if not path.endswith(_DOORS) or state.drain.begun:
        return None
    lane: Lane = state.admission.inline
    if refusal := lane.refuse_at_the_door():
        state.metrics.turned_away(_template(path), "POST", refusal.status, refusal.reason)
    return refusal


def _template(path: bytes) -> str:
    """Return the template of a path at the door, which may be none of ours."""
    text = path.decode("latin-1")
    return next((template for template, pattern in PATTERNS.items() if pattern.match(text)), "unmatched")


ROUTES = [Route(PREDICT, predict, methods=["POST"]), Route(PREDICT_OF, predict, methods=["POST"])]
