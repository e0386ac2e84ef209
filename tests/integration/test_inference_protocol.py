"""The Open Inference Protocol behind a real server: every path, and answers equal to those of /predict."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_repository import PublishedVersion, publish
from serve.inference.tensor import DATATYPES
from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT
from tests.infer_bodies import Body, Form, Sent, infer_body, read_binary
from tests.mixed_models import NAME, NAMES, ROWS, Kind, expected, publish_mixed
from tests.servers import RunningServer, eventually, serving

INFER = f"/v2/models/{MODEL}/infer"
ALL = [*BENIGN, *MALIGNANT]
MATRIX = Sent("input", "FP32", [2, 30], ALL)
FORMS: tuple[Form, ...] = get_args(Form)
SECRET = "4815162342"
forms = pytest.mark.parametrize("form", FORMS)


def send(client: httpx.Client, body: Body, path: str = INFER, **headers: str) -> httpx.Response:
    return client.post(path, content=body.content, headers=body.headers | headers)


def read(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return an answer's JSON, and what is behind it."""
    assert answer.status_code == 200, answer.text
    length = answer.headers.get("inference-header-content-length")
    return read_binary(answer.content, None if length is None else int(length))


def outputs(answer: httpx.Response) -> dict[str, Any]:
    told, _ = read(answer)
    return {output["name"]: output["data"] for output in told["outputs"]}


def by_predict(client: httpx.Client, rows: list[Any], path: str = "/predict") -> tuple[list[Any], list[Any]]:
    """Return the labels and the probabilities, one after another."""
    answers = client.post(path, json={"instances": rows}).json()["predictions"]
    shares = [share for each in answers for share in each.get("probabilities", [])]
    return [each["prediction"] for each in answers], shares


def columns_of(rows: list[Any], names: list[str], datatypes: dict[str, str]) -> list[Sent]:
    """Return rows as a tensor a column."""
    columns = zip(*rows, strict=True)
    return [
        Sent(name, datatypes.get(name, "FP32"), [len(rows), 1], list(values))
        for name, values in zip(names, columns, strict=True)
    ]


def test_server_metadata_is_told_with_and_without_a_slash(client: httpx.Client) -> None:
    for path in ("/v2", "/v2/"):
        assert client.get(path).json() == {
            "name": "copse",
            "version": "0.1.0",
            "extensions": ["binary_tensor_data", "model_repository"],
        }


def test_health_is_told_to_who_has_no_token_and_depends_on_the_models(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-of-twenty-letters\n")
    with (
        serving(tmp_path / "models", "--tokens-file", str(tokens)) as running,
        httpx.Client(base_url=running.address) as http,
    ):
        live, waiting = http.get("/v2/health/live"), http.get("/v2/health/ready")
        assert (live.status_code, live.json()) == (200, {"live": True})
        assert waiting.status_code == 503
        assert waiting.json() == {"error": "not ready: no model is published yet"}
        assert http.get("/v2").status_code == 401

        publish_mixed(tmp_path / "models", "classes")
        eventually(lambda: http.get("/v2/health/ready").status_code == 200, lambda: "never ready")
        assert http.get("/v2/health/ready").json() == {"ready": True}
        assert http.get(f"/v2/models/{NAME}/ready").status_code == 401


@pytest.mark.parametrize("path", [f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/versions/1"])
def test_a_model_tells_its_tensors_and_that_it_is_ready(client: httpx.Client, path: str) -> None:
    told = client.get(path).json()

    assert told["versions"] == ["1"]
    assert told["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 30]}]
    assert client.get(f"{path}/ready").json() == {"name": MODEL, "ready": True}


@pytest.mark.parametrize(
    ("name", "version"), [("nobody", None), ("nobody", "1"), (MODEL, "2"), (MODEL, "01"), (MODEL, SECRET)]
)
def test_a_model_or_a_version_that_is_not_there_is_not_found(
    client: httpx.Client, name: str, version: str | None
) -> None:
    path = f"/v2/models/{name}" + (f"/versions/{version}" if version else "")
    answers = [client.get(path), client.get(f"{path}/ready"), send(client, infer_body([MATRIX]), f"{path}/infer")]

    what = "there is no such model" if name == "nobody" else "this version of the model does not answer here"
    for answer in answers:
        assert answer.status_code == 404
        assert answer.json() == {"error": f"{what}; GET /v2/repository/index lists them"}


def test_a_name_holds_no_slash(client: httpx.Client) -> None:
    assert client.get("/v2/models/a/b").status_code == 404
    assert client.get("/v2/models/a%2Fready").status_code == 404
    assert client.post(f"/v2/models/x/{MODEL}/infer", content=b"{}").status_code == 404


@forms
@pytest.mark.parametrize("path", [INFER, f"/v2/models/{MODEL}/versions/1/infer"])
def test_rows_have_the_answers_of_predict(client: httpx.Client, form: Form, path: str) -> None:
    answer = send(client, infer_body([MATRIX], form, id="42"), path)

    labels, shares = by_predict(client, [BENIGN, MALIGNANT])
    assert answer.json() == {
        "model_name": MODEL,
        "model_version": "1",
        "id": "42",
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [2], "data": labels},
            {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "data": shares},
        ],
    }
    assert (answer.headers["x-model-name"], answer.headers["x-model-version"]) == (MODEL, "1")
    assert answer.headers["content-type"] == "application/json"


@forms
def test_a_tensor_a_column_has_the_same_answers(client: httpx.Client, form: Form) -> None:
    names = client.get("/").json()["features"]
    datatypes = dict.fromkeys(names[::2], "FP64" if form == "binary" else "FP32")

    inputs = columns_of([BENIGN, MALIGNANT], names, datatypes)[::-1]

    labels, shares = by_predict(client, [BENIGN, MALIGNANT])
    assert outputs(send(client, infer_body(inputs, form))) == {"label": labels, "probabilities": shares}


@forms
@pytest.mark.parametrize("datatype", sorted(set(DATATYPES) - {"BYTES"}))
def test_every_datatype_of_numbers_is_taken(client: httpx.Client, datatype: str, form: Form) -> None:
    values = [bool(index % 2) if datatype == "BOOL" else index % 2 for index in range(30)]
    given: list[Any] = [float(value) for value in values] if datatype == "BF16" else values

    labels, shares = by_predict(client, [[float(value) for value in values]])
    answer = send(client, infer_body([Sent("input", datatype, [1, 30], given)], form))
    assert outputs(answer) == {"label": labels, "probabilities": shares}


def test_an_id_is_told_only_where_one_was_given(client: httpx.Client) -> None:
    assert "id" not in read(send(client, infer_body([MATRIX])))[0]
    assert read(send(client, infer_body([MATRIX], id="")))[0]["id"] == ""
    assert "id" not in read(send(client, infer_body([MATRIX], id=None)))[0]


def test_parameters_and_members_that_are_unknown_are_let_be(client: httpx.Client) -> None:
    plain = infer_body([MATRIX])
    strange = json.loads(plain.content)
    strange |= {"parameters": {"priority": 1, "anything": "x"}, "model_name": "whatever"}
    strange["inputs"][0]["parameters"] = {"content_type": "np", "other": True}
    strange["outputs"] = [{"name": "label", "parameters": {"classification": 3}}]

    answer = send(client, Body(json.dumps(strange).encode(), None))

    assert outputs(answer) == {"label": outputs(send(client, plain))["label"]}


def test_outputs_are_given_by_name_and_in_bytes_where_that_is_wanted(client: httpx.Client) -> None:
    body = infer_body([MATRIX], outputs=[{"name": "probabilities", "parameters": {"binary_data": True}}])

    answer = send(client, body)

    told, behind = read(answer)
    _, shares = by_predict(client, [BENIGN, MALIGNANT])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert told["outputs"] == [
        {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "parameters": {"binary_data_size": 16}}
    ]
    assert behind["probabilities"] == np.array(shares, "<f4").tobytes()


def test_all_outputs_are_given_in_bytes_where_that_is_wanted(client: httpx.Client) -> None:
    body = infer_body([MATRIX], "binary", parameters={"binary_data_output": True})

    told, behind = read(send(client, body))

    labels, shares = by_predict(client, [BENIGN, MALIGNANT])
    assert [output["name"] for output in told["outputs"]] == ["label", "probabilities"]
    assert behind == {
        "label": np.array(labels, "<i8").tobytes(),
        "probabilities": np.array(shares, "<f4").tobytes(),
    }


def test_a_body_of_bytes_alone_is_answered_in_bytes(client: httpx.Client) -> None:
    rows = np.array(ALL, "<f4")

    answer = send(client, Body(rows.tobytes(), 0))

    _, behind = read(answer)
    assert behind["label"] == np.array(by_predict(client, [BENIGN, MALIGNANT])[0], "<i8").tobytes()


@pytest.mark.parametrize("kind", get_args(Kind))
@forms
def test_columns_of_numbers_and_texts_are_answered_exactly(tmp_path: Path, kind: Kind, form: Form) -> None:
    publish_mixed(tmp_path, kind)
    inputs = columns_of(ROWS, NAMES, {"colour": "BYTES", "shape": "BYTES"})
    with serving(tmp_path) as running, httpx.Client(base_url=running.address) as http:
        found = outputs(send(http, infer_body(inputs, form), f"/v2/models/{NAME}/infer"))
        described = http.get(f"/v2/models/{NAME}").json()

    labels, shares = zip(*(expected(kind, row) for row in ROWS), strict=True)
    assert found.pop("prediction" if kind == "number" else "label") == list(labels)
    assert found == ({"probabilities": [each for row in shares for each in row]} if kind == "classes" else {})
    assert [each["name"] for each in described["inputs"]] == NAMES


def test_a_number_that_is_missing_is_null_or_nan(holed: Path) -> None:
    rows = [[None, 1.0], [1.0, 1.0]]
    with serving(holed) as running, httpx.Client(base_url=running.address) as http:
        labels, shares = by_predict(http, rows)
        for form in FORMS:
            sent = Sent("input", "FP32", [2, 2], [None, 1.0, 1.0, 1.0])
            found = outputs(send(http, infer_body([sent], form), "/v2/models/holed/infer"))
            assert found == {"label": labels, "probabilities": shares}
            refused = send(
                http, infer_body([sent._replace(values=[1.0, 1.0, 1.0, None])], form), "/v2/models/holed/infer"
            )
            assert refused.status_code == 422
            assert refused.json()["column"] == "always"


def test_an_answer_that_is_not_finite_is_refused_with_its_row(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "number")
    rows = [ROWS[0], [3e38, "red", 3e38, "round"]]
    inputs = columns_of(rows, NAMES, {"colour": "BYTES", "shape": "BYTES"})
    with serving(tmp_path) as running:
        answer = httpx.post(f"{running.address}/v2/models/{NAME}/infer", content=infer_body(inputs).content)

    assert answer.status_code == 422
    assert answer.json() == {"error": "the model has no finite answer to this row (row 1)", "row": 1}


def test_a_sentence_holds_all_since_clients_show_nothing_else(client: httpx.Client) -> None:
    answer = send(client, infer_body([MATRIX._replace(values=[*ALL[:-1], SECRET])]))

    column = client.get("/").json()["features"][-1]
    assert answer.status_code == 422
    assert answer.json() == {
        "error": f"a value is text (row 1, column {column}, expected a number)",
        "row": 1,
        "column": column,
        "expected": "a number",
    }


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        ({"inference-header-content-length": "100000"}, 400, "shorter than its Inference-Header-Content-Length"),
        ({"inference-header-content-length": "-1"}, 400, "not a number of bytes"),
        ({"inference-header-content-length": "9" * 100}, 400, "not a number of bytes"),
        ({"inference-header-content-length": ""}, 400, "not a number of bytes"),
        ({"content-type": "text/plain"}, 415, "or binary tensors: send them with content-type: application/octet"),
        ({"content-encoding": "br"}, 415, "compressed with gzip or deflate"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(
    client: httpx.Client, headers: dict[str, str], status: int, sentence: str
) -> None:
    answer = send(client, infer_body([MATRIX]), **headers)

    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_too_many_rows_are_too_large(client: httpx.Client) -> None:
    many = Sent("input", "UINT8", [1001, 30], [1] * 30 * 1001)

    for form in FORMS:
        answer = send(client, infer_body([many], form))
        assert (answer.status_code, answer.json()["error"]) == (
            413,
            "the inputs have 1001 rows; at most 1000 are answered at once",
        )


def test_a_model_is_not_ready_before_it_has_a_good_version(repository: Path, published: PublishedVersion) -> None:
    broken = repository / MODEL / "1" / "model.onnx"
    broken.write_bytes(b"broken")
    with serving(repository) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: MODEL in http.get("/v2/repository/index").text, lambda: "it is not looked at")
        eventually(lambda: http.get(f"/v2/models/{MODEL}/ready").status_code == 503, lambda: "it is ready")
        assert http.get(f"/v2/models/{MODEL}").status_code == 503
        assert send(http, infer_body([MATRIX])).status_code == 503

        publish(repository, published.manifest, published.onnx, published.explanation)
        eventually(lambda: http.get(f"/v2/models/{MODEL}/versions/2/ready").status_code == 200, lambda: "never ready")
        assert send(http, infer_body([MATRIX]), f"/v2/models/{MODEL}/versions/2/infer").status_code == 200
        assert http.get(f"/v2/models/{MODEL}/versions/1").status_code == 404


def test_the_older_protocol_answers_as_predict_does(client: httpx.Client) -> None:
    body = {"instances": [BENIGN, MALIGNANT]}

    answer = client.post(f"/v1/models/{MODEL}:predict", json=body)

    assert answer.content == client.post("/predict", json=body).content
    assert client.get("/v1/models").json() == {"models": [MODEL]}
    assert client.get(f"/v1/models/{MODEL}").json() == {"name": MODEL, "ready": True}
    assert client.get("/v1/models/nobody").status_code == 404
    assert client.post("/v1/models/nobody:predict", json=body).status_code == 404
    assert client.post(f"/v1/models/{MODEL}:predict", json={"instances": [[1]]}).status_code == 422


def test_requests_and_rows_are_counted_by_route(trained: Path) -> None:
    with serving(trained) as running, httpx.Client(base_url=running.address) as http:
        send(http, infer_body([MATRIX]))
        send(http, infer_body([MATRIX], "binary"))
        text = http.get("/metrics").text

    assert 'copse_requests_total{method="POST",route="/v2/models/{name}/infer",status="200"} 2.0' in text
    assert f'copse_rows_total{{model="{MODEL}",version="1"}} 4.0' in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["input", "FP32"]),
    lambda inner: st.lists(inner, max_size=31) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=30,
)
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["input", "mean radius"]) | JSON,
        "shape": st.lists(st.integers(0, 31), max_size=3) | JSON,
        "datatype": st.sampled_from(sorted(DATATYPES)) | JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-9, 99) | JSON}) | JSON,
        "data": st.lists(st.floats() | JSON, max_size=31) | JSON,
    },
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "inputs": st.lists(INPUT, max_size=3) | JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["label"]) | JSON}), max_size=3) | JSON,
        "parameters": JSON,
        "id": JSON,
    },
)
many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(REQUEST | JSON, st.binary(max_size=40), st.none() | st.integers(-1, 400), st.booleans())
def test_random_requests_get_an_answer_or_a_refusal(
    client: httpx.Client, document: Any, behind: bytes, length: int | None, exact: bool
) -> None:
    content = json.dumps(document).encode()
    body = Body(content + behind, len(content) if exact else length)

    answer = send(client, body)

    assert answer.status_code in (200, 400, 413, 422)
    assert answer.status_code == 200 or set(answer.json()) <= {"error", "row", "column", "expected"}


@pytest.fixture(autouse=True, scope="module")
def last(server: RunningServer) -> Iterator[None]:
    """Whatever was sent here, nothing of it was unexpected."""
    yield
    assert "failed unexpectedly" not in server.text
