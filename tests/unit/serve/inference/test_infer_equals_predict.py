"""However rows come, they have the same answers, bit for bit: as inference requests of every form, and as /predict."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import PublishedVersion
from serve.decode import decode
from serve.encode import encode_many
from serve.inference.request import decode_request
from serve.inference.rows import rows_of
from serve.model import LoadedModel
from tests.infer_bodies import Form, Sent, infer_body
from tests.mixed_models import NAMES, Row, version

COLUMNS = 30
FORMS: list[Form] = ["flat", "nested", "binary"]
MOST_ROWS = 5

forms = st.sampled_from(FORMS)


def whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    """Return whole numbers of so many bits that float32 holds: at most 24 of theirs are significant."""
    least, zeros = (1 - 2**24 if signed else 0), st.integers(0, bits - 24)
    return st.builds(lambda significant, zeros: significant << zeros, st.integers(least, 2**24 - 1), zeros)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "BOOL": st.booleans(),
    "UINT8": st.integers(0, 2**8 - 1),
    "UINT16": st.integers(0, 2**16 - 1),
    "UINT32": whole(32, signed=False),
    "UINT64": whole(64, signed=False),
    "INT8": st.integers(-(2**7), 2**7 - 1),
    "INT16": st.integers(-(2**15), 2**15 - 1),
    "INT32": whole(31, signed=True),
    "INT64": whole(63, signed=True),
    "FP16": st.integers(0, 0x7BFF).map(lambda bits: float(np.array([bits], "<u2").view("<f2")[0])),
    "FP32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "FP64": st.floats(-3e38, 3e38),
    "BF16": st.floats(width=32, allow_nan=False, allow_infinity=False).map(
        lambda value: float((np.array([value], "<f4").view("<u4") & 0xFFFF0000).view("<f4")[0])
    ),
}


@pytest.fixture(scope="module")
def model(published: PublishedVersion) -> LoadedModel:
    return LoadedModel(published)


def predicted(model: LoadedModel, rows: list[list[Any]]) -> bytes:
    """Return what /predict answers, without the braces around."""
    numbers = [[float(value) if isinstance(value, int) else value for value in row] for row in rows]
    decoded = decode(json.dumps({"instances": numbers}).encode(), model.signature, MOST_ROWS)
    return encode_many(model.predict(decoded.rows), model)


def inferred(model: LoadedModel, inputs: list[Sent], form: Form) -> bytes:
    """Return the same of rows that come as tensors."""
    body = infer_body(inputs, form)
    request = decode_request(body.content, body.header_length, model.signature, MOST_ROWS)
    return encode_many(model.predict(rows_of(request.inputs, model.signature, MOST_ROWS)), model)


@settings(max_examples=25, deadline=None)
@given(st.data())
@pytest.mark.parametrize("datatype", VALUES)
def test_one_tensor_of_all_columns(model: LoadedModel, datatype: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, MOST_ROWS))
    values = data.draw(st.lists(VALUES[datatype], min_size=count * COLUMNS, max_size=count * COLUMNS))
    form: Form = "binary" if datatype == "BF16" else data.draw(forms)
    rows = [values[start : start + COLUMNS] for start in range(0, len(values), COLUMNS)]

    assert inferred(model, [Sent("input", datatype, [count, COLUMNS], values)], form) == predicted(model, rows)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_tensor_a_column_in_any_order_each_of_its_own_datatype(model: LoadedModel, data: st.DataObject) -> None:
    count, form = data.draw(st.integers(1, MOST_ROWS)), data.draw(forms)
    columns, inputs = [], []
    for name in model.signature.names:
        datatype = data.draw(st.sampled_from(sorted(set(VALUES) - {"BF16"})))
        columns.append(data.draw(st.lists(VALUES[datatype], min_size=count, max_size=count)))
        shape = data.draw(st.sampled_from([[count], [count, 1]]))
        inputs.append(Sent(name, datatype, shape, columns[-1]))
    rows = [list(row) for row in zip(*columns, strict=True)]

    assert inferred(model, data.draw(st.permutations(inputs)), form) == predicted(model, rows)


ROWS = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6, width=32),
        st.none() | st.sampled_from(["", "blue", "green", "red"]) | st.text(),
        st.none() | st.floats(-1e6, 1e6, width=32),
        st.sampled_from(["round", "square"]),
    ).map(list),
    min_size=1,
    max_size=MOST_ROWS,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, forms, st.permutations(range(len(NAMES))), st.booleans())
@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_columns_of_numbers_and_texts_with_missing_values(
    kind: Any, rows: list[Row], form: Form, order: list[int], flat: bool
) -> None:
    model = LoadedModel(version(kind))
    shape = [len(rows)] if flat else [len(rows), 1]
    datatypes = ["FP32", "BYTES", "FP32", "BYTES"]
    columns = [Sent(NAMES[each], datatypes[each], shape, [row[each] for row in rows]) for each in order]

    assert inferred(model, columns, form) == predicted(model, rows)
