"""A request's id is the client's where it can be used, and its trace is heard only in the form of the standard."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.identity import Caller, identity, new_id

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PLAIN = string.ascii_letters + string.digits + "._~+/=:@-"


@given(st.text(PLAIN, min_size=1, max_size=128))
def test_an_id_of_plain_characters_is_taken(given_id: str) -> None:
    assert Caller([(b"x-request-id", given_id.encode())], bool).request_id == given_id


@pytest.mark.parametrize("given_id", [b"", b"a b", b'a"b', b"\xe9", b"a\r\nb: c", b"x" * 129, b"{}"])
def test_any_other_is_replaced_by_one_of_ours(given_id: bytes) -> None:
    found = Caller([(b"x-request-id", given_id)], bool).request_id

    assert found != given_id.decode("latin-1")
    assert identity([(b"x-request-id", found.encode())]).request_id == found.encode()


def test_two_ids_are_none() -> None:
    assert identity([(b"x-request-id", b"a"), (b"x-request-id", b"a")]).request_id is None


def test_no_two_requests_are_given_the_same_id() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("value", [TRACE, TRACE[:-1] + b"0", b"cc" + TRACE[2:], b"cc" + TRACE[2:] + b"-more"])
def test_a_trace_is_heard(value: bytes) -> None:
    assert identity([(b"traceparent", value)]).traceparent == value.decode()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        TRACE[:-1],
        TRACE + b"-more",
        TRACE.upper(),
        b"ff" + TRACE[2:],
        b"cc" + TRACE[2:] + b"more",
        b"00-" + b"0" * 32 + TRACE[35:],
        TRACE[:36] + b"0" * 16 + b"-01",
        TRACE + b"\n",
        b"\xff" * 55,
    ],
)
def test_what_is_no_trace_of_the_standard_is_not_heard(value: bytes) -> None:
    assert identity([(b"traceparent", value)]).traceparent is None


def test_two_traces_are_none() -> None:
    assert identity([(b"traceparent", TRACE)] * 2).traceparent is None
