"""What each route takes and gives, by the name of its module and function; all else is derived from the route."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST

from serve.errors import (
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
from serve.openapi.rows import Schema
from serve.welcome import example_body

JSON = "application/json"
TEXT: Schema = {"type": "string"}

Errors = tuple[type[RequestError], ...]
Contents = dict[str, tuple[str, ...] | Schema]

OF_A_MODEL: Errors = (NoSuchModel, NotReady)
OF_ROWS: Errors = (*OF_A_MODEL, TooLarge, WrongMediaType, WrongValues, ModelFailed)


class Operation(NamedTuple):
    """The answer, and the body where one is taken: by media type a schema, or the names of those of which one is meant.

    A name that begins with a dot is that of a schema of the model that answers, whose name and version are then among
    the answer's headers. `examples` are bodies that are answered, by what they show. `can` tells which models have it.
    """

    answers: Contents
    errors: Errors = ()
    body: Contents | None = None
    examples: Callable[[LoadedModel], dict[str, Any]] | None = None
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


OPERATIONS = {
    "metadata.metadata": Operation({JSON: ("Model",)}, OF_A_MODEL),
    "predict.predict": Operation(
        {JSON: (".OneAnswer", ".ManyAnswers")}, OF_ROWS, {JSON: (".OneRow", ".ManyRows")}, examples_of_rows
    ),
    "explain.explain": Operation(
        {JSON: (".OneExplanation", ".ManyExplanations")},
        (*OF_ROWS, NotExplained),
        {JSON: (".OneRow", ".ManyRowsToExplain")},
        examples_of_rows,
        lambda model: model.explanation is not None,
    ),
    "health.livez": Operation({JSON: ("Live",)}),
    "health.readyz": Operation({JSON: ("Ready",)}, (NotReady,)),
    "repository.index": Operation({JSON: {"type": "array", "items": {"$ref": "#/components/schemas/Known"}}}),
    "metrics.exposition": Operation({CONTENT_TYPE_LATEST: TEXT}),
    "openapi.openapi": Operation({JSON: {"type": "object"}}, (NotReady,)),
    "openapi.docs": Operation({"text/html": TEXT}, (NotInstalled,)),
}
