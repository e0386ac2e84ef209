"""POST /predict and POST /models/NAME/predict: rows in, classes and their probabilities out."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.body import read_json_body
from serve.decode import decode
from serve.encode import encode_many, encode_one
from serve.model import LoadedModel
from serve.routes.state import metrics, served_model, settings


async def predict(request: Request) -> Response:
    """Answer small requests on the loop, where a thread would cost more than the model, and large ones in a thread."""
    model, limits = served_model(request), settings(request)
    body = await read_json_body(request, limits.max_body_bytes, limits.body_seconds)
    if len(body) <= limits.inline_bytes:
        content, rows = answer(body, model, limits.max_rows)
    else:
        loop, threads = asyncio.get_running_loop(), request.app.state.threads
        content, rows = await loop.run_in_executor(threads, answer, body, model, limits.max_rows)
    metrics(request).predicted(model.name, rows)
    headers = {"x-model-name": model.name, "x-model-version": str(model.version)}
    return Response(content, media_type="application/json", headers=headers)


def answer(body: bytes, model: LoadedModel, max_rows: int) -> tuple[bytes, int]:
    """Return the JSON that answers a body, and the number of its rows."""
    decoded = decode(body, model, max_rows)
    encode = encode_one if decoded.single else encode_many
    return encode(model.predict(decoded.rows), model), len(decoded.rows)


ROUTES = [
    Route("/predict", predict, methods=["POST"]),
    Route("/models/{name}/predict", predict, methods=["POST"]),
]
