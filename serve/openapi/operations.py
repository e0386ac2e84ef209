"""What each route takes and gives, by the name of its module and function; all else is derived from the route."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST

from serve.body import BINARY, JSON
from serve.errors import (
    Forbidden,
    ModelFailed,
    NoSuchModel,
    NotExplained,
    NotInstalled,
    NotReady,
    RequestError,
    TooLarge,
    WrongMediaType,
    WrongValues,
)
from serve.model import LoadedModel
from serve.openapi.protocol import examples_of_tensors
from serve.openapi.rows import Schema, list_of, reference
from serve.routes.v2 import LENGTH
from serve.welcome import example_body

HTML = "text/html"
TEXT: Schema = {"type": "string"}
BYTES: Schema = {"type": "string", "format": "binary"}

Errors = tuple[type[RequestError], ...]
Contents = dict[str, tuple[str, ...] | Schema]

OF_A_MODEL: Errors = (NoSuchModel, NotReady)
OF_A_BODY: Errors = (TooLarge, WrongMediaType, WrongValues)
OF_ROWS: Errors = (*OF_A_MODEL, *OF_A_BODY, ModelFailed)


class Operation(NamedTuple):
    """What is answered, and the body where one is taken: by media type a schema, or names of which one fits.

    A name that begins with a dot is that of a schema of the model that answers. `bodiless` says whether the body may be
    left out, `examples` are bodies that are answered, by what they show, and with them the answer's headers name model
    and version, beside other `headers`. `of_all` is answered where no model is named or meant. `can` tells which models
    have the operation.
    """

    answers: Contents
    errors: Errors = ()
    body: Contents | None = None
    bodiless: bool = False
    examples: Callable[[LoadedModel], dict[str, Any]] | None = None
    parameters: Sequence[Schema] = ()
    headers: Schema = {}  # noqa: RUF012 - of a tuple, and never changed
    of_all: Contents | None = None
    can: Callable[[LoadedModel], bool] = lambda _: True


def examples_of_rows(model: LoadedModel) -> dict[str, Any]:
    """Return bodies of a real row in each form."""
    row = json.loads(example_body(model))["features"]
    named = dict(zip(model.signature.names, row, strict=True))
    return {
        "one row, by name": {"features": named},
        "one row, in the order of the columns": {"features": row},
        "many rows": {"instances": [row, named]},
    }


_LENGTH: Schema = {
    "schema": {"type": "integer", "minimum": 0},
    "description": "how many bytes of the body are JSON, where tensors follow it as bytes",
}
_CONTROL = Operation(
    {JSON: list_of(reference("Known"))}, (Forbidden, *OF_A_MODEL, *OF_A_BODY), {JSON: ("Control",)}, bodiless=True
)
OPERATIONS = {
    "metadata.metadata": Operation({JSON: ("Model",), HTML: TEXT}, OF_A_MODEL, of_all={JSON: ("Models",), HTML: TEXT}),
    "predict.predict": Operation(
        {JSON: (".OneAnswer", ".ManyAnswers")}, OF_ROWS, {JSON: (".OneRow", ".ManyRows")}, examples=examples_of_rows
    ),
    "explain.explain": Operation(
        {JSON: (".OneExplanation", ".ManyExplanations")},
        (*OF_ROWS, NotExplained),
        {JSON: (".OneRow", ".ManyRowsToExplain")},
        examples=examples_of_rows,
        can=lambda model: model.explanation is not None,
    ),
    "health.livez": Operation({JSON: ("Live",)}),
    "health.readyz": Operation({JSON: ("Ready",)}, (NotReady,)),
    "v1.models": Operation({JSON: ("Names",)}),
    "v1.model": Operation({JSON: ("ReadyModel",)}, OF_A_MODEL),
    "v2.server": Operation({JSON: ("Server",)}),
    "v2.model": Operation({JSON: ("ModelOfProtocol",)}, OF_A_MODEL),
    "v2.model_ready": Operation({JSON: ("ReadyModel",)}, OF_A_MODEL),
    "v2.infer": Operation(
        {JSON: (".Inferred",), BINARY: BYTES},
        OF_ROWS,
        {JSON: (".Inference",), BINARY: BYTES},
        examples=examples_of_tensors,
        parameters=[{"name": LENGTH, "in": "header"} | _LENGTH],
        headers={LENGTH: _LENGTH},
    ),
    "repository.index": Operation({JSON: list_of(reference("Known"))}, OF_A_BODY, {JSON: ("Asked",)}, bodiless=True),
    "repository.load": _CONTROL,
    "repository.unload": _CONTROL,
    "metrics.exposition": Operation({CONTENT_TYPE_LATEST: TEXT}),
    "openapi.openapi": Operation({JSON: {"type": "object"}}, (NotReady,)),
    "openapi.docs": Operation({HTML: TEXT}, (NotInstalled,)),
}
