"""What a model takes, as JSON Schema: the types that decode requests, narrowed to the model's own columns."""

import math
from typing import Any

import msgspec
import numpy as np

from model_repository import Column
from serve.decode import decoder_of
from serve.model import LoadedModel
from serve.signature import Signature

Schema = dict[str, Any]
MOST_LISTED = 1000  # categories; of a column with more the schema says only that it takes texts
FLOAT32_DIGITS = 24  # binary ones
SMALLEST_FLOAT32 = -149  # as a power of two
_REFERENCES = "#/components/schemas/{name}"


def reference(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": _REFERENCES.format(name=name)}


def schemas_of_types(*types: type) -> dict[str, Schema]:
    """Return the schema of each type, and of those that it is made of, by name."""
    _, components = msgspec.json.schema_components(types, ref_template=_REFERENCES)
    return components


def exactly(members: dict[str, Schema]) -> Schema:
    """Return the schema of an object that has these members and no other."""
    return {"type": "object", "properties": members, "required": [*members], "additionalProperties": False}


def list_of(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    """Return the schema of a list, of so many items."""
    return {"type": "array", "items": items, "minItems": least} | ({} if most is None else {"maxItems": most})


def many_rows(model: LoadedModel, max_rows: int) -> Schema:
    """Return the schema of a body that brings rows of a model, at most so many."""
    return exactly({"instances": list_of(reference(f"{model.name}.Row"), 1, max_rows)})


def request_schemas(model: LoadedModel, max_rows: int) -> dict[str, Schema]:
    """Return the schemas of a row and of the bodies that bring one or many, by the model's name and their own."""
    request = decoder_of(model.signature).type
    members = schemas_of_types(request)[request.__name__]["properties"]
    row = f"{model.name}.Row"
    return {
        row: _narrowed(members["features"], model.signature),
        f"{model.name}.OneRow": exactly({"features": reference(row)}),
        f"{model.name}.ManyRows": many_rows(model, max_rows),
    }


def largest_number(signature: Signature) -> float:
    """Return the largest float64 that is still no larger than what was proved, once it is rounded to float32."""
    proved = signature.largest
    step = math.ldexp(1.0, max(math.frexp(proved)[1] - FLOAT32_DIGITS, SMALLEST_FLOAT32))
    halfway = float(proved) + step / 2
    with np.errstate(over="ignore"):
        return halfway if np.float32(halfway) <= proved else math.nextafter(halfway, 0.0)


def _narrowed(row: Schema, signature: Signature) -> Schema:
    """Return the two forms of a row, each with exactly the columns of the model."""
    forms = {form["type"]: form for form in row["anyOf"]}
    listed = [_value(forms["array"]["items"], column, signature) for column in signature.columns]
    named = [_value(forms["object"]["additionalProperties"], column, signature) for column in signature.columns]
    length = len(signature.columns)
    in_order = {"type": "array", "prefixItems": listed, "items": False, "minItems": length, "maxItems": length}
    by_name = exactly(dict(zip(signature.names, named, strict=True)))
    return {"anyOf": [in_order | {"title": "in the order of the columns"}, by_name | {"title": "by name"}]}


def _value(value: Schema, column: Column, signature: Signature) -> Schema:
    """Return what a column takes, of what the decoder lets through."""
    wanted = {"string" if column.type == "string" else "number"} | ({"null"} if column.missing else set())
    kinds = [form["type"] for form in value.get("anyOf", [value]) if form["type"] in wanted]
    schema = {"title": column.name, "type": kinds if len(kinds) > 1 else kinds[0]}
    return schema | (_texts(column, signature) if column.type == "string" else _numbers(column, signature))


def _numbers(column: Column, signature: Signature) -> Schema:
    largest = largest_number(signature)
    bounds: Schema = {"minimum": -largest, "maximum": largest}
    if column.minimum is not None:
        bounds["description"] = f"training saw {column.minimum:.6g} to {column.maximum:.6g}"
    return bounds


def _texts(column: Column, signature: Signature) -> Schema:
    """Return which texts a column takes; the empty text stands for a missing one."""
    known = signature.texts[signature.names.index(column.name)].categories
    seen = f"training saw {len(known)} texts" + (": " + ", ".join(known[:10]) if 0 < len(known) <= 10 else "")
    if column.unknown or len(known) > MOST_LISTED:
        return {"description": seen} | ({} if column.missing else {"minLength": 1})
    return {"description": seen, "enum": [*known, *(["", None] if column.missing else [])]}
