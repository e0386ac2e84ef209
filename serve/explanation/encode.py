"""From contributions to a response's JSON; they are printed so that they add up: as the shortest text of a float64."""

from typing import Any

import orjson

from serve.encode import check_finite
from serve.explanation.explanation import Explanation
from serve.explanation.shapley import Floats
from serve.model import LoadedModel
from serve.onnx_runtime import Answers


def encode(
    answers: Answers, contributions: Floats, model: LoadedModel, explanation: Explanation, single: bool
) -> bytes:
    """Return answers, and their contributions [n, columns, outputs] by column.

    Raises:
        WrongValues: an answer is not finite.

    """
    check_finite(answers, single=single)
    common: dict[str, Any] = {"target_names": model.class_names} if model.classes else {}
    common["scale"] = explanation.scale
    rows = _rows(answers, contributions, model, explanation)
    body = rows[0] | common if single else {"explanations": rows} | common
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def _rows(
    answers: Answers, contributions: Floats, model: LoadedModel, explanation: Explanation
) -> list[dict[str, Any]]:
    labels, probabilities = answers
    numbers = not model.classes
    predictions: Any = labels if numbers else labels.tolist()
    base = explanation.base.tolist()
    rows = []
    for index, values in enumerate(contributions[:, :, 0].tolist() if numbers else contributions):
        row = {"prediction": predictions[index]}
        if probabilities.shape[1]:
            row["probabilities"] = probabilities[index]
        row["base"] = base[0] if numbers else base
        row["contributions"] = dict(zip(model.signature.names, values, strict=True))
        rows.append(row)
    return rows
