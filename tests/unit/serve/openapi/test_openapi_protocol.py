"""What the schema of an inference request forbids is refused, and its examples are answered."""

import json
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest

from model_repository import PublishedVersion
from serve.errors import RequestError
from serve.inference.request import decode_request
from serve.inference.rows import rows_of
from serve.model import LoadedModel
from serve.openapi.protocol import examples_of_tensors, inference_schemas
from tests.mixed_models import version

MOST = 3
MIXED = LoadedModel(version("classes"))
(ROW,) = examples_of_tensors(MIXED).values()


def allowed(body: Any, model: LoadedModel) -> bool:
    schema = inference_schemas(model, MOST)[f"{model.name}.Inference"]
    return bool(jsonschema_rs.validator_for(schema).is_valid(body))


def taken(body: Any, model: LoadedModel) -> bool:
    try:
        request = decode_request(json.dumps(body).encode(), None, model.signature, MOST)
        rows_of(request.inputs, model.signature, MOST)
    except RequestError:
        return False
    return True


def changed(index: int, **members: Any) -> dict[str, Any]:
    """Return a body that is answered, but for one of its inputs: width, colour, height, shape."""
    body: dict[str, Any] = deepcopy(ROW)
    body["inputs"][index] |= members
    return body


def test_the_examples_are_allowed_and_taken(published: PublishedVersion) -> None:
    forest = LoadedModel(published)
    matrix, columns = examples_of_tensors(forest).values()

    assert len(matrix["inputs"]) == 1
    assert len(columns["inputs"]) == 30
    for body, model in ((matrix, forest), (columns, forest), (ROW, MIXED)):
        assert allowed(body, model)
        assert taken(body, model)


@pytest.mark.parametrize(
    "members",
    [
        {"datatype": "FP64", "shape": [2, 1], "data": [0.5, 1.5]},
        {"datatype": "INT8", "data": [1]},
        {"datatype": "UINT64", "shape": [1, 1], "data": [[1]]},
        {"datatype": "BOOL", "data": [True]},
        {"parameters": None},
        {"parameters": {"anything": 1}},
    ],
    ids=str,
)
def test_every_datatype_and_form_of_a_column_of_numbers_is_allowed(members: dict[str, Any]) -> None:
    body = changed(0, **members)

    assert allowed(body, MIXED)
    assert taken(body, MIXED) == (members.get("shape") != [2, 1])  # the other columns have one row


@pytest.mark.parametrize(
    ("index", "members"),
    [
        (0, {"name": "input"}),
        (0, {"name": 1}),
        (0, {"datatype": "FP128"}),
        (0, {"datatype": "BYTES", "data": ["0.5"]}),
        (0, {"datatype": "INT8", "data": [0.5]}),
        (0, {"datatype": "BOOL", "data": [1]}),
        (0, {"data": [True]}),
        (0, {"data": ["0.5"]}),
        (0, {"data": [[[0.5]]]}),
        (0, {"data": []}),
        (0, {"data": 0.5}),
        (0, {"data": {}}),
        (0, {"shape": []}),
        (0, {"shape": [0]}),
        (0, {"shape": [-1]}),
        (0, {"shape": [1, 2]}),
        (0, {"shape": [1, 1, 1]}),
        (0, {"shape": 1}),
        (0, {"shape": [MOST + 1], "data": [0.5] * (MOST + 1)}),
        (0, {"parameters": []}),
        (0, {"parameters": {"binary_data_size": "1"}}),
        (1, {"datatype": "FP32", "data": [0.5]}),
        (1, {"data": [1]}),
    ],
    ids=str,
)
def test_what_is_forbidden_of_an_input_is_refused(index: int, members: dict[str, Any]) -> None:
    body = changed(index, **members)

    assert not allowed(body, MIXED)
    assert not taken(body, MIXED)


@pytest.mark.parametrize(
    "members",
    [
        {"inputs": ROW["inputs"][:3]},
        {"inputs": [*ROW["inputs"], ROW["inputs"][0]]},
        {"inputs": []},
        {"inputs": None},
        {"id": 1},
        {"parameters": 1},
        {"parameters": {"binary_data_output": 1}},
        {"outputs": [{}]},
        {"outputs": {"name": "label"}},
        {"outputs": [{"name": "label", "parameters": {"binary_data": "yes"}}]},
    ],
    ids=str,
)
def test_what_is_forbidden_of_a_request_is_refused(members: dict[str, Any]) -> None:
    assert not allowed(ROW | members, MIXED)
    assert not taken(ROW | members, MIXED)
