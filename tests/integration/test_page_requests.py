"""The pages over HTTP: who gets which form, forms that are sent, files, headers, errors."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from model_repository import propose, publish, read_version
from serve.page.answers import PAGE_POLICY
from tests.conftest import MODEL
from tests.mixed_models import publish_mixed
from tests.servers import RunningServer, eventually, serving

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FORM = {"c0": "0.5", "c1": "", "c2": "0.25", "c3": "0"}
LIMITS = ("--max-body-bytes", "5000")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = tmp_path_factory.mktemp("shapes")
    publish_mixed(root, "classes")
    with serving(root, *LIMITS) as running, httpx.Client(base_url=running.address, headers=BROWSER) as client:
        running.says("curl")
        yield client


@pytest.mark.parametrize("path", ["/", f"/models/{MODEL}"])
def test_browsers_get_a_page_and_programs_json(client: httpx.Client, path: str) -> None:
    page, json = client.get(path, headers=BROWSER), client.get(path)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert json.headers["content-type"] == "application/json"
    assert page.headers["vary"] == json.headers["vary"] == "accept"
    assert json.json()["model"] == MODEL


def test_a_page_has_one_policy_and_all_else_the_strictest(client: httpx.Client) -> None:
    page, json = client.get("/", headers=BROWSER), client.get("/")

    assert page.headers.get_list("content-security-policy") == [PAGE_POLICY]
    assert json.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]
    for answer in (page, json):
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_the_files_of_a_page_are_kept_for_ever_since_their_names_change(client: httpx.Client) -> None:
    files = re.findall(r"(?:src|href)=\"(assets/[^\"]+)", client.get("/", headers=BROWSER).text)

    assert len(files) == 3
    for file in files:
        found = client.get(file)
        assert found.status_code == 200
        assert found.headers.get_list("cache-control") == ["max-age=31536000, immutable"]
    assert client.get("/assets/page.css").status_code == 404


def test_the_links_of_a_page_are_relative_so_that_a_proxy_may_move_it(client: httpx.Client) -> None:
    page = client.get(f"/models/{MODEL}", headers=BROWSER).text

    assert 'href="/' not in page
    assert f'action="{MODEL}#answer"' in page
    assert 'href="../assets/' in page


def test_a_form_is_answered_with_the_page_or_with_what_changes_on_it(shapes: httpx.Client) -> None:
    whole, part = shapes.post("/", data=FORM), shapes.post("/models/shapes", data=FORM | {"part": "answer"})

    assert (whole.status_code, part.status_code) == (200, 200)
    assert (whole.headers["x-model-name"], whole.headers["x-model-version"]) == ("shapes", "1")
    assert "<strong>" in whole.text
    assert "<strong>" in part.text
    assert "<html" in whole.text
    assert "<html" not in part.text


def test_what_is_wrong_in_a_form_is_said_and_shown_back_escaped(shapes: httpx.Client) -> None:
    answer = shapes.post("/", data=FORM | {"c0": '"><script>alert(1)</script>'})

    assert answer.status_code == 422
    assert "Expected a number such as 12.5." in answer.text
    assert "&#34;&gt;&lt;script&gt;alert(1)" in answer.text
    assert "<script>" not in answer.text


def test_rows_of_forms_and_examples_are_counted_as_any(shapes: httpx.Client) -> None:
    def counted() -> float:
        (value,) = re.findall(r'copse_rows_total\{model="shapes",version="1"\} (\S+)', shapes.get("/metrics").text)
        return float(value)

    shapes.post("/", data=FORM)
    before = counted()
    shapes.post("/", data=FORM)
    shapes.get("/?example=1")
    shapes.get("/")
    shapes.get("/?example=99")
    shapes.post("/", data={})

    assert counted() == before + 2


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("{}", "application/json", 415),
        ("c0=1", None, 415),
        ("c0=%ff", "application/x-www-form-urlencoded", 400),
        ("c0=\u00ff", "application/x-www-form-urlencoded", 400),
        ("&".join(f"x{each}=1" for each in range(50)), "application/x-www-form-urlencoded", 400),
        ("c0=" + "1" * 5000, "application/x-www-form-urlencoded", 413),
        ("c0=" + "1" * 4000, "application/x-www-form-urlencoded", 422),
    ],
)
def test_what_is_no_form_is_refused_with_a_page(
    shapes: httpx.Client, content: str, kind: str | None, status: int
) -> None:
    answer = shapes.post("/", content=content, headers={"content-type": kind} if kind else {})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1" in answer.text


def test_a_form_that_is_far_larger_than_its_fields_is_refused_before_it_is_parsed(client: httpx.Client) -> None:
    body = b"c0=" + b"%31" * 100_000  # which other bodies may be as large as
    answer = client.post("/", content=body, headers=BROWSER | {"content-type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 413


@pytest.mark.parametrize(("path", "status"), [("/models/none", 404), ("/nowhere", 404), ("/predict", 405)])
def test_an_error_is_the_same_sentence_in_a_browser(shapes: httpx.Client, path: str, status: int) -> None:
    page, json = shapes.get(path), shapes.get(path, headers={"accept": "*/*"})
    sentence = json.json()["error"]

    assert page.status_code == json.status_code == status
    assert sentence[1:].replace("'", "&#39;") in page.text
    assert page.headers.get_list("content-security-policy") == [PAGE_POLICY]


def test_a_server_that_is_not_ready_says_so_in_a_browser(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        answer = httpx.get(running.address, headers=BROWSER)

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "Not ready: no model is published yet." in answer.text
    assert int(answer.headers["retry-after"]) >= 1


def test_several_models_are_listed_and_one_that_is_not_ready_as_such(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "number")
    shapes = read_version(tmp_path, "shapes", 1)
    publish(tmp_path, msgspec.structs.replace(shapes.manifest, name="other"), shapes.onnx)
    publish(tmp_path, msgspec.structs.replace(shapes.manifest, name="bad"), shapes.onnx)
    (tmp_path / "bad" / "1" / "model.onnx").write_bytes(b"nothing")
    expected = [
        {"name": "bad", "version": None, "task": None, "path": "/models/bad"},
        {"name": "other", "version": 1, "task": "regression", "path": "/models/other"},
        {"name": "shapes", "version": 1, "task": "regression", "path": "/models/shapes"},
    ]
    with serving(tmp_path) as running:
        running.says("curl")
        listed, page = httpx.get(running.address), httpx.get(running.address, headers=BROWSER)
        asked = httpx.post(running.address, data=FORM)
    with serving(tmp_path, "--model", "other") as running:
        running.says("curl")
        meant = httpx.get(running.address)

    assert (listed.status_code, listed.json()) == (200, {"models": expected, "status": "alive"})
    assert 'href="models/other"' in page.text
    assert "not ready" in page.text
    assert asked.status_code == 404
    assert meant.json()["model"] == "other"


def test_a_candidate_is_told_in_one_line(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    propose(tmp_path, "shapes", publish_mixed(tmp_path, "classes", candidate=True))
    sentence = "Version 2 is tried out beside this one: of 0 rows it answered 0 otherwise"

    def shown(running: RunningServer) -> bool:
        return sentence in httpx.get(running.address, headers=BROWSER).text

    with serving(tmp_path) as running:
        eventually(lambda: shown(running), lambda: running.text)
