"""GET / and GET /models/NAME: what a served model is."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import served_model


async def metadata(request: Request) -> Response:
    """Tell what the model is, how good it is, and what it takes."""
    model = served_model(request)
    manifest = model.manifest
    body = {
        "model": model.name,
        "version": model.version,
        "estimator": manifest.estimator,
        "created": manifest.provenance.created,
        "dataset": {
            "name": manifest.dataset.name,
            "rows": manifest.dataset.rows,
            "held_out": manifest.dataset.held_out,
        },
        "metrics": manifest.metrics,
        "features": model.columns,
        "classes": model.classes,
        "target_names": model.class_names,
    }
    return Response(orjson.dumps(body), media_type="application/json")


ROUTES = [Route("/", metadata, methods=["GET"]), Route("/models/{name}", metadata, methods=["GET"])]
