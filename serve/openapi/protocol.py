"""The Open Inference Protocol as types and as JSON Schema: its requests as they are decoded, and its answers."""

import json
from typing import Any

import msgspec

from serve.inference.outputs import LABEL, label_datatype, output_names
from serve.inference.request import RequestBody, WantedOutput
from serve.inference.rows import takes_matrix
from serve.inference.tensor import BYTES, DATATYPES, FP32
from serve.inference.values import Input
from serve.model import LoadedModel
from serve.onnx_runtime import NUMBERS
from serve.openapi.rows import Schema, list_of, schemas_of_types
from serve.routes.repository import Asked, Control
from serve.signature import Signature
from serve.welcome import example_body


class Server(msgspec.Struct, forbid_unknown_fields=True):
    """What the server is, and which extensions of the protocol it has."""

    name: str
    version: str
    extensions: list[str]


class TensorOfModel(msgspec.Struct, forbid_unknown_fields=True):
    """An input or an output; in its shape -1 stands for any number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ModelOfProtocol(msgspec.Struct, forbid_unknown_fields=True):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorOfModel]
    outputs: list[TensorOfModel]


class ReadyModel(msgspec.Struct, forbid_unknown_fields=True):
    """A model that answers."""

    name: str
    ready: bool


class Names(msgspec.Struct, forbid_unknown_fields=True):
    """The names of the models that answer."""

    models: list[str]


_VALUES = {"f": "number", "i": "integer", "u": "integer", "b": "boolean", "O": "string"}  # by the kind of dtype
ANSWERS = (Server, ModelOfProtocol, ReadyModel, Names)


def control_schemas() -> dict[str, Schema]:
    """Return the schemas of what may be asked of the repository, by their names."""
    types = schemas_of_types(Asked, Control)
    parameters = types[Control.__name__]["properties"]["parameters"]
    parameters["propertyNames"] = {"not": {"pattern": "^(config$|file:)"}}
    return types


def inference_schemas(model: LoadedModel, max_rows: int) -> dict[str, Schema]:
    """Return the schemas of an inference request and its answer, by the model's name and their own.

    JSON Schema cannot say that the data has as many values as the shape tells; all else is narrowed to the model.
    """
    types = schemas_of_types(RequestBody)
    request, sent, wanted = (types[each.__name__] for each in (RequestBody, Input, WantedOutput))
    narrowed = {
        "inputs": {"anyOf": _inputs(sent, model.signature, max_rows)},
        "outputs": {"anyOf": [list_of(_with(wanted, name={"enum": output_names(model)})), {"type": "null"}]},
    }
    whole = _inlined(_with(request, **narrowed), types)
    return {f"{model.name}.Inference": whole | {"title": "Inference"}, f"{model.name}.Inferred": _inferred(model)}


def _inputs(sent: Schema, signature: Signature, max_rows: int) -> list[Schema]:
    """Return the schemas of the inputs: one with all columns where the model takes that, or one a column."""
    rows: Schema = {"type": "integer", "minimum": 1, "maximum": max_rows}
    a_column = {"anyOf": [_shape(rows), _shape(rows, {"const": 1})]}
    numbers = [signature.names[index] for index in signature.numbers]
    texts = [signature.names[index] for index in signature.texts]
    columns = [
        *(_tensor(sent, kind, numbers, a_column, signature) for kind in "fiub" if numbers),
        *([_tensor(sent, "O", texts, a_column, signature)] if texts else []),
    ]
    count = len(signature.names)
    forms = [list_of({"anyOf": columns}, count, count) | {"title": "a tensor a column"}]
    if takes_matrix(signature):
        whole = [_tensor(sent, kind, [NUMBERS], _shape(rows, {"const": count}), signature) for kind in "fiub"]
        forms.insert(0, list_of({"anyOf": whole}, 1, 1) | {"title": "one tensor"})
    return forms


def _tensor(sent: Schema, kind: str, names: list[str], shape: Schema, signature: Signature) -> Schema:
    """Return the schema of an input of datatypes of one kind."""
    datatypes = [name for name, dtype in DATATYPES.items() if dtype.kind == kind]
    missing = ["null"] if signature.any_missing and kind in "fO" else []
    value: Schema = {"type": [_VALUES[kind], *missing] if missing else _VALUES[kind]}
    data = list_of({"anyOf": [value, list_of(value)]}, 1)
    return _with(sent, name={"enum": names}, datatype={"enum": datatypes}, shape=shape, data=data)


def _shape(*dimensions: Schema) -> Schema:
    count = len(dimensions)
    return {"type": "array", "prefixItems": [*dimensions], "items": False, "minItems": count, "maxItems": count}


def _with(schema: Schema, **members: Schema) -> Schema:
    return schema | {"properties": schema["properties"] | members}


def examples_of_tensors(model: LoadedModel) -> dict[str, Any]:
    """Return bodies of a real row: as one tensor where the model takes that, and as a tensor a column."""
    signature = model.signature
    row = json.loads(example_body(model))["features"]
    columns = [
        {"name": name, "shape": [1], "datatype": BYTES if index in signature.texts else FP32, "data": [value]}
        for index, (name, value) in enumerate(zip(signature.names, row, strict=True))
    ]
    matrix = {"name": NUMBERS, "shape": [1, len(row)], "datatype": FP32, "data": row}
    whole = {"one tensor": {"inputs": [matrix]}} if takes_matrix(signature) else {}
    return whole | {"a tensor a column": {"id": "a row", "inputs": columns}}


def _inferred(model: LoadedModel) -> Schema:
    """Return the schema of an answer in JSON."""
    outputs = [_output(name, model) for name in output_names(model)]
    members = {
        "model_name": {"const": model.name},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": list_of({"anyOf": outputs}, 1, len(outputs)),
    }
    required = ["model_name", "model_version", "outputs"]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _output(name: str, model: LoadedModel) -> Schema:
    dimensions = 1 if name == LABEL else 2
    members = {
        "name": {"const": name},
        "datatype": {"const": label_datatype(model) if name == LABEL else FP32},
        "shape": list_of({"type": "integer", "minimum": 1}, dimensions, dimensions),
        "data": list_of({"enum": model.classes} if name == LABEL else {"type": "number"}, 1),
    }
    return {"type": "object", "properties": members, "required": [*members], "additionalProperties": False}


def _inlined(schema: Any, types: dict[str, Schema]) -> Any:
    """Return a schema with those that it refers to in their place; their names are the server's own."""
    if isinstance(schema, list):
        return [_inlined(each, types) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(types[schema["$ref"].rpartition("/")[2]], types)
    return {name: _inlined(value, types) for name, value in schema.items()}
