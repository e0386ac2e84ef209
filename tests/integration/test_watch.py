"""After a swap: back to the version before if errors jump, where that was asked for."""

import time
from pathlib import Path

import httpx
import msgspec
import pytest

from model_repository import PublishedVersion, publish, use
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.servers import RunningServer, eventually, serving


@pytest.fixture
def renamed(repository: Path, published: PublishedVersion) -> Path:
    """Return a repository whose version 2 has other names for its columns, and so refuses every caller of version 1."""
    columns = [msgspec.structs.replace(column, name=f"new {column.name}") for column in published.manifest.columns]
    manifest = msgspec.structs.replace(published.manifest, columns=columns, importances=None)
    publish(repository, manifest, published.onnx, published.explanation)
    use(repository, MODEL, 1)
    return repository


def ask(running: RunningServer, names: list[str]) -> httpx.Response:
    return httpx.post(f"{running.address}/predict", json={"features": dict(zip(names, BENIGN, strict=True))})


def test_a_version_whose_callers_all_fail_gives_way_and_stays_refused(
    renamed: Path, published: PublishedVersion
) -> None:
    names = [column.name for column in published.manifest.columns]
    with serving(renamed, "--watch-seconds", "60") as running:
        for _ in range(30):
            assert ask(running, names).status_code == 200
        use(renamed, MODEL, 2)
        running.says("serving breast-cancer version 2")
        statuses = [ask(running, names).status_code for _ in range(40)]

        assert statuses == [422] * 20 + [200] * 20
        running.says("100% of its 20 requests failed within")
        assert "against 0% before; back to version 1" in running.text
        (serves, refused) = httpx.get(f"{running.address}/v2/repository/index").json()
        assert (serves["version"], serves["state"]) == ("1", "READY")
        assert refused["version"] == "2"
        assert "back to version 1" in refused["reason"]
        assert f'copse_model_rollbacks_total{{model="{MODEL}"}} 1.0' in httpx.get(f"{running.address}/metrics").text

        publish(renamed, published.manifest, published.onnx, published.explanation)
        running.says("serving breast-cancer version 3")
        assert ask(running, names).status_code == 200
        assert running.stop() == 0
    assert running.text.count("is refused") == 1


def test_without_the_watch_a_new_version_stays(renamed: Path, published: PublishedVersion) -> None:
    names = [column.name for column in published.manifest.columns]
    with serving(renamed) as running:
        running.says("serving breast-cancer version 1")
        use(renamed, MODEL, 2)
        running.says("serving breast-cancer version 2")

        assert [ask(running, names).status_code for _ in range(30)] == [422] * 30


def test_a_version_that_stood_its_time_is_not_undone(renamed: Path, published: PublishedVersion) -> None:
    names = [column.name for column in published.manifest.columns]
    with serving(renamed, "--watch-seconds", "0.2") as running:
        running.says("serving breast-cancer version 1")
        use(renamed, MODEL, 2)
        running.says("serving breast-cancer version 2")
        stood = time.monotonic() + 0.4
        eventually(lambda: time.monotonic() > stood, lambda: "time stands still")

        assert [ask(running, names).status_code for _ in range(30)] == [422] * 30
        assert "is refused" not in running.text
