"""The messages of gRPC: encoded as the protocol numbers its fields, and apart from those of other libraries."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from serve.grpc.messages import MESSAGES, encoded

# A tag is 8 times the field's number, and 2 where a length follows, 5 before 4 bytes, 1 before 8, 0 before a number.
ENCODED: list[tuple[str, dict[str, Any], bytes]] = [
    ("ServerLiveResponse", {"live": True}, b"\x08\x01"),
    ("ServerReadyResponse", {"ready": True}, b"\x08\x01"),
    ("ModelReadyRequest", {"name": "m", "version": "3"}, b"\x0a\x01m\x12\x013"),
    ("ModelReadyResponse", {"ready": True}, b"\x08\x01"),
    (
        "ServerMetadataResponse",
        {"name": "s", "version": "1", "extensions": ["a", "b"]},
        b"\x0a\x01s\x12\x011\x1a\x01a\x1a\x01b",
    ),
    ("ModelMetadataRequest", {"name": "m", "version": "3"}, b"\x0a\x01m\x12\x013"),
    (
        "ModelMetadataResponse",
        {
            "name": "m",
            "versions": ["3"],
            "platform": "p",
            "inputs": [{"name": "i", "datatype": "FP32", "shape": [-1, 2]}],
            "outputs": [{"name": "o"}],
            "properties": {"k": "v"},
        },
        (
            b"\x0a\x01m\x12\x013\x1a\x01p"
            b"\x22\x16\x0a\x01i\x12\x04FP32\x1a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02"
            b"\x2a\x03\x0a\x01o\x32\x06\x0a\x01k\x12\x01v"
        ),
    ),
    (
        "ModelInferRequest",
        {
            "model_name": "m",
            "model_version": "3",
            "id": "7",
            "parameters": {"k": MESSAGES["InferParameter"](bool_param=True)},
            "inputs": [{"name": "i", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1.0]}}],
            "outputs": [{"name": "o"}],
            "raw_input_contents": [b"r"],
        },
        (
            b"\x0a\x01m\x12\x013\x1a\x017\x22\x07\x0a\x01k\x12\x02\x08\x01"
            b"\x2a\x14\x0a\x01i\x12\x04FP32\x1a\x01\x02\x2a\x06\x32\x04\x00\x00\x80\x3f"
            b"\x32\x03\x0a\x01o\x3a\x01r"
        ),
    ),
    (
        "ModelInferResponse",
        {
            "model_name": "m",
            "model_version": "3",
            "id": "7",
            "outputs": [{"name": "o", "datatype": "INT64", "shape": [1]}],
            "raw_output_contents": [b"r"],
        },
        b"\x0a\x01m\x12\x013\x1a\x017\x2a\x0d\x0a\x01o\x12\x05INT64\x1a\x01\x01\x32\x01r",
    ),
    (
        "InferTensorContents",
        {
            "bool_contents": [True],
            "int_contents": [2],
            "int64_contents": [3],
            "uint_contents": [4],
            "uint64_contents": [5],
            "fp32_contents": [1.0],
            "fp64_contents": [1.0],
            "bytes_contents": [b"b"],
        },
        (
            b"\x0a\x01\x01\x12\x01\x02\x1a\x01\x03\x22\x01\x04\x2a\x01\x05"
            b"\x32\x04\x00\x00\x80\x3f\x3a\x08\x00\x00\x00\x00\x00\x00\xf0\x3f\x42\x01b"
        ),
    ),
    ("InferParameter", {"bool_param": False}, b"\x08\x00"),
    ("InferParameter", {"int64_param": 5}, b"\x10\x05"),
    ("InferParameter", {"string_param": "s"}, b"\x1a\x01s"),
    ("InferParameter", {"double_param": 1.0}, b"\x21\x00\x00\x00\x00\x00\x00\xf0\x3f"),
    ("InferParameter", {"uint64_param": 5}, b"\x28\x05"),
    ("RepositoryIndexRequest", {"repository_name": "r", "ready": True}, b"\x0a\x01r\x10\x01"),
    (
        "RepositoryIndexResponse",
        {"models": [{"name": "m", "version": "3", "state": "READY", "reason": "w"}]},
        b"\x0a\x10\x0a\x01m\x12\x013\x1a\x05READY\x22\x01w",
    ),
    (
        "RepositoryModelLoadRequest",
        {"model_name": "m", "parameters": {"k": MESSAGES["RepositoryParameter"](bytes_param=b"b")}},
        b"\x12\x01m\x1a\x08\x0a\x01k\x12\x03\x22\x01b",
    ),
    ("RepositoryModelUnloadRequest", {"repository_name": "r", "model_name": "m"}, b"\x0a\x01r\x12\x01m"),
    ("HealthCheckRequest", {"service": "s"}, b"\x0a\x01s"),
    ("HealthCheckResponse", {"status": 2}, b"\x08\x02"),
]


@pytest.mark.parametrize(
    ("name", "values", "content"), ENCODED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_message_is_encoded_as_the_protocol_says(name: str, values: dict[str, Any], content: bytes) -> None:
    assert encoded(name, **values) == content
    assert MESSAGES[name].FromString(content) == MESSAGES[name](**values)


def test_of_a_parameter_there_is_one_value_at_most() -> None:
    parameter = MESSAGES["InferParameter"](int64_param=5)
    parameter.string_param = "s"

    assert parameter.SerializeToString() == b"\x1a\x01s"


def test_the_address_is_the_beginning_of_a_request() -> None:
    address = MESSAGES["ModelInferAddress"].FromString(
        {name: content for name, _, content in ENCODED}["ModelInferRequest"]
    )

    assert (address.model_name, address.model_version) == ("m", "3")


def test_a_client_in_the_same_process_may_have_messages_of_the_same_names() -> None:
    for package in ("copse", "inference"):
        file = descriptor_pb2.FileDescriptorProto(
            name="copse.proto" if package == "copse" else "x.proto", package=package
        )
        file.message_type.add(name="ModelInferRequest")
        descriptor_pool.Default().Add(file)

    assert encoded("ServerLiveResponse", live=True) == b"\x08\x01"
