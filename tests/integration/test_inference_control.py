"""Models are loaded and unloaded over HTTP where a setting allows it, and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from model_repository import PublishedVersion, publish
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.infer_bodies import Sent, infer_body
from tests.servers import eventually, ready, serving

CONTROL = ("--model-control", "on")
# A look that is due only after an hour: what is loaded was loaded since a client said so.
BY_HAND = (*CONTROL, "--poll-seconds", "3600")
BODY = infer_body([Sent("input", "FP32", [1, 30], BENIGN)])
UNLOADED = [{"name": MODEL, "version": "", "state": "UNAVAILABLE", "reason": "unloaded"}]


def served(version: int) -> list[dict[str, str]]:
    return [{"name": MODEL, "version": str(version), "state": "READY", "reason": ""}]


def control(http: httpx.Client, verb: str, name: str = MODEL, **body: Any) -> httpx.Response:
    return http.post(f"/v2/repository/models/{name}/{verb}", json=body)


def index(http: httpx.Client, **body: Any) -> Any:
    return http.post("/v2/repository/index", json=body).json()


def statuses(http: httpx.Client) -> set[int]:
    """Return how the model's paths are answered."""
    asked: list[Callable[[], httpx.Response]] = [
        lambda: http.get(f"/v2/models/{MODEL}"),
        lambda: http.get(f"/v2/models/{MODEL}/ready"),
        lambda: http.post(f"/v2/models/{MODEL}/infer", content=BODY.content),
        lambda: http.post("/predict", json={"features": BENIGN}),
        lambda: http.post(f"/v1/models/{MODEL}:predict", json={"instances": [BENIGN]}),
    ]
    return {ask().status_code for ask in asked}


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_unless_it_is_allowed_it_is_forbidden_with_the_way_to_allow_it(client: httpx.Client, verb: str) -> None:
    answer = control(client, verb)

    assert answer.status_code == 403
    assert answer.json() == {"error": "models are not loaded or unloaded by clients here; --model-control on allows it"}
    assert statuses(client) == {200}


def test_a_model_that_is_unloaded_is_not_served_until_it_is_loaded(trained: Path) -> None:
    with serving(trained, *CONTROL) as running, httpx.Client(base_url=running.address) as http:
        assert control(http, "unload", parameters={"unload_dependents": False}).json() == UNLOADED

        assert statuses(http) == {503}
        assert http.post("/predict", json={"features": BENIGN}).json() == {"error": "not ready: unloaded"}
        assert index(http) == UNLOADED
        assert index(http, ready=True) == []
        assert http.get("/v1/models").json() == {"models": []}
        assert ready(running.address)
        assert http.get("/v2/health/ready").status_code == 200

        assert control(http, "load").json() == served(1)
        assert statuses(http) == {200}
        assert index(http, ready=True) == served(1)


def test_readiness_does_not_wait_for_a_named_model_that_was_unloaded(trained: Path) -> None:
    with serving(trained, *CONTROL, "--model", MODEL) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: ready(running.address), lambda: running.text)
        control(http, "unload")

        assert http.post("/predict", json={"features": BENIGN}).status_code == 503
        assert ready(running.address)


def test_polling_does_not_load_what_was_unloaded(repository: Path, published: PublishedVersion) -> None:
    publish(
        repository, msgspec.structs.replace(published.manifest, name="other"), published.onnx, published.explanation
    )
    with serving(repository, *CONTROL) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: len(index(http, ready=True)) == 2, lambda: str(index(http)))
        control(http, "unload")
        for content in (published.onnx, published.onnx):
            publish(repository, published.manifest, content, published.explanation)
            publish(
                repository, msgspec.structs.replace(published.manifest, name="other"), content, published.explanation
            )

        eventually(lambda: http.get("/v2/models/other/versions/3").status_code == 200, lambda: str(index(http)))
        assert http.get(f"/v2/models/{MODEL}/ready").status_code == 503
        assert ready(running.address)
        assert control(http, "load").json() == served(3)


def test_loading_looks_at_once_and_answers_when_the_version_is_served(
    repository: Path, published: PublishedVersion
) -> None:
    with serving(repository, *BY_HAND) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: ready(running.address), lambda: running.text)
        publish(repository, published.manifest, published.onnx, published.explanation)

        assert http.get(f"/v2/models/{MODEL}/versions/2").status_code == 404
        assert control(http, "load").json() == served(2)
        assert http.get(f"/v2/models/{MODEL}/versions/2").status_code == 200


def test_a_model_that_is_new_in_the_repository_can_be_loaded(repository: Path, published: PublishedVersion) -> None:
    with serving(repository, *BY_HAND) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: ready(running.address), lambda: running.text)
        assert control(http, "load", "new").status_code == 404
        publish(
            repository, msgspec.structs.replace(published.manifest, name="new"), published.onnx, published.explanation
        )

        assert control(http, "load", "new").json()[0]["state"] == "READY"
        assert http.get("/v2/models/new/ready").status_code == 200


def test_a_version_that_is_refused_is_told_with_its_reason(repository: Path, published: PublishedVersion) -> None:
    golden = msgspec.structs.replace(
        published.manifest.golden, probabilities=[[0.5, 0.5]] * len(published.manifest.golden.rows)
    )
    wrong = msgspec.structs.replace(published.manifest, golden=golden)
    with serving(repository, *BY_HAND) as running, httpx.Client(base_url=running.address) as http:
        eventually(lambda: ready(running.address), lambda: running.text)
        publish(repository, wrong, published.onnx, published.explanation)

        answer = control(http, "load")

        assert answer.status_code == 503
        assert "version 2 of breast-cancer is refused: it answers" in answer.json()["error"]
        assert answer.json()["error"].endswith("version 1 goes on serving")
        assert statuses(http) == {200}


def test_a_page_of_another_site_cannot_have_a_browser_unload_a_model(trained: Path) -> None:
    with serving(trained, *CONTROL) as running, httpx.Client(base_url=running.address) as http:
        for verb in ("load", "unload"):
            answer = http.post(f"/v2/repository/models/{MODEL}/{verb}", headers={"sec-fetch-site": "cross-site"})

            assert answer.status_code == 403
            assert answer.json() == {"error": "models are not loaded or unloaded by pages of other sites"}
        assert statuses(http) == {200}


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e", "versions"])
def test_a_model_that_is_not_there_is_not_found(trained: Path, name: str) -> None:
    with serving(trained, *CONTROL) as running, httpx.Client(base_url=running.address) as http:
        assert control(http, "load", name).status_code == 404
        assert control(http, "unload", name).status_code == 404


@pytest.mark.parametrize("parameter", ["config", "file:1/model.onnx"])
def test_a_model_is_never_taken_from_a_request(trained: Path, parameter: str) -> None:
    with serving(trained, *CONTROL) as running, httpx.Client(base_url=running.address) as http:
        answer = control(http, "load", parameters={parameter: "AAAA"})

        assert answer.status_code == 422
        assert answer.json() == {
            "error": "models are loaded as they are in the repository; expected neither config nor files"
        }


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 200), (b"{}", 200), (b'{"ready": 1}', 422), (b"[]", 422), (b"{", 400)]
)
def test_the_index_is_asked_for_with_a_body_or_without(client: httpx.Client, content: bytes, status: int) -> None:
    answer = client.post("/v2/repository/index", content=content)

    assert answer.status_code == status
    assert status != 200 or answer.json() == served(1) == client.get("/v2/repository/index").json()
