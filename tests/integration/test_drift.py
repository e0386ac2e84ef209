"""Drift over HTTP: what was answered is compared with training, in Prometheus' series and on the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from model_repository import PublishedVersion, publish
from serve.drift.stability import SHIFTED, STEADY
from tests.conftest import MODEL
from tests.drifting import held_out, parted
from tests.infer_bodies import Form, Sent, infer_body
from tests.mixed_models import ROWS, publish_mixed
from tests.servers import RunningServer, serving

BROWSER = {"accept": "text/html"}


def series(running: RunningServer) -> dict[tuple[str, ...], float]:
    """Return the samples of drift by their names, versions and columns."""
    families = text_string_to_metric_families(httpx.get(f"{running.address}/metrics").text)
    return {
        (
            sample.name.removeprefix("copse_drift_"),
            sample.labels["version"],
            *filter(None, [sample.labels.get("column")]),
        ): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("copse_drift_")
    }


def ask(running: RunningServer, rows: list[list[Any]], expected: int = 200) -> None:
    answer = httpx.post(f"{running.address}/predict", json={"instances": rows}, timeout=30)
    assert answer.status_code == expected


def page(running: RunningServer) -> str:
    return httpx.get(running.address, headers=BROWSER).text


@pytest.fixture
def running(repository: Path) -> Iterator[RunningServer]:
    with serving(repository) as running:
        yield running


def test_what_looks_as_in_training_is_steady_and_a_feature_that_moves_is_named(running: RunningServer) -> None:
    usual = held_out(MODEL).astype(float)
    assert series(running) == {}
    assert "No row was answered yet." in page(running)
    for _ in range(5):
        ask(running, usual.tolist())
    found = series(running)

    assert found["window_rows", "1"] == 500
    assert sum(name[0] == "index" for name in found) == 30
    assert max(value for name, value in found.items() if name[0] in ("index", "prediction_index")) < STEADY
    assert "Nothing has shifted." in page(running)

    moved = np.resize(usual, (500, 30))
    moved[:, 3] += parted(MODEL).fit_rows[:, 3].std()
    for start in range(0, 500, 100):
        ask(running, moved[start : start + 100].tolist())
    found = series(running)
    shifted = [name[2] for name, value in found.items() if name[0] == "index" and value > SHIFTED]

    assert shifted == ["mean area"]
    assert f"Shifted: {shifted[0]}." in page(running)


def test_every_row_that_is_answered_counts_however_it_is_sent_and_none_that_is_refused(running: RunningServer) -> None:
    rows = held_out(MODEL)
    far = (rows[:1] * 100).astype(float).tolist()
    for row in rows[:7].astype(float).tolist():
        httpx.post(f"{running.address}/predict", json={"features": row})
    ask(running, rows[7:10].astype(float).tolist())
    ask(running, [["text"] * 30], 422)
    forms: list[Form] = ["flat", "binary"]
    for form in forms:
        body = infer_body([Sent("input", "FP32", [4, 30], rows[10:14].ravel().tolist())], form)
        answer = httpx.post(f"{running.address}/v2/models/{MODEL}/infer", content=body.content, headers=body.headers)
        assert answer.status_code == 200
    httpx.post(f"{running.address}/explain", json={"instances": far})
    found = series(running)

    assert found["window_rows", "1"] == 7 + 3 + 2 * 4 + 1
    assert found["out_of_range_share", "1", "mean area"] == pytest.approx(1 / 19)
    assert found["missing_share", "1", "mean area"] == 0
    assert not any(name[0] == "unknown_share" for name in found)


def test_another_version_begins_anew(running: RunningServer, repository: Path, other: PublishedVersion) -> None:
    ask(running, held_out(MODEL).astype(float).tolist())
    assert series(running)["window_rows", "1"] == 114
    publish(repository, other.manifest, other.onnx, other.explanation)
    running.says(f"serving {MODEL} version 2")
    assert series(running) == {}
    assert "No row was answered yet." in page(running)
    ask(running, held_out(MODEL, 5).astype(float).tolist())

    assert {name[:2]: value for name, value in series(running).items() if name[0] == "window_rows"} == {
        ("window_rows", "2"): 5
    }


def test_missing_and_unknown_texts_are_told_by_their_shares(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running:
        ask(running, ROWS)
        found = series(running)

    assert found["unknown_share", "1", "colour"] == pytest.approx(0.2)
    assert found["missing_share", "1", "colour"] == pytest.approx(0.2)
    assert found["missing_share", "1", "height"] == pytest.approx(0.2)
    assert ("unknown_share", "1", "height") not in found
    assert ("out_of_range_share", "1", "colour") not in found
    assert ("prediction_index", "1") not in found  # its manifest has no answers to held-out rows


def test_where_it_is_off_there_is_nothing_of_it(repository: Path) -> None:
    with serving(repository, "--drift", "off") as running:
        ask(running, held_out(MODEL).astype(float).tolist())

        assert series(running) == {}
        assert "drift" not in page(running)
