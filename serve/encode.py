"""From arrays to a response's JSON; float32 is printed as the shortest text that reads back the same: 0.01."""

import orjson

from serve.model import LoadedModel
from serve.onnx_runtime import Answers


def encode_one(answers: Answers, model: LoadedModel) -> bytes:
    """Return the answer to one row."""
    labels, probabilities = answers
    body = {"prediction": labels.tolist()[0], "probabilities": probabilities[0], "target_names": model.class_names}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def encode_many(answers: Answers, model: LoadedModel) -> bytes:
    """Return the answers to a list of rows, in its order."""
    labels, probabilities = answers
    predictions = [
        {"prediction": label, "probabilities": row} for label, row in zip(labels.tolist(), probabilities, strict=True)
    ]
    body = {"predictions": predictions, "target_names": model.class_names}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
