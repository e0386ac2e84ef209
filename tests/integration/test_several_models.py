"""New versions, several models, and models that come and go, without a restart."""

import shutil
from pathlib import Path

import httpx
import msgspec

from model_repository import PublishedVersion, publish, use
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.servers import RunningServer, eventually, ready, serving

BODY = {"features": BENIGN}


def publish_as(root: Path, name: str, published: PublishedVersion) -> int:
    return publish(root, msgspec.structs.replace(published.manifest, name=name), published.onnx, published.explanation)


def version_of(running: RunningServer, path: str = "/predict") -> str:
    answer = httpx.post(f"{running.address}{path}", json=BODY)
    version: str = answer.headers.get("x-model-version", str(answer.status_code))
    return version


def becomes(running: RunningServer, path: str, version: str) -> None:
    eventually(lambda: version_of(running, path) == version, lambda: f"{path}: {version_of(running, path)}")


def test_a_new_version_takes_over_and_rolling_back_takes_one_poll(
    repository: Path, published: PublishedVersion
) -> None:
    with serving(repository) as running:
        becomes(running, "/predict", "1")
        publish(repository, published.manifest, published.onnx, published.explanation)
        becomes(running, "/predict", "2")
        use(repository, MODEL, 1)
        becomes(running, "/predict", "1")


def test_models_are_served_side_by_side_each_with_its_own_version(
    repository: Path, published: PublishedVersion
) -> None:
    publish_as(repository, "other", published)
    publish_as(repository, "other", published)
    with serving(repository) as running:
        assert version_of(running, f"/models/{MODEL}/predict") == "1"
        assert version_of(running, "/models/other/predict") == "2"
        assert httpx.get(f"{running.address}/models/other").json()["model"] == "other"

        unclear = httpx.post(f"{running.address}/predict", json=BODY)
        assert unclear.status_code == 404
        assert unclear.json()["error"].startswith("there are several models; name one")
        assert "/models/breast-cancer/predict -H" in running.text  # the printed curl line
        assert ready(running.address)


def test_a_named_model_is_the_one_that_is_meant(repository: Path, published: PublishedVersion) -> None:
    publish_as(repository, "other", published)
    with serving(repository, "--model", "other") as running:
        assert httpx.get(running.address).json()["model"] == "other"
    with serving(repository, "--model", "later") as running:
        assert httpx.get(f"{running.address}/readyz").status_code == 503
        publish_as(repository, "later", published)
        eventually(lambda: ready(running.address), lambda: running.text)


def test_a_new_model_appears_and_a_removed_one_is_404(repository: Path, published: PublishedVersion) -> None:
    with serving(repository) as running:
        assert version_of(running, "/models/other/predict") == "404"
        publish_as(repository, "other", published)
        becomes(running, "/models/other/predict", "1")
        shutil.rmtree(repository / "other")
        becomes(running, "/models/other/predict", "404")
        assert version_of(running) == "1"


def test_a_bad_model_beside_a_good_one_leaves_the_server_ready(repository: Path, published: PublishedVersion) -> None:
    publish_as(repository, "bad", published)
    (repository / "bad" / "1" / "model.onnx").write_bytes(b"nothing")
    with serving(repository) as running:
        assert version_of(running, f"/models/{MODEL}/predict") == "1"
        assert version_of(running, "/models/bad/predict") == "503"
        assert ready(running.address)


def test_folders_that_hold_no_model_are_passed_over(repository: Path) -> None:
    (repository / "tmp").mkdir()
    (repository / "lost+found").mkdir()
    with serving(repository) as running:
        assert version_of(running) == "1"
        assert version_of(running, "/models/tmp/predict") == "404"


def test_a_volume_that_vanishes_and_returns_is_reported_and_answers_go_on(repository: Path) -> None:
    away = repository.with_name("away")
    with serving(repository) as running:
        becomes(running, "/predict", "1")
        repository.rename(away)
        running.says("what is loaded goes on serving")
        assert version_of(running) == "1"
        assert ready(running.address)
        away.rename(repository)
        publishing = httpx.get(f"{running.address}/v2/repository/index").json()
        assert publishing == [{"name": MODEL, "version": "1", "state": "READY", "reason": ""}]
        assert version_of(running) == "1"


def test_the_index_tells_what_serves_and_what_was_refused_and_why(
    repository: Path, published: PublishedVersion
) -> None:
    publish(repository, published.manifest, published.onnx, published.explanation)
    use(repository, MODEL, 1)
    (repository / MODEL / "2" / "model.onnx").write_bytes(b"nothing")
    with serving(repository) as running:
        becomes(running, "/predict", "1")
        use(repository, MODEL, 2)
        running.says("version 1 goes on serving")

        serves, refused = httpx.get(f"{running.address}/v2/repository/index").json()

        assert serves == {"name": MODEL, "version": "1", "state": "READY", "reason": ""}
        assert (refused["version"], refused["state"]) == ("2", "UNAVAILABLE")
        assert "model.onnx has 7 bytes" in refused["reason"]
        use(repository, MODEL, 1)
        eventually(
            lambda: len(httpx.get(f"{running.address}/v2/repository/index").json()) == 1, lambda: "the refusal stays"
        )
