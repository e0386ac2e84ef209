"""/docs in a real browser: every operation, tried out, under a strict policy, with no other host."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browsers import DESKTOP, PHONE, chromium, visiting
from tests.conftest import MODEL
from tests.programs import ROOT
from tests.servers import RunningServer, serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.browser
def test_every_operation_is_shown_and_one_is_tried_out_with_its_example(
    browser: Browser, server: RunningServer
) -> None:
    document = httpx.get(f"{server.address}/openapi.json").json()
    operations = sum(len(methods) for methods in document["paths"].values())

    with visiting(browser, server.address, "/docs") as visit:
        shown = visit.page.locator(".opblock")
        expect(shown).to_have_count(operations)
        asked = visit.page.locator("#operations-server-post-predict")
        asked.locator(".opblock-summary-control").click()
        asked.get_by_role("button", name="Try it out").click()
        assert len(json.loads(asked.locator("textarea").input_value())["features"]) == 30
        asked.get_by_role("button", name="Execute").click()
        answered = asked.locator(".live-responses-table")
        expect(answered.locator(".response-col_status").nth(1)).to_have_text(re.compile("^200"))
        expect(answered).to_contain_text('"target_names"')
        expect(answered).to_contain_text(f"x-model-name: {MODEL}")


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_the_page_is_kept_as_a_picture(
    browser: Browser, server: RunningServer, name: str, size: dict[str, int]
) -> None:
    shots = ROOT / "build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    with visiting(browser, server.address, "/docs", viewport=size) as visit:
        expect(visit.page.locator(".opblock").first).to_be_visible()
        visit.page.screenshot(path=shots / f"docs-{name}.png")


def test_scripts_and_styles_come_from_the_server_alone(client: httpx.Client) -> None:
    policy = client.get("/docs").headers.get_list("content-security-policy")

    assert len(policy) == 1
    assert "unsafe" not in policy[0]
    assert "default-src 'none'" in policy[0]
    assert "http" not in policy[0]


def test_its_files_are_served_and_no_others(client: httpx.Client) -> None:
    page = client.get("/docs")
    files = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert len(files) == 3
    for file in files:
        answer = client.get(f"/{file}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] in ("text/css; charset=utf-8", "text/javascript; charset=utf-8")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get_list("cache-control") == ["private, max-age=3600"]
    for other in ("docs/", "docs/LICENSE", "docs/swagger-ui.js", "docs/..%2f__init__.py", "docs/%2e%2e/core.py"):
        assert client.get(f"/{other}").status_code == 404


def test_without_the_package_the_page_is_not_there_and_says_how_to_install_it(trained: Path, tmp_path: Path) -> None:
    empty = tmp_path / "swagger_ui"
    empty.mkdir()
    (empty / "__init__.py").touch()
    with serving(trained, environment={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}) as running:
        answer = httpx.get(f"{running.address}/docs")
        document = httpx.get(f"{running.address}/openapi.json")

    assert answer.status_code == 404
    assert "pip install swagger-ui-py" in answer.json()["error"]
    assert answer.json()["error"] in (ROOT / "docs" / "api.md").read_text()
    assert document.status_code == 200
