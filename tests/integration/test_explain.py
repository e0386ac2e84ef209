"""POST /explain of a real server: each answer is the model's own, and base and contributions add up to it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from model_repository import publish, read_version
from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT, forest_of
from tests.mixed_models import publish_mixed
from tests.servers import RunningServer, eventually, serving
from train.builtin import built_in
from train.data import TrainingData
from train.job import run
from train.recipe import Recipe
from train.schema import Field, Schema

COLUMNS = built_in("breast-cancer").schema.names
NAMED = dict(zip(COLUMNS, BENIGN, strict=True))
DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
NOT_EXPLAINED = (
    "the answers of this version are not explained; those of trees, forests and boosting are, once trained anew"
)
COLOURS = ("", "blue", "green", "red")


def mixed_data() -> TrainingData:
    """Return rows of a number that may be missing, a colour, and a number; the colour decides most."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 4, 400)
    rows = np.column_stack([random.normal(size=400), colours, random.normal(size=400)]).astype(np.float32)
    targets = (rows[:, 0] + np.array([0, 2, -2, 1])[colours] > 0).astype(np.int64)
    rows[::7, 0] = np.nan
    schema = Schema([Field("width"), Field("colour", COLOURS), Field("height")])
    return TrainingData("mixed", schema, rows, targets, [0, 1], ["no", "yes"])


@pytest.fixture(scope="module")
def several(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a server with models of several kinds."""
    root = tmp_path_factory.mktemp("several")
    published = read_version(trained, MODEL, 1)
    publish(root, published.manifest, published.onnx, published.explanation)
    run(root, "diabetes", built_in("diabetes"), Recipe(estimator="gradient-boosting", parameters={"n_estimators": 30}))
    run(root, "wine", built_in("wine"), Recipe(estimator="hist-gradient-boosting", parameters={"max_iter": 10}))
    run(root, "mixed", mixed_data(), forest_of(20))
    run(root, "lines", built_in("wine"), Recipe(estimator="logistic-regression"))
    with serving(root, "--model", MODEL) as running, httpx.Client(base_url=running.address, timeout=30) as http:
        names = (MODEL, "diabetes", "wine", "mixed", "lines")
        eventually(lambda: all(http.get(f"/models/{name}").status_code == 200 for name in names), lambda: running.text)
        yield http


def added_up(explanation: dict[str, Any]) -> Any:
    """Return base and all contributions together, a number or one a class."""
    contributions = list(explanation["contributions"].values())
    if isinstance(explanation["base"], float):
        return math.fsum([explanation["base"], *contributions])
    return [math.fsum(numbers) for numbers in zip(explanation["base"], *contributions, strict=True)]


def explain(client: httpx.Client, path: str = "/explain", **body: Any) -> httpx.Response:
    return client.post(path, json=body)


@pytest.mark.parametrize("row", [BENIGN, MALIGNANT])
def test_one_row_is_answered_as_predict_does_and_explained(client: httpx.Client, row: list[float]) -> None:
    answer = explain(client, features=row)
    body = answer.json()
    predicted = client.post("/predict", json={"features": row}).json()

    assert answer.status_code == 200
    assert (answer.headers["x-model-name"], answer.headers["x-model-version"]) == (MODEL, "1")
    assert {name: body[name] for name in predicted} == predicted
    assert body["scale"] == "probability"
    assert list(body["contributions"]) == COLUMNS
    assert added_up(body) == pytest.approx(body["probabilities"], abs=1e-6)
    assert sum(body["base"]) == pytest.approx(1)
    assert set(body) == {"prediction", "probabilities", "target_names", "scale", "base", "contributions"}


def test_names_in_any_order_are_explained_as_the_list_is(client: httpx.Client) -> None:
    by_name = explain(client, features=dict(reversed(NAMED.items())))

    assert by_name.json() == explain(client, features=BENIGN).json()


def test_many_rows_are_explained_in_their_order_each_as_it_is_alone(client: httpx.Client) -> None:
    rows: list[Any] = [BENIGN, dict(zip(COLUMNS, MALIGNANT, strict=True)), BENIGN]
    body = explain(client, instances=rows).json()

    assert (body["scale"], body["target_names"]) == ("probability", ["malignant", "benign"])
    for found, row in zip(body["explanations"], rows, strict=True):
        alone = explain(client, features=row).json()
        assert found | {"scale": body["scale"], "target_names": body["target_names"]} == alone


def test_a_regression_is_explained_with_single_numbers(several: httpx.Client) -> None:
    rows = built_in("diabetes").rows[:20].astype(float).tolist()
    body = explain(several, "/models/diabetes/explain", instances=rows).json()
    predicted = several.post("/models/diabetes/predict", json={"instances": rows}).json()["predictions"]

    assert set(body) == {"explanations", "scale"}
    assert body["scale"] == "prediction"
    for found, expected in zip(body["explanations"], predicted, strict=True):
        assert found["prediction"] == expected["prediction"]
        assert added_up(found) == pytest.approx(found["prediction"], abs=346e-6)
        assert set(found) == {"prediction", "base", "contributions"}


def test_boosting_is_explained_by_scores_that_give_the_probabilities(several: httpx.Client) -> None:
    rows = built_in("wine").rows[::9].astype(float).tolist()
    body = explain(several, "/models/wine/explain", instances=rows).json()

    assert body["scale"] == "log-odds"
    for found in body["explanations"]:
        weights = np.exp(added_up(found))
        assert found["probabilities"] == pytest.approx((weights / weights.sum()).tolist(), abs=1e-6)


def test_columns_of_texts_and_missing_values_are_explained(several: httpx.Client) -> None:
    rows: list[Any] = [[None, "red", 0.5], {"width": 0.5, "height": 1, "colour": "green"}, [1, None, 0], [1, "pink", 0]]
    body = explain(several, "/models/mixed/explain", instances=rows[:3]).json()

    for found in body["explanations"]:
        assert list(found["contributions"]) == ["width", "colour", "height"]
        assert added_up(found) == pytest.approx(found["probabilities"], abs=1e-6)
    green = body["explanations"][1]["contributions"]
    assert green["colour"][1] < -0.1
    unknown = several.post("/models/mixed/predict", json={"features": rows[3]}).status_code
    assert explain(several, "/models/mixed/explain", features=rows[3]).status_code == unknown


def test_the_path_without_a_name_means_the_model_that_the_server_means(several: httpx.Client) -> None:
    named = explain(several, f"/models/{MODEL}/explain", features=BENIGN)

    assert named.json() == explain(several, features=BENIGN).json()


def test_a_model_that_is_none_of_trees_is_not_explained_and_says_so(several: httpx.Client) -> None:
    answer = explain(several, "/models/lines/explain", features=[0] * 13)

    assert (answer.status_code, answer.json()) == (404, {"error": NOT_EXPLAINED})
    assert f"| rows to explain, where the model is none of trees | 404 | {NOT_EXPLAINED} | - |" in DOCS
    assert several.get("/models/lines").json()["explained"] is False
    assert several.get("/models/wine").json()["explained"] is True
    assert explain(several, "/models/none/explain", features=BENIGN).status_code == 404


def test_a_version_from_before_there_were_explanations_is_served_without_them(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running:
        url = f"{running.address}/explain"
        eventually(lambda: httpx.post(url, json={}).status_code != 503, lambda: running.text)
        assert httpx.post(url, json={"features": [1, "red", 1, "round"]}).json() == {"error": NOT_EXPLAINED}


@pytest.mark.parametrize(
    "body",
    [
        "{nonsense",
        "",
        "{}",
        '{"instances": []}',
        '{"features": [1, 2]}',
        json.dumps({"features": [*BENIGN[:-1], "4815162342"]}),
        json.dumps({"features": [*BENIGN[:-1], None]}),
        json.dumps({"features": NAMED, "instances": [BENIGN]}),
        json.dumps({"instances": [BENIGN, BENIGN[:-1]]}),
        json.dumps({"features": [*BENIGN[:-1], 1e39]}),
    ],
)
def test_bad_input_has_the_answer_that_predict_gives(client: httpx.Client, body: str) -> None:
    headers = {"content-type": "application/json"}
    wanted, found = (client.post(path, content=body, headers=headers) for path in ("/predict", "/explain"))

    assert found.status_code >= 400
    assert (found.status_code, found.json()) == (wanted.status_code, wanted.json())
    assert "4815162342" not in found.text


def test_a_body_of_another_type_is_refused(client: httpx.Client) -> None:
    assert client.post("/explain", content="features=1", headers={"content-type": "text/plain"}).status_code == 415
    assert client.get("/explain").status_code == 405


def test_rows_beyond_a_requests_work_are_refused_with_their_bound(trained: Path, tmp_path: Path) -> None:
    version = read_version(trained, MODEL, 1)
    publish(tmp_path, msgspec.structs.replace(version.manifest, name="large"), version.onnx, version.explanation)
    with serving(tmp_path, "--max-rows", "100000") as running:
        url = f"{running.address}/explain"
        eventually(lambda: httpx.post(url, json={"features": BENIGN}).status_code == 200, lambda: running.text)
        refused = httpx.post(url, json={"instances": [BENIGN] * 3_500}, timeout=30)

    assert refused.status_code == 413
    sentence = refused.json()["error"]
    assert sentence.startswith("instances has 3500 rows; at most ")
    assert 1_000 < int(sentence.split()[6]) < 3_500


def test_explained_rows_and_requests_are_counted(server: RunningServer) -> None:
    with httpx.Client(base_url=server.address, timeout=30) as http:
        before = rows_counted(http)
        assert explain(http, instances=[BENIGN] * 7).status_code == 200
        assert rows_counted(http) == before + 7
        assert 'copse_requests_total{method="POST",route="/explain",status="200"}' in http.get("/metrics").text


def rows_counted(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("copse_rows_total{"))
