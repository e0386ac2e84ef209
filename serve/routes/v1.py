"""/v1: the older protocol of TensorFlow Serving and KServe, for clients that have it."""

import orjson
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.predict import PREDICT_V1, predict
from serve.routes.state import served_model, watcher


class NameAlone(StringConvertor):
    """A model's name, which has no colon: what follows one is asked of the model."""

    regex = "[^/:]+"


register_url_convertor("name_alone", NameAlone())


async def models(request: Request) -> Response:
    """List the models that answer."""
    names = sorted(slot.name for slot in watcher(request).slots.values() if slot.serving)
    return Response(orjson.dumps({"models": names}), media_type="application/json")


async def model(request: Request) -> Response:
    """Say that a model answers; 503 where it does not yet."""
    return Response(orjson.dumps({"name": served_model(request).name, "ready": True}), media_type="application/json")


ROUTES = [
    Route(PREDICT_V1, predict, methods=["POST"]),
    Route("/v1/models", models, methods=["GET"]),
    Route("/v1/models/{name:name_alone}", model, methods=["GET"]),
]
