"""Asking the model for the page: one row in, the answer as `/explain` or `/predict` tells it."""

from typing import Any

import orjson

from serve.decode import decode
from serve.encode import encode_one
from serve.explanation.encode import encode
from serve.model import LoadedModel
from serve.numbers import check_rows
from serve.onnx_runtime import Answers, Inputs
from serve.questions import Asked
from serve.signature import Value


def rows_of(row: list[Value], model: LoadedModel) -> Inputs:
    """Return a row as the model takes it.

    Raises:
        WrongValues: it does not take it.

    """
    rows, _ = decode(orjson.dumps({"features": row}), model.signature, 1)
    check_rows(rows, model.signature, single=True)
    return rows


def asked_of(rows: Inputs, model: LoadedModel) -> Asked:
    """Return what asks for the answer to a row, its contributions with it where the model is explained."""

    def encoded(answers: Answers) -> Any:
        if model.explanation is None:
            return orjson.loads(encode_one(answers, model))
        contributions = model.explanation.of(rows)
        return orjson.loads(encode(answers, contributions, model, model.explanation, single=True))

    return Asked(rows, encoded, single=True)
