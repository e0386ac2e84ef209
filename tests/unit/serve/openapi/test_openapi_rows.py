"""What the schema of a row allows is decoded, and what it forbids is refused."""

import json
import math
from typing import Any

import jsonschema_rs
import msgspec
import numpy as np
import pytest

from model_repository import LARGEST_FLOAT32, Category, Column
from serve.decode import decode
from serve.errors import RequestError
from serve.model import LoadedModel
from serve.numbers import check_rows
from serve.openapi import rows
from serve.openapi.rows import largest_number, request_schemas
from serve.signature import Signature
from tests.mixed_models import columns, version

MOST = 3


def model_of(*, largest: float = LARGEST_FLOAT32, **changed: Any) -> LoadedModel:
    published = version("number")
    manifest = msgspec.structs.replace(
        published.manifest,
        parity=msgspec.structs.replace(published.manifest.parity, largest_magnitude=largest),
        **changed,
    )
    model = LoadedModel(published)
    model.manifest, model.signature = manifest, Signature(manifest.columns, manifest.parity.largest_magnitude)
    return model


def allowed(body: Any, model: LoadedModel) -> bool:
    """Return whether the schemas allow a body."""
    schemas = request_schemas(model, MOST)
    forms = [{"$ref": f"#/components/schemas/{model.name}.{form}"} for form in ("OneRow", "ManyRows")]
    whole = {"oneOf": forms, "components": {"schemas": schemas}}
    return bool(jsonschema_rs.validator_for(whole).is_valid(body))


def taken(body: Any, model: LoadedModel) -> bool:
    """Return whether the server decodes a body."""
    try:
        decoded = decode(json.dumps(body).encode(), model.signature, MOST)
        check_rows(decoded.rows, model.signature, single=decoded.single)
    except RequestError:
        return False
    return True


def rounds_to_more(value: float, proved: np.float32) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.float32(value) > proved)


GOOD = [0.5, "red", None, "round"]
VALUES: list[Any] = [
    *(
        0.5,
        -7,
        0,
        1e300,
        -1e300,
        10**400,
        3.5e38,
        True,
        None,
        "",
        "red",
        "no such",
        "round",
        "\0",
        [],
        {},
        [0.5],
        "0.5",
    ),
]


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
def test_a_value_in_a_column_is_allowed_where_it_is_taken(column: int, value: Any) -> None:
    model = model_of()
    row = [*GOOD[:column], value, *GOOD[column + 1 :]]
    named = dict(zip(model.signature.names, row, strict=True))

    for body in ({"features": row}, {"features": named}, {"instances": [GOOD, named]}):
        assert allowed(body, model) == taken(body, model)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        None,
        {"features": GOOD[:3]},
        {"features": [*GOOD, 1.0]},
        {"features": None},
        {"features": GOOD, "instances": [GOOD]},
        {"features": GOOD, "other": 1},
        {"features": dict.fromkeys(["width", "colour"], None)},
        {"features": {"width": 1.0, "colour": None, "height": 1.0, "shape": "round", "more": 1}},
        {"instances": []},
        {"instances": [GOOD] * MOST},
        {"instances": [GOOD] * (MOST + 1)},
        {"instances": GOOD},
        {"instances": {"features": GOOD}},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_a_body_is_allowed_where_it_is_taken(body: Any) -> None:
    model = model_of()

    assert allowed(body, model) == taken(body, model)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
def test_a_column_of_texts_takes_what_its_training_and_its_model_say(*, missing: bool, unknown: bool) -> None:
    made = columns()
    categories = [Category("round", 2), *([Category("", 1)] if missing else [])]
    made[3] = Column.of_texts("shape", categories, missing=missing, unknown=unknown)
    model = model_of(columns=made)

    for text in ("round", "other", "", None):
        body = {"features": [0.5, "red", None, text]}
        assert allowed(body, model) == taken(body, model)


@pytest.mark.parametrize("proved", [LARGEST_FLOAT32, 1e30, 8.0, 16777217.0, 0.1, 1.5e-45, 3e-39])
def test_the_bound_of_numbers_is_the_last_that_is_taken(proved: float) -> None:
    model = model_of(largest=proved)
    largest = largest_number(model.signature)

    assert not rounds_to_more(largest, model.signature.largest)
    assert rounds_to_more(math.nextafter(largest, math.inf), model.signature.largest)
    for value in (largest, -largest, math.nextafter(largest, math.inf)):
        body = {"features": [value, "red", None, "round"]}
        assert allowed(body, model) == taken(body, model) == (abs(value) == largest)


def test_a_column_says_what_training_saw() -> None:
    first, second, *_ = request_schemas(model_of(), MOST)["shapes.Row"]["anyOf"][0]["prefixItems"]

    assert first["title"] == "width"
    assert first["description"] == "training saw -2 to 1.5"
    assert second["description"] == "training saw 3 texts: blue, red, green"


def test_a_column_of_too_many_categories_is_one_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_LISTED", 1)
    shape = request_schemas(model_of(), MOST)["shapes.Row"]["anyOf"][1]["properties"]["shape"]

    assert "enum" not in shape
    assert shape["type"] == "string"
