"""The messages of the Open Inference Protocol and of gRPC's health checks, built when this is imported.

No generated code, whose version must fit that of the library. The classes are in a pool of their own, where they do not
meet those of a client in the same process.
"""

import re
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# A message's fields in the order of their numbers, from 1 on. `*` repeats a field, `{}` gives each value a name, and
# of those with `?` a message has one at most. What is encoded does not depend on the names of messages.
_MESSAGES = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready",
    "ModelReadyRequest": "string name, string version",
    "ModelReadyResponse": "bool ready",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name, string version, string* extensions",
    "ModelMetadataRequest": "string name, string version",
    "ModelMetadataResponse": (
        "string name, string* versions, string platform, TensorMetadata* inputs, TensorMetadata* outputs,"
        "string{} properties"
    ),
    "TensorMetadata": "string name, string datatype, int64* shape",
    "ModelInferRequest": (
        "string model_name, string model_version, string id, InferParameter{} parameters, InferTensor* inputs,"
        "InferRequestedOutput* outputs, bytes* raw_input_contents"
    ),
    "ModelInferAddress": "string model_name, string model_version",  # the beginning of a ModelInferRequest
    "ModelInferResponse": (
        "string model_name, string model_version, string id, InferParameter{} parameters, InferTensor* outputs,"
        "bytes* raw_output_contents"
    ),
    "InferTensor": (
        "string name, string datatype, int64* shape, InferParameter{} parameters, InferTensorContents contents"
    ),
    "InferRequestedOutput": "string name, InferParameter{} parameters",
    "InferParameter": (
        "bool? bool_param, int64? int64_param, string? string_param, double? double_param, uint64? uint64_param"
    ),
    "InferTensorContents": (
        "bool* bool_contents, int32* int_contents, int64* int64_contents, uint32* uint_contents,"
        "uint64* uint64_contents, float* fp32_contents, double* fp64_contents, bytes* bytes_contents"
    ),
    "RepositoryIndexRequest": "string repository_name, bool ready",
    "RepositoryIndexResponse": "ModelIndex* models",
    "ModelIndex": "string name, string version, string state, string reason",
    "RepositoryModelLoadRequest": "string repository_name, string model_name, RepositoryParameter{} parameters",
    "RepositoryModelLoadResponse": "",
    "RepositoryModelUnloadRequest": "string repository_name, string model_name, RepositoryParameter{} parameters",
    "RepositoryModelUnloadResponse": "",
    "RepositoryParameter": "bool? bool_param, int64? int64_param, string? string_param, bytes? bytes_param",
    "HealthCheckRequest": "string service",
    "HealthCheckResponse": "int32 status",  # an enumeration, which is encoded alike
}

_PACKAGE = "copse"
_FIELD = re.compile(r"(\w+)([*?]|\{\})? (\w+)")
_Field = descriptor_pb2.FieldDescriptorProto


def _classes() -> dict[str, Any]:
    """Return the class of each message."""
    file = descriptor_pb2.FileDescriptorProto(name="copse.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        _declare(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


def _declare(message: Any, fields: str) -> None:
    for number, (kind, mark, name) in enumerate(_FIELD.findall(fields), start=1):
        field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
        if mark == "?":
            field.oneof_index = 0
        elif mark:
            field.label = _Field.LABEL_REPEATED
        _give_type(field, _entry(message, name, kind) if mark == "{}" else kind)
    if "?" in fields:
        message.oneof_decl.add(name="choice")


def _entry(message: Any, name: str, kind: str) -> str:
    """Return the type of a field's pairs of a name and a value."""
    entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
    entry.options.map_entry = True
    _declare(entry, f"string key, {kind} value")
    return f"{message.name}.{entry.name}"


def _give_type(field: Any, kind: str) -> None:
    if kind.islower():
        field.type = getattr(_Field, f"TYPE_{kind.upper()}")
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


MESSAGES = _classes()


def encoded(name: str, /, **values: Any) -> bytes:
    """Return the bytes of a message with these values."""
    content: bytes = MESSAGES[name](**values).SerializeToString()
    return content
