"""The page in a real browser: filled from an example, answered at once, explained, by keyboard, without JavaScript."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, expect

from serve.page.figures import MINUS, NARROW
from tests.browsers import DESKTOP, PHONE, chromium, visiting
from tests.drifting import held_out
from tests.mixed_models import publish_mixed
from tests.servers import RunningServer, serving

pytestmark = pytest.mark.browser

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SCHEMES = ["light", "dark"]
SIZES = [("phone", PHONE), ("desktop", DESKTOP)]
Size = tuple[str, dict[str, int]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def several(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("several")
    (root / "breast-cancer").symlink_to(trained / "breast-cancer")
    publish_mixed(root, "classes")
    with serving(root) as running:
        running.says("curl")
        yield running


def fill(page: Page, example: int = 2) -> None:
    page.locator("a.example").nth(example - 1).click()
    expect(page.locator(".result")).to_be_visible()


def number(text: str | None) -> float:
    assert text
    return float(text.replace(MINUS, "-").replace(",", "").rstrip(f"%{NARROW}"))


def adds_up(page: Page) -> None:
    """Compare the sum of what is shown with the answer that is shown."""
    page.locator("#why details summary").click()
    amounts = [number(text) for text in page.locator(".contributions .amount").all_text_contents()]
    base, together, total = (number(text) for text in page.locator(".sum dd").all_text_contents())

    assert len(amounts) == 30
    assert [abs(amount) for amount in amounts] == sorted(map(abs, amounts), reverse=True)
    assert math.isclose(sum(amounts), together, abs_tol=30 * 0.00005 + 0.00005)
    assert math.isclose(base + together, total, abs_tol=0.00015)
    assert math.isclose(100 * total, number(page.locator(".result span").text_content()), abs_tol=0.06)


def violations(page: Page) -> list[Any]:
    found: list[Any] = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def test_an_example_fills_the_form_and_is_answered_at_once_with_reasons_that_add_up(
    browser: Browser, server: RunningServer
) -> None:
    with visiting(browser, server.address) as visit:
        expect(visit.page.locator("h1")).to_have_text("breast-cancer")
        fill(visit.page)

        expect(visit.page.locator("#truth")).to_contain_text("Truly:")
        assert all(field.input_value() for field in visit.page.locator("#form input").all())
        expect(visit.page.locator(".shares li")).to_have_count(2)
        adds_up(visit.page)


def test_another_value_is_answered_while_it_is_typed_and_one_that_training_never_saw_is_warned_of(
    browser: Browser, server: RunningServer
) -> None:
    with visiting(browser, server.address) as visit:
        fill(visit.page)
        before = visit.page.locator(".sum").text_content()
        first = visit.page.locator("#form input").first
        first.fill("99999")

        expect(visit.page.locator(".sum")).not_to_have_text(before or "")
        expect(visit.page.locator(".verdict .warned")).to_contain_text("1 value is unlike what training saw")
        expect(visit.page.locator(".note").first).to_contain_text("Outside of what training saw: 185.2 to ")
        expect(visit.page.locator("#truth")).to_be_empty()
        first.fill("many")
        expect(visit.page.locator(".note").first).to_have_text("Expected a number such as 12.5.")
        assert first.get_attribute("aria-invalid") == "true"
        first.fill("")
        expect(visit.page.locator("#verdict")).to_have_text("1 column still needs a value.")


def test_the_keyboard_alone_is_enough(browser: Browser, server: RunningServer) -> None:
    with visiting(browser, server.address) as visit:
        keyboard = visit.page.keyboard
        keyboard.press("Tab")
        expect(visit.page.locator(".skip")).to_be_in_viewport()
        keyboard.press("Enter")
        while not visit.page.evaluate("document.activeElement.matches('a.example')"):
            keyboard.press("Tab")
        keyboard.press("Enter")
        expect(visit.page.locator(".result")).to_be_visible()
        while not visit.page.evaluate("document.activeElement.matches('#form input')"):
            keyboard.press("Tab")
        assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        keyboard.type("99999")
        keyboard.press("Enter")
        expect(visit.page.locator(".verdict .warned")).to_be_visible()
        while not visit.page.evaluate("document.activeElement.matches('#why summary')"):
            keyboard.press("Tab")
        keyboard.press("Enter")
        expect(visit.page.locator("#why details li").first).to_be_visible()


def test_without_javascript_it_reads_and_the_form_answers(browser: Browser, server: RunningServer) -> None:
    with visiting(browser, server.address, java_script_enabled=False) as visit:
        expect(visit.page.locator("h2")).to_have_text(
            ["Try it", "Training and live", "How good it is", "What it goes by", "The export is proved", "Details"]
        )
        fill(visit.page)
        adds_up(visit.page)
        visit.page.locator("#form input").first.fill("99999")
        visit.page.locator("button").click()

        expect(visit.page.locator(".verdict .warned")).to_contain_text("1 value is unlike")
        expect(visit.page.locator("#form input").first).to_have_value("99999")


def test_without_javascript_what_is_wrong_is_said_at_its_column(browser: Browser, several: RunningServer) -> None:
    with visiting(browser, several.address, "/models/shapes", fails="422", java_script_enabled=False) as visit:
        visit.page.get_by_label("width").fill("wide")
        visit.page.get_by_label("colour").select_option("red")
        visit.page.locator("button").click()
        width, shape = visit.page.get_by_label("width"), visit.page.get_by_label("shape")

        expect(width).to_have_accessible_description(f"{MINUS}2 to 1.5 Expected a number such as 12.5.")
        expect(shape).to_have_accessible_description("2 texts A value is needed: training saw none missing here.")
        expect(visit.page.locator("#c1 option:checked")).to_have_text("red")
        expect(width).to_have_value("wide")


def test_a_server_that_is_gone_is_said(browser: Browser, server: RunningServer) -> None:
    with visiting(browser, server.address, fails="net::ERR_FAILED") as visit:
        visit.page.route("**/*", lambda route: route.abort())
        visit.page.locator("a.example").first.click()

        expect(visit.page.locator("#verdict")).to_have_text("The server cannot be reached.")


def test_where_a_token_is_needed_the_browser_asks_for_it_and_all_of_the_page_works(
    browser: Browser, trained: Path, tmp_path: Path
) -> None:
    token = "a-token-0123456789"
    (tmp_path / "tokens").write_text(f"{token}\n")
    with serving(trained, "--tokens-file", str(tmp_path / "tokens")) as guarded:
        guarded.says("curl")
        credentials = {"username": "anyone", "password": token}
        with visiting(browser, guarded.address, http_credentials=credentials) as visit:
            fill(visit.page)


def test_what_is_wrong_with_a_value_is_told_no_longer_once_it_is_taken_away(
    browser: Browser, server: RunningServer
) -> None:
    with visiting(browser, server.address) as visit:
        fill(visit.page)
        field = visit.page.locator("#form input").first
        field.fill("wide")
        expect(visit.page.locator(f"#{field.get_attribute('id')}-note")).to_contain_text("Expected a number")
        field.fill("")

        expect(visit.page.locator("#verdict")).to_have_text("1 column still needs a value.")
        expect(visit.page.locator(f"#{field.get_attribute('id')}-note")).to_be_empty()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_in_the_way_of_anybody(browser: Browser, server: RunningServer, size: Size, scheme: str) -> None:
    moved = (held_out("breast-cancer", 500) * 3).astype(float).tolist()
    assert httpx.post(f"{server.address}/predict", json={"instances": moved}).status_code == 200
    with visiting(browser, server.address, viewport=size[1], color_scheme=scheme) as visit:
        assert violations(visit.page) == []
        expect(visit.page.locator("#drift figure.shifted")).to_have_count(12)
        fill(visit.page)
        visit.page.locator("#form input").first.fill("99999")
        expect(visit.page.locator(".verdict .warned")).to_be_visible()
        for summary in visit.page.locator("summary").all():
            summary.click()
        assert violations(visit.page) == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") == size[1]["width"]


@pytest.mark.parametrize("path", ["/", "/models/shapes", "/models/shapes?example=1", "/models/none", "/none"])
def test_neither_on_the_other_pages(browser: Browser, several: RunningServer, path: str) -> None:
    for scheme in SCHEMES:
        with visiting(browser, several.address, path, fails="404", viewport=PHONE, color_scheme=scheme) as visit:
            assert violations(visit.page) == []
            assert visit.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
            expect(visit.page.locator("h1")).to_be_visible()


def test_the_models_are_listed_with_links_to_their_pages(browser: Browser, several: RunningServer) -> None:
    with visiting(browser, several.address) as visit:
        expect(visit.page.locator("h2")).to_have_text(["breast-cancer", "shapes"])
        visit.page.get_by_role("link", name="shapes").click()
        fill(visit.page, 1)

        expect(visit.page.locator("#why")).to_contain_text("not computed for this kind of model")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_kept_as_a_picture(browser: Browser, server: RunningServer, size: Size, scheme: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    picture = SHOTS / f"page-{size[0]}-{scheme}.png"
    with visiting(browser, server.address, viewport=size[1], color_scheme=scheme) as visit:
        fill(visit.page)
        visit.page.screenshot(path=picture, full_page=True)

    assert picture.stat().st_size > 10_000
