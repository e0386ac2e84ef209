"""A swap in the middle of requests: each is answered by the version it began with, which then leaves no trace."""

import asyncio
import gc
import json
import shutil
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from model_repository import PublishedVersion, publish, use
from serve.app import create_app
from serve.settings import Settings
from serve.watcher import Watcher
from tests.conftest import MODEL
from tests.servers import RunningServer, serving
from train.builtin import built_in

ROWS = built_in("breast-cancer").rows.tolist()
ONE, MANY = [json.dumps({"instances": rows}).encode() for rows in (ROWS[:5], ROWS)]


@pytest.fixture
def two(repository: Path, other: PublishedVersion) -> Path:
    """Return a repository with two versions whose answers differ; version 1 is current."""
    assert publish(repository, other.manifest, other.onnx, other.explanation) == 2
    use(repository, MODEL, 1)
    return repository


class Slow:
    """A request of which half the body was sent."""

    def __init__(self, running: RunningServer, connection: socket.socket, path: str, body: bytes) -> None:
        self._connection = connection
        self._rest = body[len(body) // 2 :]
        head = f"POST {path} HTTP/1.1\r\nhost: {httpx.URL(running.address).netloc.decode()}\r\nconnection: close\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[: len(body) // 2])

    def finish(self) -> tuple[bytes, dict[bytes, bytes], bytes]:
        """Send the other half; return the status line, the headers, and the body of the answer."""
        self._connection.sendall(self._rest)
        answer = b"".join(iter(lambda: self._connection.recv(2**16), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        return status, dict(line.split(b": ", 1) for line in lines), body


@contextmanager
def begun(running: RunningServer, body: bytes, path: str = "/predict") -> Iterator[Slow]:
    """Send a request's head and half of its body, and wait until it is under way."""
    url = httpx.URL(running.address)
    with socket.create_connection((url.host, url.port), timeout=30) as connection:
        yield Slow(running, connection, path, body)


def answered(running: RunningServer, body: bytes, path: str = "/predict") -> httpx.Response:
    return httpx.post(f"{running.address}{path}", content=body, headers={"content-type": "application/json"})


def swapped(running: RunningServer, root: Path, version: int) -> None:
    use(root, MODEL, version)
    running.says(f"serving {MODEL} version {version}")


@pytest.mark.parametrize("body", [ONE, MANY], ids=["on the loop", "in a thread"])
def test_a_request_under_way_is_answered_by_the_version_it_began_with(two: Path, body: bytes) -> None:
    with serving(two) as running:
        before = answered(running, body)
        with begun(running, body) as slow:
            assert answered(running, body).headers["x-model-version"] == "1"  # the slow one came before it
            swapped(running, two, 2)
            after = answered(running, body)

            status, headers, content = slow.finish()

        assert (before.headers["x-model-version"], after.headers["x-model-version"]) == ("1", "2")
        assert status == b"HTTP/1.1 200 OK"
        assert headers[b"x-model-version"] == b"1"
        assert content == before.content != after.content


def test_a_model_that_is_removed_answers_what_is_under_way_and_is_404_from_then_on(
    two: Path, published: PublishedVersion
) -> None:
    publish(two, msgspec.structs.replace(published.manifest, name="leaving"), published.onnx, published.explanation)
    path = "/models/leaving/predict"
    with serving(two) as running:
        before = answered(running, ONE, path)
        with begun(running, ONE, path) as slow:
            assert answered(running, ONE, path).status_code == 200
            shutil.rmtree(two / "leaving")
            statuses = [200]
            while statuses[-1] == 200 and len(statuses) < 10_000:
                statuses.append(answered(running, ONE, path).status_code)
            statuses += [answered(running, ONE, path).status_code for _ in range(20)]

            status, headers, content = slow.finish()

        assert set(statuses) == {200, 404}
        assert statuses == sorted(statuses)  # once gone, it stays gone
        assert (status, headers[b"x-model-name"], content) == (b"HTTP/1.1 200 OK", b"leaving", before.content)
        assert answered(running, ONE).status_code == 200
        index = httpx.get(f"{running.address}/v2/repository/index").json()
        assert {entry["name"] for entry in index} == {MODEL}
        assert 'model="leaving",version' not in httpx.get(f"{running.address}/metrics").text


async def ask(app: Starlette, body: bytes, halfway: asyncio.Event, go_on: asyncio.Event) -> str:
    """Ask the application itself, without a server, pausing when half of the body has come; return the version."""
    headers: dict[bytes, bytes] = {}

    async def receive() -> Message:
        if not halfway.is_set():
            halfway.set()
            return {"type": "http.request", "body": body[:100], "more_body": True}
        await go_on.wait()
        return {"type": "http.request", "body": body[100:], "more_body": False}

    async def send(message: Message) -> None:
        headers.update(message.get("headers", []))

    given = [(b"content-type", b"application/json")]
    await app({"type": "http", "method": "POST", "path": "/predict", "headers": given}, receive, send)
    return headers[b"x-model-version"].decode()


@pytest.mark.parametrize("body", [ONE, MANY], ids=["on the loop", "in a thread"])
def test_an_old_version_is_released_when_its_last_request_is_done(two: Path, body: bytes) -> None:
    async def swap() -> None:
        app = create_app(Settings(models=two))
        watcher: Watcher = app.state.watcher
        await watcher.look()
        old = weakref.ref(watcher.served())
        halfway, go_on = asyncio.Event(), asyncio.Event()
        under_way = asyncio.create_task(ask(app, body, halfway, go_on))
        await halfway.wait()

        use(two, MODEL, 2)
        await watcher.look()
        assert watcher.served().version == 2
        gc.collect()
        assert old() is not None

        go_on.set()
        assert await under_way == "1"
        gc.collect()
        assert old() is None
        app.state.threads.shutdown()

    asyncio.run(swap())


def test_a_version_that_stood_its_watch_releases_the_one_before(two: Path) -> None:
    async def swap() -> None:
        watcher = Watcher(Settings(models=two, watch_seconds=0.5))
        await watcher.look()
        old = weakref.ref(watcher.served())
        use(two, MODEL, 2)
        await watcher.look()
        gc.collect()
        assert old() is not None  # to go back to

        async with asyncio.timeout(30):
            while watcher.slots[MODEL].probation:
                await watcher.look()
        gc.collect()
        assert old() is None

    asyncio.run(swap())
