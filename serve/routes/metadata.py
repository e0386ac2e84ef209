"""GET / and GET /models/NAME: what a served model is."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.routes.state import served_model, watcher
from serve.shadow import Shadow


async def metadata(request: Request) -> Response:
    """Tell what the model is, how good it is, and what it takes."""
    model = served_model(request)
    manifest = model.manifest
    body: dict[str, Any] = {
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
        "task": "classification" if model.classes else "regression",
        "target": manifest.target.name,
        "features": model.signature.names,
        "columns": model.signature.described,
    }
    if model.classes:
        body |= {"classes": model.classes, "target_names": model.class_names}
    shadow = watcher(request).slots[model.name].shadow
    if shadow:
        body["candidate"] = _compared(shadow)
    return Response(orjson.dumps(body), media_type="application/json")


def _compared(shadow: Shadow) -> dict[str, Any]:
    """Tell what the candidate would have answered otherwise."""
    comparison = shadow.comparison
    return {
        "version": shadow.candidate.version,
        "rows": comparison.rows,
        "disagreements": comparison.disagreements,
        "share_of_disagreement": comparison.disagreements / comparison.rows if comparison.rows else 0.0,
        "mean_difference": comparison.mean_difference,
        "largest_difference": comparison.largest_difference,
        "dropped_rows": comparison.dropped_rows,
        "errors": comparison.errors,
    }


ROUTES = [Route("/", metadata, methods=["GET"]), Route("/models/{name}", metadata, methods=["GET"])]
