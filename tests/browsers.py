"""Headless Chromium for tests of the pages; whatever a page does wrong while it is open is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.programs import program

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
DEADLINE = 10_000  # milliseconds


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser of this machine."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, what its console said, and the hosts that it asked."""

    page: Page
    said: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep a line of the console."""
        self.said.append(f"{message.type}: {message.text}")


@contextmanager
def visiting(
    browser: Browser, address: str, path: str = "/", *, fails: str = "nothing", **options: Any
) -> Iterator[Visit]:
    """Open a page; no other host may be asked, and the console must be empty but for what fails to load as expected."""
    context = browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light"} | options)
    context.set_default_timeout(DEADLINE)
    visit = Visit(context.new_page())
    visit.page.on("console", visit.hear)
    visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
    visit.page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
    visit.page.goto(address + path)
    try:
        yield visit
    finally:
        context.close()
    assert [line for line in visit.said if not (line.startswith("error: Failed to load") and fails in line)] == []
    assert visit.hosts == {urlsplit(address).netloc}
