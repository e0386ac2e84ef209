"""Large bodies are decoded piece by piece to what they are decoded to at once, or refused with the same words."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve import decode_large as module
from serve import pieces
from serve.blocks import joined
from serve.decode import decode
from serve.decode_large import decode_large
from serve.errors import RequestError
from serve.inference import values as tensor_values
from serve.inference.tensor import Place
from serve.inference.values import Input, tensor_from
from serve.onnx_runtime import MixedRows
from serve.signature import Signature
from tests.factories import manifest
from tests.mixed_models import columns

MAX_ROWS = 20
PIECE_BYTES = 24
SIGNATURE = Signature(manifest().columns, 3e38)  # two columns of numbers; in the second one may be missing
WITHOUT_MISSING = Signature(manifest().columns[:1] * 2, 3e38)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for each in (pieces, module, tensor_values):
            patched.setattr(each, "PIECE_BYTES", PIECE_BYTES)
        yield


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**400), 10**400) | st.integers(-9, 9)
values: st.SearchStrategy[Any] = numbers | st.sampled_from(
    [None, True, "1.5", "],[", "],", [1.5], {}, [], float("nan"), float("inf")]
)
good_rows = st.lists(st.lists(st.floats(-3e38, 3e38), min_size=2, max_size=2), max_size=MAX_ROWS + 2)
rows_of_any_kind = st.lists(
    st.lists(values, max_size=3) | st.fixed_dictionaries({"width": values, "height": values}) | values, max_size=12
)
DAMAGES = [b"", *(bytes([each]) for each in b'[]{},:"e.-+0 nt\\')]
FLOATS = msgspec.json.Decoder(list[float])
spaces = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t"), (",\r\n ", ":")])
indents = st.none() | st.integers(0, 2)


def outcome(decoded: Callable[[], Any]) -> Any:
    """Return the bytes of rows, texts as they are (their bytes are addresses), or the error's kind and words."""
    try:
        rows = decoded()
    except RequestError as error:
        return type(error), error.body()
    assert not isinstance(rows, MixedRows)
    return rows.shape, rows.tolist() if rows.dtype == object else rows.tobytes()


def in_pieces(body: bytes, signature: Signature, max_rows: int = MAX_ROWS) -> Any:
    """Return the outcome, or None where it is left to the usual way."""
    found = decode_large(body, signature, max_rows)
    return None if found is None else outcome(lambda: joined(list(found)))


def at_once(body: bytes, signature: Signature, max_rows: int = MAX_ROWS) -> Any:
    return outcome(lambda: decode(body, signature, max_rows).rows)


@settings(max_examples=300, deadline=None)
@given(good_rows | rows_of_any_kind, spaces, indents, st.sampled_from([SIGNATURE, WITHOUT_MISSING]))
def test_rows_of_any_kind_have_the_same_outcome(
    rows: Any, space: Any, indent: int | None, signature: Signature
) -> None:
    body = json.dumps({"instances": rows}, separators=space, indent=indent).encode()

    assert in_pieces(body, signature) in (None, at_once(body, signature))


@settings(max_examples=1000, deadline=None)
@given(good_rows.filter(len), st.integers(0), st.sampled_from(DAMAGES), st.integers(0, 2))
def test_a_body_that_was_damaged_has_the_same_outcome(rows: Any, place: int, put: bytes, gone: int) -> None:
    whole = json.dumps({"instances": rows}).encode()
    place %= len(whole)
    body = whole[:place] + put + whole[place + gone :]

    assert in_pieces(body, SIGNATURE) in (None, at_once(body, SIGNATURE))


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": [%s, ]}',
        '{"instances": [, %s]}',
        '{"instances": [%s, , %s]}',
        '{"instances": [%s], "instances": [%s]}',
        '{"instances": [%s], "features": %s}',
        '{"instances": [%s]} {"instances": [%s]}',
        '{"instances": [[%s], %s]}',
        '{"instances": [%s]]}',
        '{"instances": [%s, {"width": 1, "height": 2}]}',
        '{"instances": [%s0}',
        '{"instances": [%s]}0',
        '{"instances": [%s]} ]}',
        '{"instances": [%s, %s, %s]}',
        '{"instances": [[]]}                      ',
        '{"instances": []}                        ',
        '{"features": [%s]}                       ',
        '[{"instances": [%s]}]',
    ],
)
def test_bodies_of_other_forms_have_the_same_outcome(body: str) -> None:
    rows = ", ".join(["[1.5, -2.25]"] * 9)
    content = body.replace("%s", rows).encode()

    assert in_pieces(content, SIGNATURE) in (None, at_once(content, SIGNATURE))


@settings(max_examples=50, deadline=None)
@given(good_rows.filter(lambda rows: 2 <= len(rows) <= MAX_ROWS), spaces.filter(lambda space: space[0][0] == ","))
def test_good_rows_are_never_decoded_at_once(rows: Any, space: Any) -> None:
    body = json.dumps({"instances": rows}, separators=space).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.delattr(module, "decode")
        found = list(decode_large(body, SIGNATURE, MAX_ROWS) or []) if len(body) > PIECE_BYTES else None

    assert found is None or joined(found).tobytes() == decode(body, SIGNATURE, MAX_ROWS).rows.tobytes()  # type: ignore[union-attr]


def test_a_list_that_ends_with_a_comma_is_none() -> None:
    text = b"[" + b"1," * (PIECE_BYTES // 2 + 1) + b"]"  # the last comma is where it is cut
    with pytest.raises(pieces.NotTaken):
        list(pieces.numbers_in_pieces(pieces.JsonList(text, 0, len(text)), FLOATS, np.float32, None))


def test_the_first_rows_are_there_before_the_last_are_read() -> None:
    body = json.dumps({"instances": [[0.5, 1.5]] * 9 + ["no row"]}).encode()
    found = decode_large(body, SIGNATURE, MAX_ROWS)

    assert found
    assert len(next(found)) < 9


def test_rows_with_texts_and_small_bodies_are_left_to_the_usual_way() -> None:
    rows = json.dumps({"instances": [[0.5, "red", None, "round"]] * 9}).encode()

    assert decode_large(rows, Signature(columns(), 1e6), MAX_ROWS) is None
    assert decode_large(b'{"instances": [[1, 2]]}', SIGNATURE, MAX_ROWS) is None


def tensor(datatype: str, shape: list[int], data: bytes) -> Any:
    sent = Input("input", shape, datatype, data=msgspec.Raw(data))
    return outcome(lambda: tensor_from(sent, Place(0, 1), SIGNATURE).data)


def tensor_at_once(datatype: str, shape: list[int], data: bytes) -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tensor_values, "PIECE_BYTES", 10**9)
        return tensor(datatype, shape, data)


datatypes = st.sampled_from(["FP32", "FP64", "FP16", "BF16", "INT8", "INT64", "UINT8", "UINT64", "BOOL", "BYTES"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(-300, 300), max_size=30) | st.lists(numbers, max_size=30) | st.lists(values, max_size=12),
    datatypes,
    st.sampled_from([None, 1, 2, 3]),
    st.lists(st.integers(-2, 30), max_size=3),
)
def test_tensors_of_any_kind_have_the_same_outcome(
    given_values: list[Any], datatype: str, width: int | None, shape: list[int]
) -> None:
    data: list[Any] = given_values
    if width:
        data = [given_values[start : start + width] for start in range(0, len(given_values), width)]
    text = json.dumps(data).encode()
    for each in (shape, [len(data), width or 1], [len(data)]):
        assert tensor(datatype, each, text) == tensor_at_once(datatype, each, text)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.floats(-9, 9), min_size=6, max_size=12), st.integers(0), st.sampled_from(DAMAGES), st.integers(0, 2))
def test_a_tensor_that_was_damaged_has_the_same_outcome(flat: Any, place: int, put: bytes, gone: int) -> None:
    for data, shape in ((flat, [len(flat)]), ([flat, flat], [2, len(flat)])):
        whole = json.dumps(data).encode()
        at = place % (len(whole) - 2)
        text = whole[: at + 1] + put + whole[at + 1 + gone :]
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError:
            continue  # a request with such data is refused before
        assert tensor("FP32", shape, text) == tensor_at_once("FP32", shape, text)


@pytest.mark.parametrize("nested", [True, False])
def test_many_numbers_of_a_tensor_are_never_decoded_at_once(nested: bool) -> None:
    numbers = np.linspace(-1, 1, 60, dtype=np.float32).reshape(20, 3)
    text = json.dumps((numbers if nested else numbers.reshape(-1)).tolist()).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tensor_values, "_DECODERS", {})
        assert tensor("FP32", [20, 3], text) == ((20, 3), numbers.tobytes())
