"""Asking the model for the page: one row in, the answer as `/explain` or `/predict` tells it."""

from typing import Any

import orjson

from serve.decode import decode
from serve.encode import encode_one
from serve.explanation.encode import encode
from serve.model import LoadedModel
from serve.service import Answered
from serve.signature import Value


def body_of(row: list[Value]) -> bytes:
    """Return the body of a request for one row."""
    return orjson.dumps({"features": row})


def answer(body: bytes, model: LoadedModel) -> Answered:
    """Return the answer to a row, its contributions with it where the model is explained."""
    rows = decode(body, model.signature, 1).rows
    answers = model.predict(rows)
    if model.explanation is None:
        return Answered(_loaded(encode_one(answers, model)), rows, answers)
    contributions = model.explanation.of(rows)
    return Answered(_loaded(encode(answers, contributions, model, model.explanation, single=True)), rows, answers)


def _loaded(content: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(content)
    return loaded
