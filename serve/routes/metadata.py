"""GET / and GET /models/NAME: what the served models are, as JSON for programs and as a page for people."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.errors import NotReady
from serve.model import LoadedModel
from serve.page.accept import prefers_html
from serve.routes.page import list_page, model_page
from serve.routes.state import served_model, settings, watcher
from serve.shadow import Shadow
from serve.slot import Slot


async def metadata(request: Request) -> Response:
    """Tell what the model is, how good it is, and what it takes; of several models, which there are."""
    page = prefers_html(request.headers)
    if _several(request):
        listed = _listed(request)
        return await list_page(request, listed) if page else _json({"models": listed})
    model = served_model(request)
    shadow = watcher(request).slots[model.name].shadow
    candidate = _compared(shadow) if shadow else None
    if page:
        return await model_page(request, model, candidate)
    return _json(_described(model) | ({"candidate": candidate} if candidate else {}))


def _several(request: Request) -> bool:
    """Return whether the path means all models: it names none, there are several, and the server means none of them."""
    named = request.path_params.get("name") or settings(request).model
    return not named and len(watcher(request).slots) > 1


def _json(body: dict[str, Any]) -> Response:
    body |= {"status": "alive"}  # what KServe's client asks / for
    return Response(orjson.dumps(body), headers={"vary": "accept"}, media_type="application/json")


def _described(model: LoadedModel) -> dict[str, Any]:
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
        "task": _task(model),
        "target": manifest.target.name,
        "features": model.signature.names,
        "columns": model.signature.described,
        "explained": model.explanation is not None,
    }
    if model.classes:
        body |= {"classes": model.classes, "target_names": model.class_names}
    return body


def _task(model: LoadedModel) -> str:
    return "classification" if model.classes else "regression"


def _listed(request: Request) -> list[dict[str, Any]]:
    """Return the models, those without a good version without version and task.

    Raises:
        NotReady: none has a good version.

    """
    slots = watcher(request).slots
    if not any(slot.serving for slot in slots.values()):
        problems = "; ".join(slot.problem for slot in slots.values() if slot.problem)
        raise NotReady(f"not ready: {problems or 'no version is loaded yet'}")
    return [_entry(slots[name]) for name in sorted(slots)]


def _entry(slot: Slot) -> dict[str, Any]:
    model = slot.serving
    known = {"version": model.version, "task": _task(model)} if model else {"version": None, "task": None}
    return {"name": slot.name, **known, "path": f"/models/{slot.name}"}


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
