"""Asks a server through tritonclient all that it can ask, over HTTP or gRPC; prints the answers as JSON.

Standard input holds {"protocol": "http" or "grpc", "address", "models": {name: {"columns": [[name, datatype]], "rows",
"whole"}}}; a missing number is null, and `whole` are the rows that lack nothing.
"""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

Found = dict[str, Any]


class Asked:
    """One protocol: a client, and how its requests are made."""

    def __init__(self, protocol: str, address: str) -> None:
        self.http = protocol == "http"
        self.module = tritonclient.http if self.http else tritonclient.grpc
        self.client = self.module.InferenceServerClient(address)

    def input(self, name: str, values: Any, datatype: str, *, binary: bool = True) -> Any:
        made = self.module.InferInput(name, list(values.shape), datatype)
        made.set_data_from_numpy(values, **({"binary_data": binary} if self.http else {}))
        return made

    def columns(self, columns: list[list[str]], rows: list[list[Any]], *, binary: bool = True) -> list[Any]:
        return [
            self.input(name, column_of([row[index] for row in rows], datatype), datatype, binary=binary)
            for index, (name, datatype) in enumerate(columns)
        ]

    def matrix(self, rows: list[list[Any]], dtype: str, datatype: str, *, binary: bool = True) -> list[Any]:
        return [self.input("input", np.array(rows, dtype=dtype), datatype, binary=binary)]

    def wanted(self, *names: str, binary: bool = True) -> list[Any]:
        options = {"binary_data": binary} if self.http else {}
        return [self.module.InferRequestedOutput(name, **options) for name in names]

    def infer(self, model: str, inputs: list[Any], **options: Any) -> Found:
        return outputs_of(self.client.infer(model, inputs, **options))


def column_of(values: list[Any], datatype: str) -> Any:
    """Return a column [n, 1]; a missing text is the empty one."""
    if datatype == "BYTES":
        return np.array([[value or ""] for value in values], dtype=np.object_)
    return np.array([[value] for value in values], dtype=np.float32)


def outputs_of(result: Any) -> Found:
    """Return the values of all outputs by name."""
    response = result.get_response()
    outputs = response["outputs"] if isinstance(response, dict) else response.outputs
    names = [each["name"] if isinstance(each, dict) else each.name for each in outputs]
    return {name: plain(result.as_numpy(name)) for name in names}


def plain(values: Any) -> Any:
    """Return an array as nested lists."""
    if values.dtype != np.object_:
        return values.tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values.reshape(-1)]


def answers(asked: Asked, model: str, given: Found) -> Found:
    """Return what each way of asking for the same rows answers."""
    columns, rows, whole = given["columns"], given["rows"], given["whole"]
    outputs = given["outputs"]
    found = {"a tensor a column": asked.infer(model, asked.columns(columns, rows))}
    found["version"] = asked.infer(model, asked.columns(columns, rows), model_version="1")
    found["outputs"] = asked.infer(model, asked.columns(columns, rows), outputs=asked.wanted(*outputs))
    if asked.http:
        in_json = asked.columns(columns, whole, binary=False)
        found["whole rows: JSON"] = asked.infer(model, in_json, outputs=asked.wanted(*outputs, binary=False))
        found["whole rows: JSON asked, binary answered"] = asked.infer(model, in_json)
        found["JSON answered"] = asked.infer(
            model, asked.columns(columns, rows), outputs=asked.wanted(*outputs, binary=False)
        )
        for kind in ("gzip", "deflate"):
            packed = {"request_compression_algorithm": kind, "response_compression_algorithm": kind}
            found[kind] = asked.infer(model, asked.columns(columns, rows), **packed)
    else:
        found["gzip"] = asked.infer(model, asked.columns(columns, rows), compression_algorithm="gzip")
    if all(datatype == "FP32" for _, datatype in columns):
        found["one tensor"] = asked.infer(model, asked.matrix(rows, "f4", "FP32"))
        found["one tensor of doubles"] = asked.infer(model, asked.matrix(rows, "f8", "FP64"))
    return found


def facts(asked: Asked, model: str, given: Found) -> Found:
    """Return what the client tells of the server and a model."""
    client, options = asked.client, {} if asked.http else {"as_json": True}
    inputs = asked.columns(given["columns"], given["rows"])
    last = given["outputs"][-1]
    response = client.infer(model, inputs, request_id="number 7", outputs=asked.wanted(last)).get_response(**options)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready(model),
        "version ready": client.is_model_ready(model, "1"),
        "another version ready": fails(lambda: client.is_model_ready(model, "9")),
        "another model ready": fails(lambda: client.is_model_ready("nobody")),
        "server": client.get_server_metadata(**options),
        "model": client.get_model_metadata(model, **options),
        "index": client.get_model_repository_index(**options),
        "id": response["id"],
        "model answered": [response["model_name"], response["model_version"]],
        "only what is wanted": [each["name"] for each in response["outputs"]] == [last],
    }


def errors(asked: Asked, model: str, given: Found) -> Found:
    """Return status and sentence of what is refused."""
    columns, rows = given["columns"], given["rows"]
    inputs = asked.columns(columns, rows)
    short = np.zeros((1, 2), dtype=np.float32)
    texts = np.array([["red"]] * len(rows), dtype=np.object_)
    number = next(place for place, (_, datatype) in enumerate(columns) if datatype == "FP32")
    name = columns[number][0]
    swapped = [*inputs[:number], asked.input(name, texts, "BYTES"), *inputs[number + 1 :]]
    misshapen = [*inputs[:number], asked.input(name, short, "FP32"), *inputs[number + 1 :]]
    misnamed = [*inputs[:number], asked.input("hidden", short, "FP32"), *inputs[number + 1 :]]
    return {
        "unknown model": fails(lambda: asked.infer("nobody", inputs)),
        "unknown version": fails(lambda: asked.infer(model, inputs, model_version="9")),
        "wrong shape": fails(lambda: asked.infer(model, misshapen)),
        "wrong datatype": fails(lambda: asked.infer(model, swapped)),
        "wrong name": fails(lambda: asked.infer(model, misnamed)),
        "wrong output": fails(lambda: asked.infer(model, inputs, outputs=asked.wanted("hidden"))),
        "unknown model's metadata": fails(lambda: asked.client.get_model_metadata("nobody")),
    }


def fails(ask: Any) -> Any:
    """Return status and sentence of the error, or what was answered."""
    try:
        return ask()
    except InferenceServerException as error:
        return [error.status(), error.message()]


def main() -> None:
    given = json.load(sys.stdin)
    asked = Asked(given["protocol"], given["address"])
    each = {
        name: {"answers": answers(asked, name, model), "facts": facts(asked, name, model)}
        | {"errors": errors(asked, name, model)}
        for name, model in given["models"].items()
    }
    json.dump(each, sys.stdout)


if __name__ == "__main__":
    main()
