"""tritonclient and kserve's client library, as they are published, get the answers that /predict gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest

from model_repository import PublishedVersion, publish
from tests import mixed_models
from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT
from tests.programs import client_libraries
from tests.servers import serving

pytestmark = pytest.mark.clients

Found = dict[str, Any]
KINDS: dict[str, mixed_models.Kind] = {"verdicts": "classes", "colours": "labels", "prices": "number"}
MODELS = (MODEL, *KINDS)
GRPC = re.compile(r"gRPC on (\S+)")


@dataclass
class Served:
    """A server over four models, and of each what the libraries are to ask and what /predict answers."""

    http: str
    grpc: str
    models: dict[str, Found]
    expected: dict[str, Found]


@pytest.fixture(scope="module")
def served(published: PublishedVersion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("several")
    publish(root, published.manifest, published.onnx, published.explanation)
    for name, kind in KINDS.items():
        onnx = mixed_models.graph(kind)
        publish(root, mixed_models.manifest(kind, onnx, name=name), onnx)
    models = {MODEL: asked_of_numbers(published)} | {name: asked_of_texts(kind) for name, kind in KINDS.items()}
    with serving(root, "--grpc-port", "0") as running:
        address = running.address
        running.says("gRPC on ")
        found = GRPC.search(running.text)
        assert found
        expected = {name: predicted(address, name, given) for name, given in models.items()}
        yield Served(address, found[1], models, expected)


def asked_of_numbers(published: PublishedVersion) -> Found:
    rows = [MALIGNANT, BENIGN, *(example.row for example in published.manifest.examples)]
    columns = [[column.name, "FP32"] for column in published.manifest.columns]
    return {"columns": columns, "rows": rows, "whole": rows, "outputs": ["label", "probabilities"]}


def asked_of_texts(kind: mixed_models.Kind) -> Found:
    columns = [["width", "FP32"], ["colour", "BYTES"], ["height", "FP32"], ["shape", "BYTES"]]
    rows = [*mixed_models.ROWS, [0.75, "grün, ja", -0.5, "round"]]
    outputs = {"classes": ["label", "probabilities"], "labels": ["label"], "number": ["prediction"]}[kind]
    return {
        "columns": columns,
        "rows": rows,
        "whole": [row for row in rows if None not in row],
        "outputs": outputs,
    }


def predicted(address: str, model: str, given: Found) -> Found:
    """Return what /predict answers to all rows and to whole rows, as outputs of the protocol."""
    return {key: outputs_of(address, model, given[key]) for key in ("rows", "whole")}


def outputs_of(address: str, model: str, rows: list[list[Any]]) -> Found:
    answer = httpx.post(f"{address}/models/{model}/predict", json={"instances": rows})
    predictions = answer.raise_for_status().json()["predictions"]
    labels = [each["prediction"] for each in predictions]
    if model == "prices":
        return {"prediction": np.array(labels, dtype=np.float32)[:, None]}
    shares = [each["probabilities"] for each in predictions if "probabilities" in each]
    return {"label": labels} | ({"probabilities": np.array(shares, dtype=np.float32)} if shares else {})


def assert_same_bits(answers: Found, expected: Found, way: str) -> None:
    assert set(answers) == set(expected), way
    for name, values in expected.items():
        if isinstance(values, np.ndarray):
            assert np.array(answers[name], dtype=np.float32).tobytes() == values.tobytes(), (way, name)
            assert np.array(answers[name]).shape == values.shape, (way, name)
        else:
            assert answers[name] == values, (way, name)


@pytest.fixture(scope="module", params=["http", "grpc"])
def triton(request: pytest.FixtureRequest, served: Served) -> Found:
    protocol = request.param
    address = served.grpc if protocol == "grpc" else served.http.removeprefix("http://")
    found: Found = client_libraries(
        "tritonclients.py", {"protocol": protocol, "address": address, "models": served.models}
    )
    return found | {"protocol": protocol}


@pytest.fixture(scope="module")
def kserve(served: Served) -> Found:
    asked = {"http": served.http, "grpc": served.grpc, "models": served.models}
    found: Found = client_libraries("kserveclients.py", asked)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_tritonclient_gets_the_bits_of_predict_by_every_way_of_asking(
    triton: Found, served: Served, model: str
) -> None:
    answers = triton[model]["answers"]
    for way, outputs in answers.items():
        assert_same_bits(outputs, served.expected[model]["whole" if "whole rows" in way else "rows"], way)
    assert len(answers) >= (4 if triton["protocol"] == "grpc" else 8)


@pytest.mark.parametrize("model", MODELS)
def test_tritonclient_reads_what_the_server_and_a_model_are(triton: Found, served: Served, model: str) -> None:
    facts = triton[model]["facts"]
    takes = {each["name"]: each["datatype"] for each in facts["model"]["inputs"]}
    matrix = model == MODEL

    for ready in ("live", "ready", "model ready", "version ready"):
        assert facts[ready] is True, ready
    assert takes == ({"input": "FP32"} if matrix else dict(served.models[model]["columns"]))
    assert [each["name"] for each in facts["model"]["outputs"]] == served.models[model]["outputs"]
    assert (facts["model"]["name"], facts["model"]["versions"]) == (model, ["1"])
    assert facts["server"]["name"] == "copse"
    index = facts["index"] if isinstance(facts["index"], list) else facts["index"]["models"]
    assert {each["name"]: each["state"] for each in index} == dict.fromkeys(MODELS, "READY")
    assert (facts["id"], facts["model answered"]) == ("number 7", [model, "1"])
    assert facts["only what is wanted"]


@pytest.mark.parametrize("model", MODELS)
def test_tritonclient_is_told_of_another_model_or_version_that_it_is_not_there(triton: Found, model: str) -> None:
    facts, errors = triton[model]["facts"], triton[model]["errors"]
    status = "404" if triton["protocol"] == "http" else "StatusCode.NOT_FOUND"

    for key in ("another version ready", "another model ready"):
        assert facts[key] is False or facts[key][0] == status, key
    for key in ("unknown model", "unknown version", "unknown model's metadata"):
        assert errors[key][0] == status, key
        assert errors[key][1].startswith(("there is no", "this version of the model does not answer here")), errors[key]


@pytest.mark.parametrize("model", MODELS)
def test_tritonclient_is_told_what_is_wrong_with_an_input(triton: Found, model: str) -> None:
    errors = triton[model]["errors"]
    status = "422" if triton["protocol"] == "http" else "StatusCode.INVALID_ARGUMENT"

    for key in ("wrong shape", "wrong datatype", "wrong name", "wrong output"):
        assert errors[key][0] == status, (key, errors[key])
        assert "hidden" not in errors[key][1]
    assert "shape" in errors["wrong shape"][1]
    assert "datatype" in errors["wrong datatype"][1]
    assert "name" in errors["wrong name"][1]
    assert "no output of this model" in errors["wrong output"][1]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_kserves_client_gets_the_bits_of_predict(kserve: Found, served: Served, protocol: str, model: str) -> None:
    found = kserve[protocol][model]

    assert set(found["answers"]) == ({"JSON", "binary"} if protocol == "http" else {"typed", "raw"})
    for way, outputs in found["answers"].items():
        assert_same_bits(outputs, served.expected[model]["rows"], way)
    version = "1" if protocol == "grpc" else None  # over HTTP the library does not read it
    assert (found["id"], found["model answered"]) == ("number 7", [model, version])


@pytest.mark.parametrize("model", MODELS)
def test_kserves_client_gets_the_same_by_the_protocols_first_version(kserve: Found, served: Served, model: str) -> None:
    given, address = served.models[model], served.http
    answer = httpx.post(f"{address}/models/{model}/predict", json={"instances": given["rows"]})

    first, second = kserve["http"][model]["v1"]["predictions"], answer.json()["predictions"]
    assert first == second or first == [each["prediction"] for each in second]


@pytest.mark.parametrize("model", MODELS)
def test_kserves_client_knows_who_is_ready_and_is_told_what_is_wrong(kserve: Found, model: str) -> None:
    http, grpc = kserve["http"][model], kserve["grpc"][model]

    assert http["live"] is http["ready"] is grpc["live"] is grpc["ready"] is grpc["model ready"] is True
    assert http["model ready"] == [True, True, False]
    assert http["only what is wanted"]
    assert {key: status for key, (status, _) in http["errors"].items()} == {
        "unknown model": 404,
        "unknown model, v1": 404,
        "wrong name": 422,
        "wrong rows, v1": 422,
    }
    assert all(re.match("[a-z0-9 ]{10}", sentence) for _, sentence in http["errors"].values())
    assert [status for status, _ in grpc["errors"].values()] == ["NOT_FOUND", "INVALID_ARGUMENT", "NOT_FOUND"]
