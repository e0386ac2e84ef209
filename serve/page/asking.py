"""Asking the model for the page: one row in, the answer as `/explain` or `/predict` tells it."""

from typing import Any

import orjson

from serve.decode import decode
from serve.encode import encode_one
from serve.explanation.encode import encode
from serve.model import LoadedModel
from serve.onnx_runtime import Inputs
from serve.service import Answered
from serve.signature import Value


def rows_of(row: list[Value], model: LoadedModel) -> Inputs:
    """Return a row as the model takes it.

    Raises:
        WrongValues: it does not take it.

    """
    return decode(orjson.dumps({"features": row}), model.signature, 1).rows


def answer(rows: Inputs, model: LoadedModel) -> Answered:
    """Return the answer to a row, its contributions with it where the model is explained."""
    answers = model.predict(rows)
    if model.explanation is None:
        return Answered(_loaded(encode_one(answers, model)), rows, answers)
    contributions = model.explanation.of(rows)
    return Answered(_loaded(encode(answers, contributions, model, model.explanation, single=True)), rows, answers)


def _loaded(content: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(content)
    return loaded
