"""Tokens: what a file may hold, and what is kept of it."""

import base64
import contextlib
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.access import _is_one_of, _presented, read_tokens
from serve.rotation import Unusable

PATH = Path("tokens")
TOKEN = b"abcdefghijklmnop"
tokens = st.from_regex(rb"[A-Za-z0-9._~+/-]{16,40}=*", fullmatch=True)


def test_blank_lines_and_comments_are_no_tokens() -> None:
    content = b"# who\n\n" + TOKEN + b"\r\n   \n#" + TOKEN[::-1] + b"\n" + TOKEN * 2

    assert len(read_tokens(PATH, content)) == 2


@given(st.lists(tokens, min_size=1), tokens)
def test_exactly_the_tokens_of_the_file_are_valid_and_only_their_digests_are_kept(
    held: list[bytes], other: bytes
) -> None:
    digests = read_tokens(PATH, b"\n".join(held))

    assert set(digests) == {hashlib.sha256(token).digest() for token in held}
    assert all(_is_one_of(token, digests) for token in held)
    assert _is_one_of(other, digests) is (other in held)


@pytest.mark.parametrize(
    "line",
    [
        TOKEN[:15],
        b"abcdefgh ijklmnop",
        b"abcdefghijklmn\xc3\xb6p",
        b"=" * 16,
        TOKEN + b"=a",
        TOKEN + b"\0",
        b"\xff" * 16,
    ],
)
def test_a_line_that_is_no_token_is_named_by_its_number_and_never_repeated(line: bytes) -> None:
    with pytest.raises(Unusable) as refused:
        read_tokens(PATH, b"# comment\n" + TOKEN + b"\n" + line)

    assert str(refused.value).startswith("line 3 of tokens is no token: at least 16 ")
    assert line.decode("latin-1").strip() not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"# nothing yet"])
def test_a_file_without_a_token_is_refused(content: bytes) -> None:
    with pytest.raises(Unusable, match="tokens holds no token"):
        read_tokens(PATH, content)


@given(st.binary())
def test_any_content_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(Unusable):
        assert read_tokens(PATH, content)


@pytest.mark.parametrize("value", [b"Bearer " + TOKEN, b"bearer " + TOKEN, b"BEARER   " + TOKEN])
def test_the_scheme_is_compared_without_regard_to_case(value: bytes) -> None:
    assert _presented([(b"host", b"x"), (b"authorization", value)]) == TOKEN


@pytest.mark.parametrize(
    "values", [[], [b""], [b"Bearer"], [b"bearer  "], [b"Basic " + TOKEN], [TOKEN], [b"Bearer " + TOKEN] * 2]
)
def test_nothing_else_presents_a_token(values: list[bytes]) -> None:
    assert _presented([(b"authorization", value) for value in values]) is None


def test_two_headers_present_nothing() -> None:
    assert _presented([(b"authorization", b"Bearer " + TOKEN)] * 2) is None


BASIC = b"Basic " + base64.b64encode(b"anyone:" + TOKEN)


def test_a_browser_presents_a_token_as_a_password_whatever_the_name() -> None:
    for name in (b"anyone", b"", "jürgen".encode()):
        value = b"bAsIc " + base64.b64encode(name + b":" + TOKEN)
        assert _presented([(b"authorization", value)]) == TOKEN


@pytest.mark.parametrize("value", [b"Basic", b"Basic !", b"Basic " + TOKEN, b"Basic " + base64.b64encode(b"name:")])
def test_what_is_no_name_and_password_presents_nothing(value: bytes) -> None:
    assert _presented([(b"authorization", value)]) is None


@pytest.mark.parametrize(
    ("method", "site", "mode", "destination", "token"),
    [
        ("POST", b"same-origin", b"cors", b"empty", TOKEN),
        ("GET", b"none", b"navigate", b"document", TOKEN),
        ("GET", b"cross-site", b"navigate", b"document", TOKEN),  # a link
        ("POST", b"cross-site", b"navigate", b"document", None),  # a form
        ("GET", b"cross-site", b"navigate", b"iframe", None),
        ("GET", b"cross-site", b"no-cors", b"image", None),
        ("GET", b"same-site", b"cors", b"empty", None),
    ],
)
def test_a_password_that_a_browser_remembers_is_of_no_use_to_other_sites(
    method: str, site: bytes, mode: bytes, destination: bytes, token: bytes | None
) -> None:
    fetch = [(b"sec-fetch-site", site), (b"sec-fetch-mode", mode), (b"sec-fetch-dest", destination)]

    assert _presented([*fetch, (b"authorization", BASIC)], method) == token
    assert _presented([*fetch, (b"authorization", b"Bearer " + TOKEN)], method) == TOKEN
