"""POST /predict and POST /models/NAME/predict: rows in, classes with their probabilities or numbers out."""

from functools import partial

from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.admission import Lane
from serve.body import read_json_body
from serve.decode import count_rows, decode
from serve.encode import encode_many, encode_one
from serve.errors import Overloaded
from serve.model import LoadedModel
from serve.routes.state import gone, named, served_model, service, settings
from serve.service import Answered


async def predict(request: Request) -> Response:
    """Answer rows."""
    model, limits = served_model(request), settings(request)
    with request.app.state.bodies.holding() as held:
        body = await read_json_body(request, held, limits.max_body_bytes, limits.body_seconds)
        work, rows = partial(answer, body, model, limits.max_rows), count_rows(body, limits.max_rows)
        answered = await service(request).answer(model, len(body), rows, work, gone(request))
    return Response(answered.content, media_type="application/json", headers=named(model))


def answer(body: bytes, model: LoadedModel, max_rows: int) -> Answered:
    """Return the JSON that answers a body, its rows, and the model's answers to them."""
    decoded = decode(body, model.signature, max_rows)
    answers = model.predict(decoded.rows)
    encode = encode_one if decoded.single else encode_many
    return Answered(encode(answers, model), decoded.rows, answers)


def refuse_at_the_door(state: State, path: bytes) -> Overloaded | None:
    """Return the refusal of a request of which only the head has come, where it is a prediction too many."""
    if not path.endswith(b"/predict") or state.drain.begun:
        return None
    lane: Lane = state.admission.inline
    if refusal := lane.refuse_at_the_door():
        route = ROUTES[path != b"/predict"].path
        state.metrics.answered(route, "POST", refusal.status, 0.0)
        state.metrics.overloaded(refusal.reason)
    return refusal


ROUTES = [
    Route("/predict", predict, methods=["POST"]),
    Route("/models/{name}/predict", predict, methods=["POST"]),
]
