"""What is no inference request is refused in one sentence, with the place and what was expected, and no value."""

import json
from typing import Any

import msgspec
import pytest

from serve.errors import Malformed, RequestError, TooLarge
from serve.inference.request import decode_request
from serve.inference.rows import rows_of
from serve.numbers import check_rows
from serve.signature import Signature
from tests.factories import manifest
from tests.mixed_models import columns

SECRET = "4815162342"
NUMBERS = Signature(manifest().columns, 1e6)  # width, and height, which may be missing
MIXED = Signature(columns(), 1e6)
MOST_ROWS = 10
A_COLUMN = "an input for each of its 2 columns, named like it"
ALL = f"input alone, with all columns, or {A_COLUMN}"


def matrix(**changed: Any) -> dict[str, Any]:
    return {"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]} | changed


def width(**changed: Any) -> dict[str, Any]:
    return {"name": "width", "shape": [2], "datatype": "FP32", "data": [1, 2]} | changed


def height(**changed: Any) -> dict[str, Any]:
    return {"name": "height", "shape": [2, 1], "datatype": "FP32", "data": [1, None]} | changed


def mixed(**changed: Any) -> list[dict[str, Any]]:
    texts = {"colour": ["red", ""], "shape": ["round", "square"]}
    inputs = [width(), *({"name": name, "shape": [2], "datatype": "BYTES", "data": texts[name]} for name in texts)]
    return [each | changed.get(each["name"], {}) for each in [*inputs, height()]]


def read(content: bytes, signature: Signature, max_rows: int) -> None:
    rows = rows_of(decode_request(content, None, signature, max_rows).inputs, signature, max_rows)
    check_rows(rows, signature, single=False)


def refusal(inputs: Any, signature: Signature = NUMBERS, max_rows: int = MOST_ROWS, **members: Any) -> RequestError:
    content = json.dumps({"inputs": inputs} | members).encode()
    with pytest.raises(RequestError) as caught:
        read(content, signature, max_rows)
    assert SECRET not in json.dumps(caught.value.body())
    return caught.value


STRUCTURE = [
    ({}, "inputs is an object; expected a list"),
    ([1], "input 1 is a whole number; expected an object"),
    ([{}], "input 1 has no name"),
    ([{"name": SECRET}], "input 1 has no shape"),
    ([width(), {"name": 1}], "name of input 2 is a whole number; expected a text"),
    ([width(shape=SECRET)], "shape of input 1 is text; expected a list"),
    ([width(shape=[SECRET])], "a number in shape of input 1 is text; expected a whole number"),
    ([width(shape=[1.5])], "a number in shape of input 1 is a number; expected a whole number"),
    ([width(shape=[10**30])], "input 1 of 1 has 2 values; its shape has room for more"),
    ([width(parameters=[])], "parameters of input 1 is a list; expected an object"),
    (
        [width(parameters={"binary_data_size": SECRET})],
        "binary_data_size of parameters of input 1 is text; expected a whole number",
    ),
]


@pytest.mark.parametrize(("inputs", "sentence"), STRUCTURE, ids=[sentence for _, sentence in STRUCTURE])
def test_an_input_that_is_none_is_told_by_its_position(inputs: Any, sentence: str) -> None:
    assert refusal(inputs).body() == {"error": sentence}


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"id": 7}, "id is a whole number; expected a text"),
        ({"parameters": SECRET}, "parameters is text; expected an object"),
        (
            {"parameters": {"binary_data_output": 1}},
            "binary_data_output of parameters is a whole number; expected true or false",
        ),
        ({"outputs": {}}, "outputs is an object; expected a list"),
        ({"outputs": [{}]}, "output 1 has no name"),
        (
            {"outputs": [{"name": "label", "parameters": {"binary_data": SECRET}}]},
            "binary_data of parameters of output 1 is text; expected true or false",
        ),
    ],
)
def test_what_else_is_wrong_with_a_request_is_told(members: dict[str, Any], sentence: str) -> None:
    assert refusal([matrix()], **members).body() == {"error": sentence}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the body is not JSON from character 1 on"),
        (b"{", "the body is not JSON from character 2 on"),
        (b'{"inputs": [], "id": "\xff"}', "the body is not JSON: it is not UTF-8"),
        (b'{"inputs": ' + b"[" * 100_000, "the body is nested too deeply"),
        (b'{"inputs": [{"data": [NaN]}]}', "the body is not JSON: it has no NaN and no Infinity"),
        (b'{"inputs": [], "id": "\\ud800"}', "the body is not JSON: it has a text that is not Unicode"),
        (b" " * 2**20 + b"{", "the body is not JSON"),
    ],
)
def test_what_is_no_json_is_malformed(content: bytes, sentence: str) -> None:
    with pytest.raises(Malformed, match=f"^{sentence}$"):
        decode_request(content, None, NUMBERS, MOST_ROWS)


BAD_NUMBERS = [
    ([], "an input is missing", {"column": "width", "expected": ALL}),
    ([width()], "an input is missing", {"column": "height", "expected": ALL}),
    ([matrix(name=SECRET)], "input 1 of 1 has a name that is no input of this model", {"expected": ALL}),
    ([matrix(), width()], "input 1 of 2 has a name that is no input of this model", {"expected": ALL}),
    ([width(), width()], "an input is sent twice; expected each once", {"column": "width"}),
    (
        [matrix(shape=[4])],
        "input 1 of 1 has another shape than the model's rows",
        {"expected": "the shape [rows, 2]"},
    ),
    (
        [width(shape=[1, 2]), height()],
        "input 1 of 2 has another shape than a column",
        {"column": "width", "expected": "the shape [rows] or [rows, 1]"},
    ),
    (
        [width(), height(shape=[1], data=[1])],
        "the inputs have different numbers of rows",
        {"column": "height"},
    ),
    ([matrix(shape=[0, 2], data=[])], "the inputs have no rows; expected at least 1", {}),
    ([matrix(shape=[-2, -2])], "input 1 of 1 has a negative number in its shape", {}),
    ([matrix(shape=[0, 10**30], data=[])], "input 1 of 1 has a shape that is too large", {}),
    (
        [matrix(shape=[1] * 99, data=[1])],
        "input 1 of 1 has too many dimensions in its shape",
        {"expected": "at most 8"},
    ),
    (  # the product of more of them, as larger bodies may hold, would take minutes
        [matrix(shape=[10**4000 - 1] * 99, data=[1])],
        "input 1 of 1 has too many dimensions in its shape",
        {"expected": "at most 8"},
    ),
    ([matrix(shape=[3, 2])], "input 1 of 1 has 4 values; its shape has room for more", {}),
    (
        [matrix(data=[[1, 2, 3], [4, 5, 6]])],
        "input 1 of 1 has data that is not nested as its shape says",
        {"expected": "a flat list, or lists of rows"},
    ),
    (
        [matrix(data=[[1, 2], 3])],
        "input 1 of 1 has data that is not nested as its shape says",
        {"expected": "a flat list, or lists of rows"},
    ),
    (
        [matrix(data=[1, 2, 3, [4]])],
        "input 1 of 1 has data that is not nested as its shape says",
        {"expected": "a flat list, or lists of rows"},
    ),
    (
        [matrix(data=[[[1], [2]], [[3], [4]]])],
        "a value is a list",
        {"row": 0, "column": "width", "expected": "a number"},
    ),
    ([matrix(data={})], "input 1 of 1 has data that is an object", {"expected": "a list"}),
    ([matrix(data=[1, 2, 3, SECRET])], "a value is text", {"row": 1, "column": "height", "expected": "a number"}),
    (
        [matrix(data=[[1, True], [3, 4]])],
        "a value is true or false",
        {"row": 0, "column": "height", "expected": "a number"},
    ),
    (  # where it is, is told by the data and the model alone
        [matrix(shape=[1, 10**30], data=[[1], [SECRET]])],
        "a value is text",
        {"row": 1, "column": "width", "expected": "a number"},
    ),
    (
        [matrix(data=[[1, 2, SECRET]])],
        "a value of input 1 of 1 is text",
        {"expected": "a number"},
    ),
    ([matrix(name=SECRET, data=[1, 2, 3, {}])], "a value of input 1 of 1 is an object", {"expected": "a number"}),
    (
        [matrix(datatype="INT8", data=[1, 2, 3, 4.0])],
        "a value is no whole number",
        {"row": 1, "column": "height", "expected": "a whole number"},
    ),
    (
        [matrix(datatype="INT64", data=[1, 2, None, 4])],
        "a value is null",
        {"row": 1, "column": "width", "expected": "a whole number"},
    ),
    ([matrix(datatype="BOOL")], "a value is a number", {"row": 0, "column": "width", "expected": "true or false"}),
    ([matrix(datatype="UINT8", data=[1, 2, 3, -1])], "input 1 of 1 has a number that its datatype does not hold", {}),
    (
        [matrix(datatype="UINT64", data=[1, 2, 3, 2**64])],
        "input 1 of 1 has a number that its datatype does not hold",
        {},
    ),
    ([matrix(datatype="BYTES", data=["1"] * 4)], "input 1 of 1 holds texts; expected numbers", {}),
    (
        [width(), height(datatype="BYTES", data=["1", "2"])],
        "input 2 of 2 has a datatype that its column does not take",
        {"column": "height", "expected": "a datatype of numbers"},
    ),
    (
        [matrix(data=[1, 2, None, 4])],
        "a value is missing; training saw none missing here",
        {"row": 1, "column": "width", "expected": "a number"},
    ),
    (
        [matrix(datatype="INT32", data=[1, 2, 2**24 + 1, 4])],
        "a whole number is not the same in float32",
        {"row": 1, "column": "width", "expected": "one that float32 holds, or FP64, which is rounded"},
    ),
    (
        [width(), height(datatype="UINT64", data=[1, 2**64 - 1])],
        "a whole number is not the same in float32",
        {"row": 1, "column": "height", "expected": "one that float32 holds, or FP64, which is rounded"},
    ),
    (
        [matrix(data=[1, 2, 3, 1e7])],
        "a number is too large: none of its size was proved",
        {"row": 1, "column": "height", "expected": "a number between -1000000 and 1000000"},
    ),
    (
        [matrix(datatype="FP16", data=[1, 2, 3, 1e7])],
        "a number is too large: none of its size was proved",
        {"row": 1, "column": "height", "expected": "a number between -1000000 and 1000000"},
    ),
    ([matrix(data=None)], "input 1 of 1 has data that is null", {"expected": "a list"}),
    (
        [{"name": "input", "shape": [1, 2], "datatype": "FP32"}],
        "input 1 of 1 needs its data in JSON or, by binary_data_size, behind it",
        {},
    ),
    (
        [matrix(parameters={"binary_data_size": 16})],
        "input 1 of 1 needs its data in JSON or, by binary_data_size, behind it",
        {},
    ),
]


@pytest.mark.parametrize(("inputs", "sentence", "where"), BAD_NUMBERS)
def test_tensors_that_are_no_rows_are_refused_with_their_place(
    inputs: Any, sentence: str, where: dict[str, Any]
) -> None:
    assert refusal(inputs).body() == {"error": sentence, **where}


def test_an_unknown_datatype_is_refused_with_those_that_there_are() -> None:
    told = refusal([matrix(datatype=SECRET)]).body()

    assert told["error"] == "input 1 of 1 has an unknown datatype"
    assert told["expected"].startswith("one of BOOL, UINT8,")
    assert told["expected"].endswith(", BYTES")


@pytest.mark.parametrize(
    ("changed", "sentence", "where"),
    [
        (
            {"shape": {"data": ["round", "hexagon"]}},
            "a text is no category that training saw",
            {"row": 1, "column": "shape", "expected": 'one of "square", "round"'},
        ),
        (
            {"shape": {"data": ["round", None]}},
            "a value is missing; training saw none missing here",
            {"row": 1, "column": "shape", "expected": "a text"},
        ),
        (
            {"colour": {"data": ["red", 4815162342]}},
            "a value is a number",
            {"row": 1, "column": "colour", "expected": "a text"},
        ),
        (
            {"colour": {"datatype": "FP32", "data": [1, 2]}},
            "input 2 of 4 has a datatype that its column does not take",
            {"column": "colour", "expected": "BYTES: it is a column of texts"},
        ),
        (
            {"colour": {"data": ["red", ["blue"]]}},
            "input 2 of 4 has data that is not nested as its shape says",
            {"expected": "a flat list, or lists of rows"},
        ),
    ],
)
def test_texts_are_held_to_their_columns(changed: dict[str, Any], sentence: str, where: dict[str, Any]) -> None:
    assert refusal(mixed(**changed), MIXED).body() == {"error": sentence, **where}


def test_a_model_with_texts_takes_no_tensor_of_all_columns() -> None:
    told = refusal([matrix(shape=[1, 4])], MIXED).body()

    assert told["expected"] == "an input for each of its 4 columns, named like it"


def test_too_many_rows_are_too_large() -> None:
    error = refusal([matrix(shape=[11, 2], data=[0] * 22)])

    assert isinstance(error, TooLarge)
    assert str(error) == "the inputs have 11 rows; at most 10 are answered at once"


@pytest.mark.parametrize("signature", [NUMBERS, MIXED])
def test_far_too_many_values_are_refused_before_they_are_made(signature: Signature) -> None:
    error = refusal([matrix(shape=[1], data=[0] * 10_000)], signature)

    assert isinstance(error, TooLarge)
    assert str(error).startswith("too many values for the rows")


@pytest.mark.parametrize("datatype", ["FP32", "INT64"])
def test_a_column_may_be_called_as_the_tensor_of_all_columns_is(datatype: str) -> None:
    first, second = manifest().columns
    both = Signature([msgspec.structs.replace(first, name="input"), second], 1e6)
    bad = {"FP32": [1, 2, SECRET], "INT64": [1, 2, 2**24 + 1]}[datatype]
    inputs = [
        {"name": "input", "shape": [3], "datatype": datatype, "data": bad},
        height(shape=[3], data=[1, 2, 3]),
    ]

    told = refusal(inputs, both).body()

    assert (told["row"], told["column"]) == (2, "input")


def test_a_row_that_comes_as_a_tensor_a_column_may_have_more_commas_than_values() -> None:
    first = manifest().columns[0]
    wide = Signature([msgspec.structs.replace(first, name=f"column {index}") for index in range(30)], 1e6)
    inputs = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [1]} for name in wide.names]
    content = json.dumps({"inputs": inputs}).encode()

    assert content.count(b",") > 2 * len(wide.names)
    assert len(rows_of(decode_request(content, None, wide, 1).inputs, wide, 1)) == 1


def test_a_sentence_in_full_has_the_place_for_clients_that_show_nothing_else() -> None:
    error = refusal([matrix(data=[1, 2, 3, SECRET])])

    assert error.in_full() == "a value is text (row 1, column height, expected a number)"
    assert refusal({}).in_full() == "inputs is an object; expected a list"
