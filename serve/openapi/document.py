"""The document at /openapi.json: every route of the application, with the schemas of the models that are loaded."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from starlette.routing import BaseRoute, Route

from serve.access import OPEN_PATHS
from serve.body import JSON
from serve.errors import NoSuchModel
from serve.model import LoadedModel
from serve.openapi.answers import TYPES, answer_schemas, explanation_schemas
from serve.openapi.failures import failures, responses
from serve.openapi.operations import OPERATIONS, Contents, Operation
from serve.openapi.protocol import ANSWERS, control_schemas, inference_schemas
from serve.openapi.rows import Schema, reference, request_schemas, schemas_of_types
from serve.settings import Settings

BEARER = "bearer"


def document(
    routes: Iterable[BaseRoute], models: Sequence[LoadedModel], meant: LoadedModel | None, settings: Settings
) -> dict[str, Any]:
    """Return the document of some routes and models, of which one is meant where none is named."""
    schemas = schemas_of_types(*TYPES, *ANSWERS) | control_schemas()
    for each in models:
        schemas |= request_schemas(each, settings.max_rows) | answer_schemas(each)
        schemas |= explanation_schemas(each, settings.max_rows) | inference_schemas(each, settings.max_rows)
    paths: dict[str, dict[str, Any]] = {}
    described = [route for route in routes if isinstance(route, Route) and key(route) in OPERATIONS]
    for route in described:
        for path, model in _places(route, models, meant):
            paths.setdefault(path, {}).update(_methods(route, path, model, settings))
    components = {"schemas": schemas, "responses": responses()}
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Copse",
            "version": ", ".join(f"{model.name} {model.version}" for model in models),
            "description": "The models that are served here, and what each of them takes and answers.",
        },
        "paths": paths,
        "components": components,
    }
    if settings.tokens_file:
        components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{BEARER: []}]
    return whole


def key(route: Route) -> str:
    """Return under which name a route's operation is described."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}.{route.endpoint.__name__}"


def _places(
    route: Route, models: Sequence[LoadedModel], meant: LoadedModel | None
) -> Iterator[tuple[str, LoadedModel | None]]:
    """Yield the paths of a route, each with the model that answers there; none where it is not clear which one."""
    operation = OPERATIONS[key(route)]
    if "{name}" in route.path_format:
        for model in filter(operation.can, models):
            yield route.path_format.format(name=model.name, version=model.version), model
    elif meant and operation.can(meant):
        yield route.path_format, meant
    elif operation.of_all or NoSuchModel not in operation.errors:
        yield route.path_format, None


def _methods(route: Route, path: str, model: LoadedModel | None, settings: Settings) -> dict[str, Any]:
    operation, named = OPERATIONS[key(route)], "{name}" in route.path_format
    described: dict[str, Any] = {
        "tags": [model.name if named and model else "server"],
        "summary": (inspect.getdoc(route.endpoint) or "").partition("\n")[0],
        "responses": _answers(operation, path, model, settings),
    }
    if settings.tokens_file and path in OPEN_PATHS:
        described["security"] = []
    if operation.parameters:
        described["parameters"] = operation.parameters
    body = {}
    if operation.body:
        content = _content(operation.body, model, operation)
        body = {"requestBody": {"required": not operation.bodiless, "content": content}}
    return {
        method.lower(): {"operationId": _identifier(method, path)} | described | ({} if method == "GET" else body)
        for method in sorted((route.methods or set()) - {"HEAD"})
    }


def _identifier(method: str, path: str) -> str:
    return f"{method.lower()}{path.replace('/', '-')}"


def _answers(operation: Operation, path: str, model: LoadedModel | None, settings: Settings) -> dict[str, Any]:
    answers = operation.of_all if operation.of_all and not model else operation.answers
    answered: dict[str, Any] = {"description": "answered", "content": _content(answers, model)}
    if operation.examples and model:
        header = {"required": True, "schema": {"const": model.name}}
        answered["headers"] = operation.headers | {
            "x-model-name": header,
            "x-model-version": header | {"schema": {"type": "integer"}},
        }
    protected = bool(settings.tokens_file) and path not in OPEN_PATHS
    return {"200": answered} | failures(operation.errors, protected=protected)


def _content(contents: Contents, model: LoadedModel | None, operation: Operation | None = None) -> dict[str, Any]:
    """Return what a body holds by its media type, with examples of an operation's."""
    content: dict[str, Any] = {kind: {"schema": _schema(given, model)} for kind, given in contents.items()}
    if operation and operation.examples and model:
        content[JSON]["examples"] = {name: {"value": value} for name, value in operation.examples(model).items()}
    return content


def _schema(given: tuple[str, ...] | Schema, model: LoadedModel | None) -> Schema:
    if isinstance(given, dict):
        return given
    name = model.name if model else ""
    references = [reference(name + each if each.startswith(".") else each) for each in given]
    return references[0] if len(references) == 1 else {"oneOf": references}
