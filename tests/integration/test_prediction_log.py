"""The prediction log of a real server: what was asked and answered, bit by bit, and no answer ever waits for it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT
from tests.infer_bodies import Sent, infer_body
from tests.mixed_models import NAME, NAMES, ROWS, UNKNOWN, Kind, publish_mixed
from tests.prediction_logs import KEY, lines
from tests.remote_calls import Caller, infer_raw, raw
from tests.servers import RunningServer, eventually, serving

ALL = ("--prediction-log-share", "1")


@contextmanager
def asking(running: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.address, timeout=30) as client:
        yield client


@contextmanager
def logged(models: Path, path: Path, *flags: str) -> Iterator[httpx.Client]:
    """Serve models with every request logged; the server has ended well when the block is left."""
    with serving(models, "--prediction-log", str(path), *ALL, *flags) as running:
        with asking(running) as client:
            yield client
        assert running.stop() == 0, running.text


def counts(client: httpx.Client) -> dict[str, float]:
    """Return the rows written, and those dropped by reason."""
    found = {}
    for line in client.get("/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("copse_prediction_log_"):
            found[name.removeprefix("copse_prediction_log_")] = float(value)
    return found


def bits(values: Any) -> bytes:
    return np.array(values, np.float32).tobytes()


def test_rows_of_numbers_are_written_as_sent_and_answered_whatever_the_protocol(trained: Path, tmp_path: Path) -> None:
    sent = [BENIGN, MALIGNANT]
    tensor = Sent("input", "FP32", [2, 30], [value for row in sent for value in row])
    with logged(trained, tmp_path / "log.jsonl", "--grpc-port", "0") as client:
        one = client.post("/predict", json={"features": BENIGN}, headers={"x-request-id": "one"})
        many = client.post("/predict", json={"instances": sent})
        plain, binary = infer_body([tensor]), infer_body([tensor], "binary")
        inferred = [
            client.post(f"/v2/models/{MODEL}/infer", content=body.content, headers=body.headers)
            for body in (plain, binary)
        ]
    found = lines(tmp_path / "log.jsonl")
    by_request: dict[str, list[dict[str, Any]]] = {}
    for line in found:
        by_request.setdefault(line["request_id"], []).append(line)

    assert [*by_request] == [answer.headers["x-request-id"] for answer in (one, many, *inferred)]
    assert [len(each) for each in by_request.values()] == [1, 2, 2, 2]
    assert one.headers["x-request-id"] == "one"
    for request in by_request.values():
        assert [line["row"] for line in request] == list(range(len(request)))
        for line, row, answer in zip(request, sent, many.json()["predictions"], strict=False):
            assert bits([*line["features"].values()]) == bits(row)
            assert line["prediction"] == answer["prediction"]
            assert [*line["probabilities"].values()] == answer["probabilities"]
            assert (line["kind"], line["model"], line["version"]) == ("prediction", MODEL, 1)


def test_what_comes_over_grpc_is_written_too(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = np.array([BENIGN, MALIGNANT], np.float32)
    with serving(trained, "--grpc-port", "0", "--prediction-log", str(path), *ALL) as running:
        with Caller.of(running) as caller:
            caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", rows)))
        assert running.stop() == 0

    assert bits([[*line["features"].values()] for line in lines(path)]) == rows.tobytes()


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_texts_missing_values_and_every_target_are_written(tmp_path: Path, kind: Kind, form: str) -> None:
    version = publish_mixed(tmp_path / "models", kind)
    path = tmp_path / f"log.{form}"
    with logged(tmp_path / "models", path) as client:
        answers = client.post("/predict", json={"instances": ROWS}).json()["predictions"]
    if form == "parquet":
        table = pd.read_parquet(path / NAME / str(version))
    else:
        table = pd.DataFrame([line["features"] | {"copse_prediction": line["prediction"]} for line in lines(path)])

    for position, name in enumerate(NAMES):
        assert [None if pd.isna(value) else value for value in table[name]] == [row[position] for row in ROWS]
    assert ROWS[0][1] == UNKNOWN, "an unknown text is written as what the model was given"
    assert [*table["copse_prediction"]] == [answer["prediction"] for answer in answers]


def test_a_large_request_is_written_whole(trained: Path, tmp_path: Path) -> None:
    rows = (np.random.default_rng(0).random((5_000, 30), np.float32) * 100).tolist()
    with logged(trained, tmp_path / "log.parquet") as client:
        answers = client.post("/predict", json={"instances": rows}).json()["predictions"]

    table = pd.read_parquet(tmp_path / "log.parquet" / MODEL / "1").sort_values("copse_row")
    assert table.iloc[:, :30].to_numpy().tobytes() == bits(rows)
    assert [*table["copse_prediction"]] == [answer["prediction"] for answer in answers]


def test_nothing_of_a_column_that_is_kept_out_leaves_the_server(tmp_path: Path) -> None:
    publish_mixed(tmp_path / "models", "classes")
    (tmp_path / "key").write_bytes(KEY)
    secret = 1234567.0
    kept_out = ("--prediction-log-exclude", "width", "--prediction-log-hash", '["colour"]')
    with serving(
        tmp_path / "models", "--prediction-log", "-", *ALL, *kept_out, "--prediction-log-key", str(tmp_path / "key")
    ) as running:
        with asking(running) as client:
            assert client.post("/predict", json={"instances": [[secret, "green", 0.5, "round"]] * 2}).status_code == 200
            running.says('"kind":"prediction"')
        assert running.stop() == 0

    assert '"height":0.5,"shape":"round"' in running.text
    assert "1234567" not in running.text
    assert "green" not in running.text


def test_a_misspelt_column_stops_the_log_and_nothing_else(tmp_path: Path) -> None:
    publish_mixed(tmp_path / "models", "classes")
    path = tmp_path / "log.jsonl"
    with logged(tmp_path / "models", path, "--prediction-log-exclude", "widht") as client:
        for _ in range(3):
            assert client.post("/predict", json={"features": ROWS[1]}).status_code == 200
        assert counts(client)['dropped_rows_total{reason="column"}'] == 3

    assert path.read_bytes() == b""


def test_the_files_stay_within_their_bound_while_requests_come(trained: Path, tmp_path: Path) -> None:
    most, rows = 2**22, [BENIGN] * 1_000
    (tmp_path / "logs").mkdir()
    with logged(trained, tmp_path / "logs" / "log.jsonl", "--prediction-log-bytes", str(most)) as client:
        for asked in range(1, 9):
            assert client.post("/predict", json={"instances": rows}).status_code == 200
            eventually(lambda asked=asked: counts(client)["rows_total"] == asked * 1_000, lambda: "not written")  # type: ignore[misc]
            assert sum(path.stat().st_size for path in (tmp_path / "logs").iterdir()) <= most

    found = [line for path in (tmp_path / "logs").iterdir() for line in lines(path)]
    assert 2_000 <= len(found) < 8_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a mounted disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "copse-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True, timeout=10).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("root in CI is expected to be able to mount a small disk")
        pytest.skip("only some root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=10)


def test_a_full_disk_costs_lines_and_no_answer_and_freeing_it_is_enough(trained: Path, small_disk: Path) -> None:
    path, filler, body = small_disk / "log.jsonl", small_disk / "filler", {"instances": [BENIGN] * 100}
    with serving(trained, "--prediction-log", str(path), *ALL) as running, asking(running) as client:
        filler.write_bytes(bytes(os.statvfs(small_disk).f_bfree * os.sysconf("SC_PAGE_SIZE")))
        for _ in range(3):
            assert client.post("/predict", json=body).status_code == 200
        eventually(lambda: counts(client)['dropped_rows_total{reason="failed"}'] == 300, lambda: running.text)
        filler.unlink()
        assert client.post("/predict", json=body).status_code == 200
        running.says("the prediction log is written again; 300 rows were dropped")
        assert counts(client)["rows_total"] == 100

    assert running.text.count("the prediction log cannot be written: No space left on device") == 1
    assert len(lines(path)) == 100


def test_standard_output_that_nobody_reads_keeps_neither_answers_nor_the_end_waiting(
    trained: Path, tmp_path: Path
) -> None:
    pipe, body = tmp_path / "pipe", {"instances": [BENIGN] * 100}
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    into_the_pipe = ("sh", "-c", 'exec "$@" > "$0"', str(pipe))
    with serving(trained, "--prediction-log", "-", *ALL, "--log-format", "json", prefix=into_the_pipe) as running:
        with asking(running) as client:
            for _ in range(10):
                assert client.post("/predict", json=body).status_code == 200
            eventually(lambda: counts(client)["rows_total"] > 0, lambda: running.text)
        assert running.stop() == 0
    with open(reader, "rb") as held_back:  # noqa: PTH123 - a descriptor, which has no path
        written = len([json.loads(line) for line in held_back])

    assert 0 < written < 1_000, "the pipe is full"
    assert f"{1_000 - written} rows were not written to the prediction log in time" in running.text


def test_standard_output_that_is_closed_costs_lines_and_no_answer(trained: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    into_the_pipe = ("sh", "-c", 'exec "$@" > "$0"', str(pipe))
    with serving(trained, "--prediction-log", "-", *ALL, "--log-format", "json", prefix=into_the_pipe) as running:
        with asking(running) as client:
            client.post("/predict", json={"features": BENIGN})
            eventually(lambda: counts(client)["rows_total"] == 1, lambda: running.text)
            os.close(reader)
            assert client.post("/predict", json={"features": BENIGN}).status_code == 200
            running.says("the prediction log cannot be written: Broken pipe")
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("nowhere/log.jsonl",), "the prediction log nowhere/log.jsonl cannot be written: No such file or directory"),
        (("nowhere/log.parquet",), "the prediction log nowhere/log.parquet cannot be written: No such file"),
        (("-", "--prediction-log-hash", "age"), "--prediction-log-hash needs --prediction-log-key"),
    ],
)
def test_a_log_that_cannot_be_is_said_at_start(trained: Path, flags: tuple[str, ...], sentence: str) -> None:
    with serving(trained, "--prediction-log", *flags) as running:
        assert running.process.wait(30) == 2

    assert f"copse-serve: {sentence}" in running.text
    assert "Traceback" not in running.text


def test_where_it_is_off_nothing_of_it_is_loaded_and_there_are_no_series(client: httpx.Client) -> None:
    script = "import sys; import serve.cli, serve.server; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()

    assert "serve.server" in loaded
    assert not [name for name in loaded if name.startswith(("serve.prediction_log", "pyarrow"))]
    assert counts(client) == {}
