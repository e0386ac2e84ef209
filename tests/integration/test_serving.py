"""What a user does: read what the model is, and ask it for predictions in every documented form."""

import shlex
import shutil
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest

from model_repository import PublishedVersion, publish
from tests.conftest import MODEL
from tests.exactness import forest
from tests.examples import BENIGN, MALIGNANT
from tests.servers import RunningServer, eventually, ready, serving
from train.builtin import built_in
from train.data import split

DOCS = Path(__file__).parents[2] / "docs"


def predict(client: httpx.Client, body: object) -> httpx.Response:
    return client.post("/predict", json=body)


@pytest.mark.parametrize(
    ("row", "prediction", "rounded"),
    [(BENIGN, 1, [0.01, 0.99]), (MALIGNANT, 0, [0.96, 0.04])],
    ids=["benign", "malignant"],
)
def test_the_worked_examples_are_answered(
    client: httpx.Client, row: list[float], prediction: int, rounded: list[float]
) -> None:
    answer = predict(client, {"features": row}).json()

    assert answer["prediction"] == prediction
    assert [round(value, 2) for value in answer["probabilities"]] == rounded
    assert answer["target_names"] == ["malignant", "benign"]


def test_thirty_zeros_are_answered(client: httpx.Client) -> None:
    answer = predict(client, {"features": [0] * 30}).json()

    assert answer["prediction"] == 1
    assert round(answer["probabilities"][1], 2) == 0.89


def test_probabilities_are_printed_as_people_write_them(client: httpx.Client) -> None:
    assert '"probabilities":[0.012,0.988]' in predict(client, {"features": BENIGN}).text


def test_a_row_by_name_in_any_order_is_answered_as_the_list(client: httpx.Client) -> None:
    columns = built_in("breast-cancer").schema.names
    named = dict(reversed(list(zip(columns, MALIGNANT, strict=True))))

    assert predict(client, {"features": named}).json() == predict(client, {"features": MALIGNANT}).json()


def test_instances_of_both_forms_are_answered_in_order(client: httpx.Client) -> None:
    named = dict(zip(built_in("breast-cancer").schema.names, BENIGN, strict=True))

    answer = predict(client, {"instances": [MALIGNANT, named]}).json()

    single = [predict(client, {"features": row}).json() for row in (MALIGNANT, BENIGN)]
    assert [row["prediction"] for row in answer["predictions"]] == [0, 1]
    assert [row["probabilities"] for row in answer["predictions"]] == [row["probabilities"] for row in single]


@pytest.mark.parametrize("inline", ["0", "10000000"], ids=["in a thread", "on the loop"])
def test_every_row_is_answered_as_scikit_learn_answers_it(trained: Path, inline: str) -> None:
    parts = split(built_in("breast-cancer"), 0.2, 42)
    model = forest(250).fit(parts.fit_rows, parts.fit_targets)
    rows = built_in("breast-cancer").rows

    with serving(trained, "--inline-bytes", inline) as running:
        body = {"instances": rows.astype(float).tolist()}
        predictions = httpx.post(f"{running.address}/predict", json=body, timeout=30).json()["predictions"]

    assert [row["prediction"] for row in predictions] == model.predict(rows).tolist()
    answered = np.array([row["probabilities"] for row in predictions], dtype=np.float32)
    assert (answered == model.predict_proba(rows).astype(np.float32)).all()


def test_the_first_page_tells_what_the_model_is(client: httpx.Client) -> None:
    body = client.get("/").json()

    assert (body["model"], body["version"], body["estimator"]) == (MODEL, 1, "RandomForestClassifier")
    assert body["dataset"] == {"name": MODEL, "rows": 569, "held_out": 114}
    assert {name: round(value, 3) for name, value in body["metrics"].items()} == {"accuracy": 0.947, "f1": 0.958}
    assert body["features"] == built_in("breast-cancer").schema.names
    assert (body["classes"], body["target_names"]) == ([0, 1], ["malignant", "benign"])


def test_every_answer_names_its_model_and_version(client: httpx.Client) -> None:
    headers = predict(client, {"features": BENIGN}).headers

    assert (headers["x-model-name"], headers["x-model-version"]) == (MODEL, "1")
    assert "server" not in headers


def test_the_probes_answer(client: httpx.Client) -> None:
    assert client.get("/livez").json() == {"live": True}
    assert client.get("/readyz").json() == {"ready": True}
    assert client.head("/readyz").status_code == 200


def test_no_model_yet_is_no_crash_and_it_goes_live_when_one_is_published(
    tmp_path: Path, published: PublishedVersion
) -> None:
    with serving(tmp_path / "models") as running:
        running.says("not ready: no model is published yet")
        waiting = httpx.get(f"{running.address}/readyz")
        assert waiting.status_code == 503
        assert waiting.headers["retry-after"] == "1"
        assert httpx.get(f"{running.address}/livez").status_code == 200
        assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).status_code == 503

        publish(tmp_path / "models", published.manifest, published.onnx, published.explanation)

        eventually(lambda: ready(running.address), lambda: running.text)
        running.says("serving breast-cancer version 1")
        assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).json()["prediction"] == 1
        assert running.text.count("no model is published yet") == 2  # the log line and the welcome


def test_the_printed_curl_line_works_when_pasted(server: RunningServer) -> None:
    words = shlex.split(next(line for line in server.text.splitlines() if line.startswith("curl")))
    if shutil.which("curl"):
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    else:
        _, _, url, _, header, _, body = words
        name, value = header.split(": ")
        text = httpx.post(url, content=body, headers={name: value}).text

    assert text.startswith('{"prediction":0,')


def test_the_example_in_the_readme_is_answered_as_the_readme_says(client: httpx.Client) -> None:
    readme = (DOCS.parent / "README.md").read_text()
    body = readme.partition("-d '")[2].partition("'")[0]
    answer = next(line.strip() for line in readme.splitlines() if line.strip().startswith('{"prediction"'))

    assert client.post("/predict", content=body).text == answer
    assert client.post("/predict", content=(DOCS / "benign.json").read_bytes()).text == answer
