"""A damaged version is refused with its reason; the process lives, and what served before serves on."""

from pathlib import Path

import httpx
import msgspec
import pytest

from model_repository import OnnxFile, PublishedVersion, propose, publish, read_manifest, read_version, use
from tests.conftest import MODEL
from tests.damages import DAMAGES, Damage, current_naming_nothing, publish_damaged
from tests.examples import BENIGN
from tests.servers import eventually, ready, serving

LEAVES_NOTHING = [(damage, reason) for damage, reason in DAMAGES if damage is not current_naming_nothing]


@pytest.mark.parametrize(("damage", "reason"), LEAVES_NOTHING, ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_refused_at_start_and_the_next_good_version_goes_live(
    repository: Path, published: PublishedVersion, damage: Damage, reason: str
) -> None:
    damage(repository / MODEL / "1")
    with serving(repository, "--trial-seconds", "1") as running:
        running.says(reason)
        answer = httpx.get(f"{running.address}/readyz")
        assert answer.status_code == 503
        assert reason in answer.json()["error"]

        publish(repository, published.manifest, published.onnx, published.explanation)

        eventually(lambda: ready(running.address), lambda: running.text)
        assert running.stop() == 0
        assert "Traceback" not in running.text


@pytest.mark.parametrize(("damage", "reason"), DAMAGES, ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_refused_while_serving_and_the_version_before_answers_on(
    repository: Path, damage: Damage, reason: str
) -> None:
    with serving(repository, "--trial-seconds", "1") as running:
        assert httpx.get(running.address).json()["version"] == 1
        publish_damaged(repository, damage)

        running.says(reason)
        running.says("version 1 goes on serving")

        answer = httpx.post(f"{running.address}/predict", json={"features": BENIGN})
        assert (answer.status_code, answer.headers["x-model-version"]) == (200, "1")
        assert ready(running.address)
        index = httpx.get(f"{running.address}/v2/repository/index").json()
        assert [entry["state"] for entry in index] == ["READY", "UNAVAILABLE"]
        assert reason in index[1]["reason"]
        assert running.text.count(reason) == 1  # said once, not once a poll


def test_a_server_that_starts_on_a_refused_version_serves_the_newest_good_one_before_it(
    repository: Path, published: PublishedVersion
) -> None:
    for _ in range(4):
        publish(repository, published.manifest, published.onnx, published.explanation)
    (repository / MODEL / "4" / "model.onnx").write_bytes(b"nothing")
    use(repository, MODEL, 4)
    propose(repository, MODEL, 3)

    with serving(repository) as running:
        eventually(lambda: ready(running.address), lambda: running.text)
        running.says("version 4 of breast-cancer is refused: model.onnx has")
        running.says("version 2 goes on serving")
        assert httpx.post(f"{running.address}/predict", json={"features": BENIGN}).headers["x-model-version"] == "2"

        use(repository, MODEL, 5)
        running.says("serving breast-cancer version 5")
        assert running.stop() == 0
    assert running.text.count("version 4 of breast-cancer is refused") == 1


def test_a_server_that_starts_on_a_current_that_names_nothing_serves_what_there_is(repository: Path) -> None:
    current_naming_nothing(repository / MODEL / "1")
    with serving(repository) as running:
        eventually(lambda: ready(running.address), lambda: running.text)
        running.says("version 1 goes on serving")


def test_swapped_files_of_two_versions_are_both_refused(repository: Path) -> None:
    original = read_version(repository, MODEL, 1)
    longer = original.onnx + b"\n"
    described = OnnxFile.of(longer, original.manifest.onnx.ir_version, original.manifest.onnx.opsets)
    publish(repository, msgspec.structs.replace(original.manifest, onnx=described), longer, original.explanation)
    first, second = (repository / MODEL / version / "model.onnx" for version in ("1", "2"))
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])

    with serving(repository) as running:
        running.says("version 2 of breast-cancer is refused: model.onnx has")
        (repository / MODEL / "CURRENT").write_text("1\n")
        running.says("version 1 of breast-cancer is refused: model.onnx has")


def test_a_model_beyond_the_size_cap_is_refused_before_it_is_read(repository: Path) -> None:
    size = read_manifest(repository, MODEL, 1).onnx.size
    with serving(repository, "--max-model-bytes", str(size - 1)) as running:
        running.says(f"model.onnx has {size} bytes, more than the {size - 1} allowed")
        assert not ready(running.address)
