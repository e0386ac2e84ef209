"""Tensors as bytes behind the JSON: read without a copy, refused where they are cut off, and sent where wanted."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from serve.errors import Malformed, WrongValues
from serve.inference.binary import array_from, bytes_of
from serve.inference.outputs import tensors_of
from serve.inference.request import InferRequest, decode_request
from serve.inference.response import encode_response
from serve.inference.rows import rows_of
from serve.inference.tensor import DATATYPES, Place, Tensor
from serve.model import LoadedModel
from serve.signature import Signature
from tests.factories import manifest
from tests.infer_bodies import Body, Sent, infer_body, read_binary
from tests.mixed_models import ROWS, columns, expected, version

NUMBERS = Signature(manifest().columns, 1e6)
MIXED = Signature(columns(), 1e6)
MATRIX = Sent("input", "FP32", [2, 2], [1.0, 2.0, 3.0, None])
PLACE = Place(0, 1)


def decoded(body: Body, signature: Signature = NUMBERS) -> InferRequest:
    return decode_request(body.content, body.header_length, signature, 10)


def padded(body: Body, rest: int) -> Body:
    """Return a body whose JSON's length leaves this rest when divided by 4."""
    assert body.header_length
    spaces = (rest - body.header_length) % 4
    head, behind = body.content[: body.header_length], body.content[body.header_length :]
    return Body(head + b" " * spaces + behind, body.header_length + spaces)


def test_float32_behind_the_json_become_the_rows_without_a_copy() -> None:
    body = padded(infer_body([MATRIX], "binary"), 0)

    rows = rows_of(decoded(body).inputs, NUMBERS, 10)

    assert isinstance(rows, np.ndarray)
    assert np.shares_memory(rows, np.frombuffer(body.content, np.uint8))
    assert rows.flags.c_contiguous


@pytest.mark.parametrize("rest", range(4))
def test_they_are_aligned_wherever_the_json_ends(rest: int) -> None:
    rows = rows_of(decoded(padded(infer_body([MATRIX], "binary"), rest)).inputs, NUMBERS, 10)

    assert isinstance(rows, np.ndarray)
    assert rows.flags.aligned
    assert rows.tobytes() == np.array([[1, 2], [3, np.nan]], np.float32).tobytes()


def test_json_and_bytes_may_be_mixed_and_come_in_the_order_of_the_inputs() -> None:
    first, second = struct.pack("<q", 7), struct.pack("<d", 0.5)
    content = json.dumps(
        {
            "inputs": [
                {"name": "height", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}},
                {"name": "width", "shape": [1], "datatype": "INT64", "parameters": {"binary_data_size": 8}},
            ]
        }
    ).encode()

    rows = rows_of(decoded(Body(content + second + first, len(content))).inputs, NUMBERS, 10)

    assert isinstance(rows, np.ndarray)
    assert rows.tolist() == [[7.0, 0.5]]


def test_a_body_of_bytes_alone_is_the_only_input() -> None:
    """Inference-Header-Content-Length: 0; all outputs are then wanted as bytes."""
    request = decoded(Body(struct.pack("<4f", 1, 2, 3, 4), 0))

    assert request.others_binary
    assert request.id is None
    assert request.inputs[0].data.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "signature", "wanted"),
    [
        (b"", NUMBERS, "rows of 2 float32 numbers"),
        (b"123456789", NUMBERS, "rows of 2 float32 numbers"),
        (b"12345678", MIXED, "JSON that names the inputs"),
    ],
)
def test_bytes_alone_are_refused_where_they_are_no_rows(content: bytes, signature: Signature, wanted: str) -> None:
    with pytest.raises(WrongValues, match="not the model's only input as bytes") as caught:
        decoded(Body(content, 0), signature)
    assert caught.value.where == {"expected": wanted}


def test_json_that_is_longer_than_the_body_is_malformed() -> None:
    with pytest.raises(Malformed, match="shorter than its Inference-Header-Content-Length"):
        decoded(Body(b"{}", 3))


@pytest.mark.parametrize(
    ("sent", "size", "behind", "sentence"),
    [
        (MATRIX, 16, 15, "input 1 of 1 has a binary_data_size that is more than there is behind the JSON"),
        (MATRIX, -1, 16, "input 1 of 1 has a binary_data_size that is more than there is behind the JSON"),
        (MATRIX, 12, 12, "input 1 of 1 has 3 values; its shape has room for more"),
        (MATRIX, 16, 17, "there is more data behind the JSON than the inputs' binary_data_size tells"),
        (MATRIX, 15, 15, "input 1 of 1 has a part of a value at its end; expected values of 4 bytes each"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(sent: Sent, size: int, behind: int, sentence: str) -> None:
    described = {"name": sent.name, "datatype": sent.datatype, "shape": sent.shape}
    content = json.dumps({"inputs": [described | {"parameters": {"binary_data_size": size}}]}).encode()

    with pytest.raises(WrongValues, match=f"^{sentence}$"):
        decoded(Body(content + bytes(behind), len(content)))


def texts(*parts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (texts(b"red"), "input 1 of 1 has 1 value; its shape has room for more"),
        (texts(b"red", b"blue", b""), "input 1 of 1 has 3 values; its shape has room for fewer"),
        (texts(b"red", b"blue")[:-1], "input 1 of 1 ends within a text"),
        (texts(b"red") + b"\x01\x00", "input 1 of 1 ends within a text"),
        (texts(b"red") + b"\xff\xff\xff\xff", "input 1 of 1 ends within a text"),
        (texts(b"red", b"\xff"), "input 1 of 1 has a text that is not UTF-8"),
    ],
)
def test_texts_that_are_none_are_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(WrongValues, match=sentence):
        array_from(memoryview(content), "BYTES", [2], PLACE)


def test_texts_are_no_more_than_their_shape_has_room_for_before_they_are_refused() -> None:
    """Millions of empty texts are not made only to be counted."""
    with pytest.raises(WrongValues, match="has 3 values"):
        array_from(memoryview(bytes(4_000_000)), "BYTES", [2], PLACE)


@pytest.mark.parametrize("datatype", DATATYPES)
def test_a_tensor_is_the_same_after_bytes(datatype: str) -> None:
    values = ["", "red", "größer"] if datatype == "BYTES" else [0, 1, 1]
    data = np.array(values, DATATYPES[datatype])

    again = array_from(memoryview(bytes_of(Tensor("x", datatype, (3,), data))), datatype, (3,), PLACE)

    assert again.dtype == data.dtype
    assert again.tolist() == data.tolist()


def test_numbers_are_little_endian() -> None:
    assert bytes_of(Tensor("x", "INT64", (1,), np.array([258]))) == b"\x02\x01" + bytes(6)
    assert bytes_of(Tensor("x", "BF16", (1,), np.array([1.0], np.float32))) == b"\x80\x3f"
    assert bytes_of(Tensor("x", "BYTES", (1,), np.array(["ab"], object))) == b"\x02\x00\x00\x00ab"


def answered(binary: dict[str, bool], kind: Any = "classes", *, others: bool = False) -> tuple[Any, dict[str, bytes]]:
    model = LoadedModel(version(kind))
    answers = model.predict(model.signature.inputs(ROWS))
    request = InferRequest("7", [], [], binary, others)
    return read_binary(*encode_response(request, tensors_of(answers, model, []), model))


SHARES = np.array([expected("classes", row)[1] for row in ROWS], np.float32)
LABELS = [expected("classes", row)[0] for row in ROWS]


@pytest.mark.parametrize(
    ("binary", "others", "behind"),
    [
        ({}, False, []),
        ({}, True, ["label", "probabilities"]),
        ({"label": True}, False, ["label"]),
        ({"label": False}, True, ["probabilities"]),
        ({"probabilities": True, "label": False}, False, ["probabilities"]),
    ],
)
def test_each_output_comes_as_it_is_wanted(binary: dict[str, bool], others: bool, behind: list[str]) -> None:
    told, data = answered(binary, others=others)

    in_json = {output["name"]: output["data"] for output in told["outputs"] if "data" in output}
    assert list(data) == behind
    assert set(in_json) == {"label", "probabilities"} - set(behind)
    assert in_json.get("label", LABELS) == LABELS
    assert in_json.get("probabilities", SHARES.reshape(-1).tolist()) == SHARES.reshape(-1).tolist()
    assert data.get("probabilities", SHARES.tobytes()) == SHARES.tobytes()
    assert data.get("label", texts(*map(str.encode, LABELS))) == texts(*map(str.encode, LABELS))


def test_a_response_names_model_version_and_request() -> None:
    told, _ = answered({})

    assert {name: told[name] for name in ("model_name", "model_version", "id")} == {
        "model_name": "shapes",
        "model_version": "1",
        "id": "7",
    }
    assert [(each["name"], each["datatype"], each["shape"]) for each in told["outputs"]] == [
        ("label", "BYTES", [5]),
        ("probabilities", "FP32", [5, 2]),
    ]
