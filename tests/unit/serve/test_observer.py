"""What is told of requests, and that none ends without an answer that is counted."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.admission import ClientGone
from serve.app import create_app
from serve.identity import Caller
from serve.settings import Settings


def asked(app: Any, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get("/", headers=headers)

    return asyncio.run(ask())


def test_what_fails_unexpectedly_is_answered_logged_and_counted_and_its_text_stays_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(models=tmp_path))

    def fail(*_: object) -> None:
        raise ValueError("a secret")

    monkeypatch.setattr(app.state.watcher, "served", fail)
    with caplog.at_level(logging.ERROR, "copse"):
        answer = asked(app, **{"x-request-id": "order-7"})

    assert answer.status_code == 500
    assert answer.json() == {"error": "the request failed for a reason of the server's"}
    assert answer.headers["x-request-id"] == "order-7"
    assert app.state.metrics.requests["/", "GET", 500] == 1
    assert app.state.metrics.refusals["unexpected"] == 1
    assert caplog.messages == ["a request failed unexpectedly (ValueError)"]
    assert caplog.records[0].__dict__["request_id"] == "order-7"


def test_a_client_that_has_gone_before_its_answer_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(models=tmp_path))

    def leave(*_: object) -> None:
        raise ClientGone

    monkeypatch.setattr(app.state.watcher, "served", leave)
    asked(app)
    assert not app.state.metrics.requests


def test_what_is_known_of_a_request_is_put_together_only_for_a_log_that_wants_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    observer, request = create_app(Settings(models=tmp_path)).state.observer, Caller([(b"x-request-id", b"a")], bool)

    with caplog.at_level(logging.INFO, "copse"):
        observer.ended("GET", "/", 200, request)
    assert observer.metrics.requests["/", "GET", 200] == 1
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "copse"):
        observer.ended("GET", "/", 200, request)
    assert [record.__dict__["request_id"] for record in caplog.records] == ["a"]
