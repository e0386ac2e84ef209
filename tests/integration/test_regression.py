"""A regression behind a real server: numbers out, printed short, and no answer that is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import onnx
import pytest

from model_repository import publish
from tests.graphs import edited
from tests.mixed_models import NAME, ROWS, manifest, publish_mixed, score, version
from tests.servers import eventually, serving

DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = tmp_path_factory.mktemp("regression")
    publish_mixed(root, "number")
    with serving(root) as running, httpx.Client(base_url=running.address, timeout=30) as http:
        yield http


def predict(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/predict", json=body)


def test_one_row_and_many_are_answered_with_numbers_and_nothing_else(client: httpx.Client) -> None:
    assert predict(client, features=[0.0, "blue", 0.0, "round"]).text == '{"prediction":2.5}'
    assert predict(client, features=ROWS[1]).json() == {"prediction": score(ROWS[1])}
    assert predict(client, instances=ROWS).json() == {"predictions": [{"prediction": score(row)} for row in ROWS]}


def test_a_number_is_printed_as_the_shortest_that_reads_back_as_the_same_float32(client: httpx.Client) -> None:
    text = predict(client, features=[0.14, "red", 0.0, "round"]).text

    wanted = np.float32(0.14) + np.float32(3)
    assert text == f'{{"prediction":{wanted!s}}}'
    assert wanted == np.float32(3.14)


def test_an_answer_that_is_not_finite_is_refused_with_its_row(client: httpx.Client) -> None:
    huge = [3e38, "red", 3e38, "round"]

    many, one = predict(client, instances=[ROWS[0], huge]), predict(client, features=huge)

    assert (many.status_code, one.status_code) == (422, 422)
    assert many.json() == {"error": "the model has no finite answer to this row", "row": 1}
    assert one.json() == {"error": "the model has no finite answer to this row"}
    assert "| a row whose answer is not finite | 422 | the model has no finite answer to this row | row |" in DOCS


def test_numbers_beyond_what_was_proved_are_refused(tmp_path: Path) -> None:
    parity = msgspec.structs.replace(version("number").manifest.parity, largest_magnitude=1e6)
    publish_mixed(tmp_path, "number", parity=parity)
    with serving(tmp_path) as running, httpx.Client(base_url=running.address) as client:
        answered = predict(client, features=[-1e6, "red", 0, "round"])
        refused = predict(client, instances=[ROWS[0], [1_000_001, "red", 0, "round"]])

    assert answered.json() == {"prediction": -1e6 + 3}
    assert refused.status_code == 422
    assert refused.json() == {
        "error": "a number is too large: none of its size was proved",
        "row": 1,
        "column": "width",
        "expected": "a number between -1000000 and 1000000",
    }
    cells = f"| a number beyond what was proved | 422 | {refused.json()['error']} | row, column, expected |"
    assert cells in DOCS


def test_the_first_page_has_a_task_and_a_target_and_no_classes(client: httpx.Client) -> None:
    body = client.get("/").json()

    assert (body["model"], body["task"], body["target"]) == (NAME, "regression", "price")
    assert not {"classes", "target_names"} & set(body)


def other_stand_in(proto: onnx.ModelProto) -> None:
    """Have a missing height stand for 0.5 rather than 0.25, which is worth 0.5 more."""
    (found,) = (each for each in proto.graph.initializer if each.name == "stand_in")
    found.float_data[:] = [0.5]


def test_a_candidate_is_compared_in_the_unit_of_the_target(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "number")
    content = edited(version("number").onnx, other_stand_in)
    golden = msgspec.structs.replace(version("number").manifest.golden, tolerance=0.5)
    publish(tmp_path, manifest("number", content, golden=golden), content, candidate=True)
    with serving(tmp_path, "--shadow-share", "1") as running, httpx.Client(base_url=running.address) as client:
        running.says(f"comparing candidate 2 of {NAME}")
        predict(client, instances=ROWS)
        eventually(lambda: client.get("/").json()["candidate"]["rows"] == len(ROWS), lambda: client.get("/").text)
        seen, text = client.get("/").json()["candidate"], client.get("/metrics").text

    assert [row for row in ROWS if row[2] is None] == ROWS[:1]
    assert (seen["disagreements"], seen["largest_difference"], seen["mean_difference"]) == (1, 0.5, 0.1)
    assert f'copse_candidate_difference_bucket{{le="0.2",model="{NAME}",version="2"}} 4.0' in text
    assert f'copse_candidate_difference_bucket{{le="0.5",model="{NAME}",version="2"}} 5.0' in text


def test_a_golden_prediction_that_is_off_refuses_the_version(tmp_path: Path) -> None:
    golden = version("number").manifest.golden
    off = msgspec.structs.replace(golden, labels=[float(label) + 1.0 for label in golden.labels])
    publish_mixed(tmp_path, "number", golden=off)
    with serving(tmp_path) as running:
        running.says("it answers 5 of its 5 golden rows otherwise than the original model")
