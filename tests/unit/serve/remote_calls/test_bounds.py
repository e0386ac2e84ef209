"""Large messages of gRPC are looked at before they are decoded, and what no rows can need is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from serve.errors import Malformed, TooLarge
from serve.grpc.bounds import Bounds
from serve.grpc.messages import encoded
from serve.signature import Signature
from tests import factories, mixed_models

NUMBERS = Signature(factories.manifest().columns, 1e38)
MIXED = Signature(mixed_models.columns(), 1e38)
ROWS = 100


def check(message: bytes, signature: Signature = NUMBERS) -> None:
    Bounds(signature, ROWS).check(message)


def request(*tensors: dict[str, object], **values: object) -> bytes:
    return encoded("ModelInferRequest", inputs=list(tensors), **values)


def contents(**fields: object) -> dict[str, object]:
    return {"name": "width", "datatype": "X", "shape": [ROWS, 1], "contents": fields}


def test_what_the_most_rows_need_is_let_pass() -> None:
    check(request(contents(int64_contents=[-(2**63)] * ROWS * 2)))
    check(request(contents(fp64_contents=[0.5] * ROWS), contents(bool_contents=[True] * ROWS)))
    check(request(contents(), raw_input_contents=[b"\x08" * 100_000] * 2, outputs=[{"name": "label"}]))
    check(request(*[contents(bytes_contents=[b"text"] * ROWS)] * 2), MIXED)


TOO_MUCH = {
    "inputs": request(*[{}] * 1000),
    "outputs": request(outputs=[{}] * 1000),
    "raw contents": request(raw_input_contents=[b""] * 1000),
    "parameters": request(parameters={str(index): {} for index in range(1000)}),
    "parameters of an input": request({"parameters": {str(index): {} for index in range(1000)}}),
    "a shape": request({"shape": [1] * 1000}),
    "numbers": request(contents(int_contents=[1] * 3000)),
    "texts": request(contents(bytes_contents=[b""] * 1000)),
    "unknown fields": b"\x98\x06\x01" * 1000,
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_no_rows_can_need_is_refused(what: str) -> None:
    with pytest.raises(TooLarge, match=r"^too many values for the rows; at most 100 rows of 2 are answered at once$"):
        check(TOO_MUCH[what])


@pytest.mark.parametrize("message", [b"\x0b", b"\x0f\x00", b"\x80", b"\xff" * 11, b"\x2a\x80"])
def test_what_is_no_message_is_told_so(message: bytes) -> None:
    with pytest.raises(Malformed):
        check(message)


@given(some.binary(max_size=200))
def test_any_bytes_are_let_pass_or_refused(message: bytes) -> None:
    try:
        check(message)
    except (Malformed, TooLarge):
        return
