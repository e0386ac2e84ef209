"""What Prometheus reads equals what was sent, by the client library's own parser."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from model_repository import PublishedVersion, publish
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.servers import serving

DOCS = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()


def series(address: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, in the order of the labels' names."""
    answer = httpx.get(f"{address}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_counts_are_those_of_the_client(repository: Path) -> None:
    with serving(repository) as running:
        for _ in range(3):
            httpx.post(f"{running.address}/predict", json={"features": BENIGN})
        httpx.post(f"{running.address}/models/{MODEL}/predict", json={"instances": [BENIGN] * 5})
        httpx.post(f"{running.address}/predict", json={"features": [1]})
        httpx.get(f"{running.address}/nobody/knows")
        httpx.request("DELETE", f"{running.address}/predict")
        found = series(running.address)

    assert found["copse_requests_total", "POST", "/predict", "200"] == 3
    assert found["copse_requests_total", "POST", "/models/{name}/predict", "200"] == 1
    assert found["copse_requests_total", "POST", "/predict", "422"] == 1
    assert found["copse_requests_total", "GET", "unmatched", "404"] == 1
    assert found["copse_requests_total", "other", "/predict", "405"] == 1
    assert found["copse_request_duration_seconds_count", "/predict"] == 5
    assert found["copse_rows_total", MODEL, "1"] == 8


def test_the_versions_are_those_that_serve_and_were_refused(repository: Path, published: PublishedVersion) -> None:
    digest = published.manifest.onnx.sha256
    with serving(repository) as running:
        assert series(running.address)["copse_model_info", MODEL, digest, "1"] == 1
        publish(repository, published.manifest, published.onnx, published.explanation)
        running.says("serving breast-cancer version 2")
        (repository / MODEL / "1" / "model.onnx").write_bytes(b"nothing")
        (repository / MODEL / "CURRENT").write_text("1\n")
        running.says("version 2 goes on serving")
        found = series(running.address)

    assert ("copse_model_info", MODEL, digest, "1") not in found
    assert found["copse_model_info", MODEL, digest, "2"] == 1
    assert found["copse_model_refused", MODEL, "1"] == 1


def test_every_series_is_in_the_docs(client: httpx.Client) -> None:
    client.post("/predict", json={"features": BENIGN})
    families = list(text_string_to_metric_families(client.get("/metrics").text))

    assert len(families) >= 6
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"| `{name}` |" in DOCS
