"""POST /explain and POST /models/NAME/explain: rows in, answers out, and each column's contribution to them."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.body import read_json_body
from serve.decode import count_rows, decode
from serve.errors import NotExplained
from serve.explanation.encode import encode
from serve.explanation.explanation import Explanation
from serve.model import LoadedModel
from serve.questions import Asked
from serve.routes.state import caller, named, served_model, service, settings
from serve.service import ALWAYS_IN_A_THREAD


async def explain(request: Request) -> Response:
    """Answer rows and explain the answers."""
    model, limits = served_model(request), settings(request)
    explanation = model.explanation
    if explanation is None:
        raise NotExplained(
            "the answers of this version are not explained; those of trees, forests and boosting are, once trained anew"
        )
    most = min(limits.max_rows, explanation.most_rows)
    with request.app.state.bodies.holding() as held:
        body = await read_json_body(request, held, limits.max_body_bytes, limits.body_seconds)
        decoded, rows = partial(_read, body, model, explanation, most), count_rows(body, most)
        answered = await service(request).answer(model, ALWAYS_IN_A_THREAD, rows, decoded, caller(request))
    return Response(answered.content, media_type="application/json", headers=named(model))


def _read(body: bytes, model: LoadedModel, explanation: Explanation, most: int) -> Asked:
    rows, single = decode(body, model.signature, most)
    return Asked(rows, lambda answers: encode(answers, explanation.of(rows), model, explanation, single), single)


ROUTES = [
    Route("/explain", explain, methods=["POST"]),
    Route("/models/{name}/explain", explain, methods=["POST"]),
]
