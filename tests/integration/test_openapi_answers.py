"""What Schemathesis does not bring about: other versions, candidates, control, each method."""

import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.conftest import MODEL
from tests.mixed_models import publish_mixed
from tests.servers import RunningServer, eventually, serving

METHODS = {"get", "post", "put", "patch", "delete", "trace"}


def document_of(server: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.address}/openapi.json").json()
    return found


def fits(answer: httpx.Response, document: dict[str, Any], path: str) -> bool:
    """Return whether an answer is one that the document names, and of the schema that it gives."""
    described = document["paths"][path][answer.request.method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]
    whole = described["content"]["application/json"]["schema"] | {"components": document["components"]}
    return bool(jsonschema_rs.validator_for(whole).is_valid(answer.json()))


def test_a_new_version_makes_a_new_document(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running:
        assert "/v2/models/shapes/versions/1/infer" in document_of(running)["paths"]
        publish_mixed(tmp_path, "labels")
        eventually(
            lambda: document_of(running)["info"]["version"] == "shapes 2", lambda: "the document stays as it was"
        )

        document = document_of(running)

        assert "/v2/models/shapes/versions/2/infer" in document["paths"]
        assert "/v2/models/shapes/versions/1/infer" not in document["paths"]
        assert "probabilities" not in document["components"]["schemas"]["shapes.Answer"]["properties"]


def test_a_second_model_has_its_own_paths_and_takes_the_meaning_from_those_without_a_name(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running:
        assert {"/predict", "/models/shapes/predict"} < document_of(running)["paths"].keys()
        publish_mixed(tmp_path, "number", name="prices")
        eventually(lambda: "/models/prices" in document_of(running)["paths"], lambda: "the second model is not there")

        document = document_of(running)

        assert "/predict" not in document["paths"]
        assert {"/models/shapes/predict", "/models/prices/predict"} < document["paths"].keys()
        assert fits(httpx.get(f"{running.address}/"), document, "/")


def test_before_a_model_is_published_there_is_no_document(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        answer = httpx.get(f"{running.address}/openapi.json")

    assert answer.status_code == 503
    assert answer.json() == {"error": "not ready: no model is published yet"}
    assert int(answer.headers["retry-after"]) >= 1


def test_what_a_candidate_adds_is_described(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running:
        publish_mixed(tmp_path, "classes", candidate=True)
        eventually(lambda: "candidate" in httpx.get(f"{running.address}/").json(), lambda: "there is no candidate")

        document = document_of(running)

        for path in ("/", "/models/shapes", "/v2/repository/index"):
            assert fits(httpx.get(f"{running.address}{path}"), document, path)


def test_loading_and_unloading_is_answered_as_described(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path, "--model-control", "on") as running:
        document = document_of(running)
        path = "/v2/repository/models/shapes"
        asked = [
            httpx.post(f"{running.address}{path}/unload", json={"parameters": {"unload_dependents": False}}),
            httpx.post(f"{running.address}{path}/load"),
            httpx.post(f"{running.address}{path}/load", json={"parameters": {"config": "{}"}}),
        ]

    assert [answer.status_code for answer in asked] == [200, 200, 422]
    for answer in asked:
        assert fits(answer, document, answer.request.url.path)


def test_each_path_takes_the_methods_that_are_described_and_names_them_where_another_is_sent(
    client: httpx.Client, server: RunningServer
) -> None:
    for path, operations in document_of(server)["paths"].items():
        form = {"post"} if re.fullmatch(f"/|/models/{MODEL}", path) else set()
        for method in METHODS - operations.keys():
            answer = client.request(method, path)
            if method in form:
                assert answer.status_code == 415  # the page's own form
                assert answer.json()["error"].startswith("the body must be a form")
                continue
            assert (method, path, answer.status_code) == (method, path, 405)
            allowed = {each.lower() for each in answer.headers["allow"].split(", ")}
            assert allowed - {"head"} == operations.keys() | form
            assert answer.json() == {"error": "this path does not take this method"}


def test_head_is_answered_as_get_without_the_body(client: httpx.Client, server: RunningServer) -> None:
    for path, operations in document_of(server)["paths"].items():
        if "get" in operations:
            answer = client.head(path)
            assert (path, answer.status_code) == (path, 200)
            assert answer.content == b""
            assert answer.headers["content-type"] == client.get(path).headers["content-type"]


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "9" * 30, "1", "100000"])
def test_a_length_of_the_json_that_cannot_be_is_refused_as_described(
    client: httpx.Client, server: RunningServer, value: str
) -> None:
    path = f"/v2/models/{MODEL}/infer"
    answer = client.post(path, json={"inputs": []}, headers={"inference-header-content-length": value})

    assert answer.status_code == 400
    assert fits(answer, document_of(server), path)


def test_json_is_not_taken_for_the_bytes_of_numbers(client: httpx.Client) -> None:
    headers = {"inference-header-content-length": "0", "content-type": "application/json"}
    answer = client.post(f"/v2/models/{MODEL}/infer", content=b" " * 120, headers=headers)

    assert answer.status_code == 415
    assert "application/octet-stream" in answer.json()["error"]
