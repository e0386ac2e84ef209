"""Errors over gRPC: each status has a code, and the text holds all that HTTP's body holds."""

import grpc
import pytest

from serve import errors
from serve.errors import NotReady, Overloaded, RequestError, WrongValues
from serve.grpc.statuses import CODES, code_of, trailer_of

ONLY_HTTP = {415, 431}


def test_every_status_that_can_happen_has_a_code() -> None:
    statuses = {
        kind.status for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RequestError)
    }

    assert statuses - ONLY_HTTP <= CODES.keys()
    assert code_of(NotReady("not ready")) == grpc.StatusCode.UNAVAILABLE


def test_where_and_what_was_expected_are_in_brackets_behind_the_sentence() -> None:
    error = WrongValues("a value is missing", row=3, column="amount", expected="a number")

    assert error.in_full() == "a value is missing (row 3, column amount, expected a number)"
    assert WrongValues("no rows").in_full() == "no rows"


@pytest.mark.parametrize(("error", "seconds"), [(Overloaded("full", 4), 4), (NotReady("not ready"), 2)])
def test_when_to_come_again_is_told_to_people_and_to_retry_policies(error: RequestError, seconds: int) -> None:
    assert trailer_of(error, 1.5) == (
        ("retry-after", str(seconds)),
        ("grpc-retry-pushback-ms", str(seconds * 1000)),
    )


def test_what_will_not_change_has_no_time_to_come_again() -> None:
    assert trailer_of(WrongValues("no rows"), 1.5) == ()
