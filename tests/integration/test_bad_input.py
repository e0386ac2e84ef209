"""Bad input: each kind has its status and its sentence, in the docs as here, and none is a 500."""

import json
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import BENIGN
from tests.servers import RunningServer, serving
from train.builtin import built_in

COLUMNS = built_in("breast-cancer").schema.names
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
NAMED = dict(zip(COLUMNS, BENIGN, strict=True))
SECRET = "4815162342"  # stands in a body where the answer must not repeat it


class Bad(NamedTuple):
    """A kind of bad input, and the answer to it."""

    what: str
    body: Any
    status: int
    sentence: str
    where: dict[str, Any]


def row(**changed: Any) -> str:
    """Return a good body as text in which some values are replaced, by their index in the row."""
    values = [json.dumps(value) for value in BENIGN]
    for index, text in changed.items():
        values[int(index[1:])] = text
    return f'{{"features": [{", ".join(values)}]}}'


def named(**changed: Any) -> dict[str, Any]:
    return {"features": NAMED | changed}


SECOND = {"column": COLUMNS[1]}
NUMBER = SECOND | {"expected": "a number"}
NO_BOOLEAN = SECOND | {"expected": "a number; true is 1 and false is 0"}
RANGE = SECOND | {"expected": "a number between -3.4e38 and 3.4e38"}
WITHOUT_ONE = {name: value for name, value in NAMED.items() if name != COLUMNS[2]}
FEATURES = '{"features": '
REPEATED = json.dumps({"features": NAMED})[:-2] + f', "{COLUMNS[0]}": {SECRET}}}}}'

CASES = [
    Bad("not JSON", "{nonsense", 400, "the body is not JSON from character 2 on", {}),
    Bad("an empty body", "", 400, "the body is not JSON from character 1 on", {}),
    Bad("not UTF-8", b'{"features": "\xff"}', 400, "the body is not JSON: it is not UTF-8", {}),
    Bad("nested too deeply", '{"features": ' + "[" * 100_000, 400, "the body is nested too deeply", {}),
    Bad("NaN", row(_1="NaN"), 400, "the body is not JSON: it has no NaN and no Infinity", {}),
    Bad("Infinity", row(_1="-Infinity"), 400, "the body is not JSON: it has no NaN and no Infinity", {}),
    Bad("not an object", [1, 2], 422, "the body is a list; expected an object with features or instances", {}),
    Bad(
        "an unknown member",
        {"rows": [BENIGN]},
        422,
        "the body has an unknown member; expected features or instances",
        {},
    ),
    Bad("neither form", {}, 422, "expected one of features (one row) and instances (a list of rows)", {}),
    Bad(
        "both forms",
        {"features": BENIGN, "instances": [BENIGN]},
        422,
        "expected one of features (one row) and instances (a list of rows)",
        {},
    ),
    Bad(
        "a row of the wrong type",
        {"features": SECRET},
        422,
        "a row is text; expected a list of numbers, or an object of them by name",
        {},
    ),
    Bad("instances that are no list", {"instances": NAMED}, 422, "instances is an object; expected a list of rows", {}),
    Bad("29 numbers", {"features": BENIGN[:29]}, 422, "a row has 29 numbers; expected 30", {}),
    Bad("31 numbers", {"instances": [BENIGN, [*BENIGN, 1]]}, 422, "a row has 31 numbers; expected 30", {"row": 1}),
    Bad("a number as text", row(_1='"4815162342"'), 422, "a value is text", NUMBER),
    Bad("true", row(_1="true"), 422, "a value is true or false", NO_BOOLEAN),
    Bad("null", row(_1="null"), 422, "a value is null", NUMBER),
    Bad("a list in a row", row(_1="[4815162342]"), 422, "a value is a list", NUMBER),
    Bad("1e39", row(_1="1e39"), 422, "a number is too large for float32", RANGE),
    Bad("1e400", row(_1="1e400"), 422, "a number is too large for float32", RANGE),
    Bad("a whole number of 5,000 digits", row(_1="9" * 5000), 422, "a number is too large for float32", RANGE),
    Bad("an unknown name", named(**{SECRET: 1}), 422, "name 31 of 31 in a row is no feature of this model", {}),
    Bad(
        "a missing name",
        {"instances": [NAMED, WITHOUT_ONE]},
        422,
        "a feature is missing; expected all 30 by name",
        {"row": 1, "column": COLUMNS[2]},
    ),
    Bad("a repeated name", REPEATED, 422, "a feature is named twice; expected each once", {"column": COLUMNS[0]}),
    Bad("a repeated member", row()[:-1] + ', "features": []}', 422, "a name is repeated; expected each once", {}),
    Bad("text by name", named(**{COLUMNS[1]: SECRET}), 422, "a value is text", NUMBER),
    Bad(
        "a bad value in a later row",
        {"instances": [BENIGN, [*BENIGN[:1], False, *BENIGN[2:]]]},
        422,
        "a value is true or false",
        {"row": 1} | NO_BOOLEAN,
    ),
    Bad(
        "a repeated name in a later row",
        f'{{"instances": [{json.dumps(BENIGN)}, {REPEATED[len(FEATURES) : -1]}]}}',
        422,
        "a feature is named twice; expected each once",
        {"row": 1, "column": COLUMNS[0]},
    ),
    Bad("a bad value beside a large one", row(_0="3e38", _1="true"), 422, "a value is true or false", NO_BOOLEAN),
    Bad("0 rows", {"instances": []}, 422, "instances has no rows; expected at least 1", {}),
    Bad(
        "too many rows",
        {"instances": [[0] * 30] * 1001},
        413,
        "instances has 1001 rows; at most 1000 are answered at once",
        {},
    ),
    Bad(
        "too many values",
        {"features": [1] * 100_000},
        413,
        "too many values for the rows; at most 1000 rows of 30 are answered at once",
        {},
    ),
    Bad("too many bytes", " " * 1_000_001, 413, "the body is too large; at most 1000000 bytes are read", {}),
]


def send(client: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post("/predict", content=content, headers={"content-type": "application/json"} | headers)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.what)
def test_it_is_answered_with_its_status_and_one_sentence(client: httpx.Client, bad: Bad) -> None:
    answer = send(client, bad.body)

    assert (answer.status_code, answer.json()) == (bad.status, {"error": bad.sentence, **bad.where})
    assert answer.headers["content-type"] == "application/json"
    assert SECRET not in answer.text


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.what)
def test_the_docs_have_the_same_answer(bad: Bad) -> None:
    cells = f"| {bad.what} | {bad.status} | {bad.sentence} | {', '.join(bad.where) or '-'} |"
    assert cells in DOCS.read_text()


def test_a_name_repeated_after_very_many_is_found_at_once(client: httpx.Client) -> None:
    """Looking back from each name over all before it would take minutes."""
    names = ",".join(f'"{index}":1' for index in range(50_000))

    answer = client.post("/predict", content=f'{{{names},"49999":1}}', timeout=10)

    assert (answer.status_code, answer.json()) == (422, {"error": "a name is repeated; expected each once"})


def test_a_large_body_is_not_read_again_to_say_where_it_is_wrong(trained: Path) -> None:
    rows = [BENIGN] * 9_000
    wrong = [*rows, [*BENIGN[:1], False, *BENIGN[2:]]]
    with serving(trained) as running, httpx.Client(base_url=running.address, timeout=30) as client:
        answer = send(client, {"instances": wrong})
        cut_off = send(client, json.dumps({"instances": rows})[:-1])
        strange = send(client, {"instances": rows, SECRET: 1})

    assert answer.json() == {"error": "a value is no number", "row": 9000} | NUMBER
    assert cut_off.json() == {"error": "the body is not JSON"}
    assert strange.json() == {"error": "the body is not a prediction request; see GET /"}


def chunks() -> Iterator[bytes]:
    for _ in range(11):
        yield b" " * 100_000


def test_too_many_bytes_without_content_length_are_refused(client: httpx.Client) -> None:
    answer = client.post("/predict", content=chunks(), headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.json() == {"error": "the body is too large; at most 1000000 bytes are read"}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("content-type", "text/csv"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/json; charset=latin-1"),
        ("content-encoding", "br"),
    ],
)
def test_another_media_type_is_refused(client: httpx.Client, header: str, value: str) -> None:
    answer = send(client, row(), **{header: value})

    assert answer.status_code == 415
    assert answer.json()["error"].startswith("the body must")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_is_taken_however_it_is_declared(client: httpx.Client, media_type: str) -> None:
    assert send(client, row(), **{"content-type": media_type}).status_code == 200


def test_an_unknown_path_and_a_wrong_method_are_told_apart(client: httpx.Client) -> None:
    missing, wrong = client.get(f"/{SECRET}"), client.get("/predict")

    assert client.get("/predict/").status_code == 404
    assert (missing.status_code, missing.json()) == (
        404,
        {"error": "there is no such path; GET / tells what is served"},
    )
    assert (wrong.status_code, wrong.json()) == (405, {"error": "this path does not take this method"})
    assert wrong.headers["allow"] == "POST"
    assert SECRET not in missing.text


def test_a_wrong_method_is_told_all_that_the_path_takes(client: httpx.Client) -> None:
    assert client.delete("/").headers["allow"] == "GET, HEAD, POST"  # the form is another route's
    assert client.get("/predict").headers["allow"] == "POST"


def test_a_client_that_goes_away_in_the_middle_harms_nobody(server: RunningServer, client: httpx.Client) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")

    assert send(client, row()).status_code == 200
    assert "failed unexpectedly" not in server.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(COLUMNS),
    lambda inner: st.lists(inner, max_size=31) | st.dictionaries(st.text(max_size=5) | st.sampled_from(COLUMNS), inner),
    max_leaves=40,
)
ROW = st.lists(st.floats() | st.integers() | JSON, min_size=29, max_size=31) | st.dictionaries(
    st.sampled_from(COLUMNS), st.floats() | JSON
)
BODY = (
    st.fixed_dictionaries({}, optional={"features": ROW | JSON, "instances": st.lists(ROW, max_size=3) | JSON}) | JSON
)
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(BODY)
def test_random_json_gets_an_answer_or_a_refusal(client: httpx.Client, body: Any) -> None:
    answer = send(client, json.dumps(body))

    assert answer.status_code in (200, 400, 413, 422)
    assert answer.status_code == 200 or set(answer.json()) <= {"error", "row", "column", "expected"}


@many
@given(st.binary(max_size=300))
def test_random_bytes_get_a_refusal(client: httpx.Client, body: bytes) -> None:
    assert send(client, body).status_code in (400, 422)


@many
@given(st.lists(st.floats(-(2.0**127), 2.0**127, width=32), min_size=30, max_size=30))
def test_every_row_of_finite_float32_is_answered(client: httpx.Client, values: list[float]) -> None:
    answer = send(client, {"features": values}).json()

    assert math.isclose(sum(answer["probabilities"]), 1, abs_tol=1e-6)


def test_null_is_a_missing_value_where_training_saw_some(holed: Path) -> None:
    with serving(holed) as running, httpx.Client(base_url=running.address) as client:
        allowed = send(client, {"features": [None, 1.0]})
        by_name = send(client, {"features": {"sometimes": None, "always": 1.0}})
        text = send(client, {"features": [None, SECRET]})
        refused = send(client, {"instances": [[None, 1.0], [1.0, None]]})

    assert allowed.status_code == 200
    assert text.json() == {"error": "a value is text", "column": "always", "expected": "a number"}
    assert by_name.json() == allowed.json()
    assert refused.status_code == 422
    assert refused.json() == {
        "error": "a value is missing; training saw none missing here",
        "row": 1,
        "column": "always",
        "expected": "a number",
    }
