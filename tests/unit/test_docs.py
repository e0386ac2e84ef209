"""The docs name all that there is: settings, endpoints, statuses, make targets, options."""

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from serve import errors
from serve.app import create_app
from serve.settings import Settings, flag, variable
from train.options import parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
TARGETS = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("entry", fields(Settings), ids=lambda entry: entry.name)
def test_a_setting_is_in_the_docs_with_its_flag_variable_default_and_meaning(entry: "Field[Any]") -> None:
    default = "must be given" if entry.default is MISSING else "-" if entry.default is None else entry.default
    line = f"| `{flag(entry)}` | `{variable(entry)}` | {default} | {entry.metadata['help']} |"

    assert line in (DOCS / "settings.md").read_text()


def test_an_endpoint_is_in_the_docs_and_in_the_readme(tmp_path: Path) -> None:
    routes = [
        route
        for route in create_app(Settings(models=tmp_path)).routes
        if isinstance(route, Route) and route.include_in_schema  # files that a page loads are not
    ]
    protocol = (DOCS / "protocol.md").read_text()
    documented = (DOCS / "api.md").read_text() + protocol

    assert len(routes) >= 4
    for route in routes:
        method = min((route.methods or set()) - {"HEAD"})
        assert f"| `{method} {route.path_format}` |" in documented
        assert f"`{method} {route.path_format}`" in README or f"| `{method} {route.path_format}` |" in protocol


def test_every_status_of_an_error_is_in_the_docs() -> None:
    statuses = {kind.status for kind in errors.RequestError.__subclasses__()}

    assert statuses == {400, 401, 403, 404, 408, 413, 415, 422, 431, 500, 503}
    for status in statuses:
        assert f"| {status} |" in (DOCS / "api.md").read_text()


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_has_one_line_of_help_and_is_in_the_readme(target: str) -> None:
    assert f"make {target}" in README


def test_the_options_of_training_are_in_the_docs() -> None:
    options = [action.option_strings[-1] for action in parser()._actions if action.option_strings]

    assert len(options) >= 5
    for option in options:
        assert option == "--help" or option in (DOCS / "training.md").read_text()


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 200
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there"


def test_every_doc_is_reached_from_the_readme() -> None:
    for page in DOCS.glob("*.md"):
        assert f"(docs/{page.name})" in README
