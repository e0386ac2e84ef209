"""The forms in which servers take rows and give probabilities."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Question:
    """A request's body and its headers."""

    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: JSON)


@dataclass(frozen=True)
class Form:
    """Makes a question of rows [n, columns], and reads the probabilities [n, classes] of an answer."""

    name: str
    path: str
    ask: Callable[[Numbers], Question]
    read: Callable[[bytes], Numbers]


def _features_or_instances(rows: Numbers) -> Question:
    body = {"features": rows[0].tolist()} if len(rows) == 1 else {"instances": rows.tolist()}
    return Question(_compact(body))


def _instances(rows: Numbers) -> Question:
    return Question(_compact({"instances": rows.tolist()}))


def _tensor(rows: Numbers) -> dict[str, Any]:
    return {"name": "input", "shape": list(rows.shape), "datatype": "FP32"}


def _v2(rows: Numbers) -> Question:
    return Question(_compact({"inputs": [_tensor(rows) | {"data": rows.ravel().tolist()}]}))


def _v2_of_mlserver(rows: Numbers) -> Question:
    inputs = [_tensor(rows) | {"data": rows.ravel().tolist()}]
    return Question(_compact({"inputs": inputs, "outputs": [{"name": "predict_proba"}]}))


def _v2_binary(rows: Numbers) -> Question:
    raw = rows.astype("<f4").tobytes()
    inputs = [_tensor(rows) | {"parameters": {"binary_data_size": len(raw)}}]
    head = _compact({"inputs": inputs, "parameters": {"binary_data_output": True}})
    head += b" " * (-len(head) % 4)
    length = {"inference-header-content-length": str(len(head))}
    return Question(head + raw, {"content-type": "application/octet-stream"} | length)


def _compact(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _copse(content: bytes) -> Numbers:
    answer = json.loads(content)
    return np.array([each["probabilities"] for each in answer.get("predictions", [answer])])


def _predictions(content: bytes) -> Numbers:
    return np.array(json.loads(content)["predictions"])


def _list(content: bytes) -> Numbers:
    return np.array(json.loads(content))


def _outputs(content: bytes) -> Numbers:
    last = json.loads(content)["outputs"][-1]
    return np.array(last["data"]).reshape(last["shape"])


def _outputs_binary(content: bytes) -> Numbers:
    """Read the last output, whose bytes end the body; the JSON before them ends with the brackets of its members."""
    answer, _ = json.JSONDecoder().raw_decode(content.decode("latin-1"))
    last = answer["outputs"][-1]
    raw = content[-last["parameters"]["binary_data_size"] :]
    return np.frombuffer(raw, "<f4").reshape(last["shape"]).astype(np.float64)


PREDICT = Form("/predict", "/predict", _features_or_instances, _copse)
V2 = Form("v2 JSON", "/v2/models/breast-cancer/infer", _v2, _outputs)
V2_BINARY = Form("v2 binary", "/v2/models/breast-cancer/infer", _v2_binary, _outputs_binary)
INSTANCES = Form("JSON", "/predict", _instances, _predictions)
BENTOML = Form("JSON", "/predict", _instances, _list)
KSERVE = Form("v1 JSON", "/v1/models/forest:predict", _instances, _predictions)
MLSERVER = Form("v2 JSON", "/v2/models/forest/infer", _v2_of_mlserver, _outputs)
