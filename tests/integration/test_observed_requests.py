"""Each answer carries the id of its request; its stages add up; who has gone, and what fails, is counted as it is."""

import json
import re
import socket
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.servers import RunningServer, serving

ONE = {"features": BENIGN}
MANY = {"instances": [BENIGN] * 5000}  # more than goes to a thread


def samples(running: RunningServer) -> Mapping[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, in the order of the labels' names."""
    families = text_string_to_metric_families(httpx.get(f"{running.address}/metrics").text)
    return {
        (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
        for family in families
        for each in family.samples
    }


@pytest.mark.parametrize("body", [ONE, MANY, {"features": [1]}], ids=["one", "many", "refused"])
def test_an_answer_carries_the_id_that_was_sent_or_one_of_its_own(body: object, trained: Path) -> None:
    with serving(trained) as running, httpx.Client(base_url=running.address) as client:
        for path in ("/predict", f"/models/{MODEL}/predict"):
            sent = client.post(path, json=body, headers={"x-request-id": "order-7"})
            assert sent.headers.get_list("x-request-id") == ["order-7"]
            given = {client.post(path, json=body).headers["x-request-id"] for _ in range(5)}
            assert len(given) == 5
            assert all(re.fullmatch("[0-9a-f]{8}-[0-9a-f]+", each) for each in given)


def test_what_never_reaches_the_application_has_an_id_too(trained: Path) -> None:
    with serving(trained, "--max-head-bytes", "512") as running:
        with socket.create_connection(("127.0.0.1", httpx.URL(running.address).port or 0)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: here\r\nx: " + b"x" * 600 + b"\r\n\r\n")
            answer = connection.makefile("rb").read().decode()
        assert re.search(r"\r\nx-request-id: [0-9a-f]{8}-[0-9a-f]+\r\n", answer)
        assert samples(running)["copse_refused_requests_total", "head_too_large"] == 1


def test_the_stages_of_requests_add_up_to_less_than_the_requests_and_each_is_counted_once(trained: Path) -> None:
    single, large = 40, 3
    with serving(trained) as running, httpx.Client(base_url=running.address) as client:
        for _ in range(single):
            client.post("/predict", json=ONE).raise_for_status()
        for _ in range(large):
            client.post("/predict", json=MANY).raise_for_status()
        client.post("/explain", json=ONE).raise_for_status()
        found = samples(running)

    stages = ["waiting", "decoding", "inference", "encoding"]
    of = MODEL, "1"
    total = sum(found["copse_stage_duration_seconds_sum", of[0], stage, of[1]] for stage in stages)
    whole = sum(found["copse_request_duration_seconds_sum", route] for route in ("/predict", "/explain"))
    assert 0 < total < whole
    for stage in stages:
        assert found["copse_stage_duration_seconds_count", of[0], stage, of[1]] == single + large + 1
        assert found["copse_stage_duration_seconds_sum", of[0], stage, of[1]] > 0
    assert found["copse_batch_rows_count", *of] == single + large + 1
    assert found["copse_batch_rows_sum", *of] == found["copse_rows_total", *of] == single + 5000 * large + 1


def test_a_large_body_that_comes_in_pieces_is_answered_like_a_small_one(trained: Path) -> None:
    content = json.dumps(MANY).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-length: {len(content)}\r\n\r\n".encode()
    with serving(trained) as running:
        right = httpx.post(f"{running.address}/predict", content=content, headers={"content-type": "application/json"})
        with socket.create_connection(("127.0.0.1", httpx.URL(running.address).port or 0)) as connection:
            for start in range(0, len(head + content), 100_000):
                connection.sendall((head + content)[start : start + 100_000])
            answer = HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            assert answer.read() == right.content
    assert len(right.json()["predictions"]) == 5000
