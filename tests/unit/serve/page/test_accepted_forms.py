"""Who is shown a page, and who gets JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from serve.page.accept import prefers_html


@pytest.mark.parametrize(
    "accepted",
    [
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "text/html",
        "TEXT/HTML, */*",
        "text/*, application/json;q=0.1",
        "application/json;q=0.5, text/html;q=0.6",
    ],
)
def test_whoever_names_pages_first_is_shown_one(accepted: str) -> None:
    assert prefers_html(Headers({"accept": accepted}))


@pytest.mark.parametrize(
    "accepted",
    [
        "*/*",
        "",
        "application/json",
        "application/json, text/plain, */*",
        "text/html, application/json",
        "text/html;q=0.5, */*;q=0.8",
        "text/html;q=0, */*",
        "text/html;q=no",
        "text/plain",
    ],
)
def test_all_others_get_json(accepted: str) -> None:
    assert not prefers_html(Headers({"accept": accepted}))


def test_whoever_says_nothing_gets_json() -> None:
    assert not prefers_html(Headers({}))


@given(st.text(alphabet="text/html,;q=*.01 json", max_size=60))
def test_any_text_is_read(accepted: str) -> None:
    assert prefers_html(Headers({"accept": accepted})) in (True, False)
