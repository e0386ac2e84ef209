"""The log of a real server: each line is one JSON object, and no value of a row is in any of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.examples import BENIGN
from tests.rotations import swap
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, serving

JSON = ("--log-format", "json")
DEBUG = (*JSON, "--log-level", "debug")
ROOT = Path(__file__).parents[2]
SECRET = "4815162342"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
IDENTIFIED = {"x-request-id": "from-the-client-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
PROBES = ("/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready")

Line = dict[str, Any]


def lines(text: str) -> list[Line]:
    """Return all lines, each of which must be an object of the documented form."""
    found = [json.loads(line) for line in text.split("\n") if line]
    assert all(list(line)[:3] == ["time", "level", "message"] for line in found)
    return found


def told(running: RunningServer, holds: Callable[[Line], object]) -> Line:
    """Wait for the first line of which something holds."""

    def first() -> Line | None:
        return next((line for line in lines(running.text) if holds(line)), None)

    eventually(first, lambda: f"there is no such line: {running.text}")
    line = first()
    assert line
    return line


def of_request(identity: str) -> Callable[[Line], bool]:
    return lambda line: line.get("request_id") == identity


def bad_bodies() -> Iterator[Any]:
    """Yield bodies with the secret in them, well-formed and not."""
    row = [float(SECRET), *BENIGN[1:]]
    yield json.dumps({"features": row})
    yield json.dumps({"instances": [row] * 300})
    yield json.dumps({"features": [SECRET, *BENIGN[1:]]})
    yield json.dumps({"features": [*BENIGN, float(SECRET)]})
    yield json.dumps({"features": {SECRET: 1}})
    yield json.dumps({"features": row})[:-1]
    yield f'{{"features": [{SECRET}'.encode() + b"\xff"
    yield SECRET


@pytest.fixture(scope="module")
def debugging(trained: Path) -> Iterator[RunningServer]:
    with serving(trained, *DEBUG, "--grpc-port", "0", "--max-rows", "1000") as running:
        told(running, lambda line: line["message"].startswith("listening for gRPC on "))
        yield running


def test_no_value_of_a_row_is_in_any_line_at_any_level(debugging: RunningServer) -> None:
    paths = ("/predict", "/explain", "/models/breast-cancer/predict", "/v2/models/breast-cancer/infer", f"/no/{SECRET}")
    tensor = {"name": "input", "shape": [1, 30], "datatype": "FP64", "data": [float(SECRET)] * 30}
    bodies = [*bad_bodies(), json.dumps({"inputs": [tensor]}), json.dumps({"inputs": [tensor | {"shape": [2, 30]}]})]
    with httpx.Client(base_url=debugging.address) as client:
        statuses = {client.post(path, content=body).status_code for path in paths for body in bodies}
        assert client.get(f"/?value={SECRET}").status_code == 200
        client.get("/livez", headers={"x-request-id": "the-last-probe"})
        client.post("/predict", json={"features": BENIGN}, headers={"x-request-id": "the-last"})

    assert statuses == {200, 400, 404, 422}
    told(debugging, of_request("the-last"))
    assert SECRET not in debugging.text
    assert len([line for line in lines(debugging.text) if line["message"] == "request"]) > len(paths) * len(bodies)


def test_a_request_has_a_line_with_its_ids_its_model_and_its_stages(debugging: RunningServer) -> None:
    httpx.post(f"{debugging.address}/predict", json={"features": BENIGN}, headers=IDENTIFIED)

    line = told(debugging, of_request("from-the-client-1"))

    stages = {name: line.pop(f"{name}_milliseconds") for name in ("waiting", "decoding", "inference", "encoding")}
    assert 0 < sum(stages.values()) <= line.pop("milliseconds") + 0.01
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "debug",
        "message": "request",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "request_id": "from-the-client-1",
        "trace_id": TRACE,
        "model": "breast-cancer",
        "version": 1,
        "rows": 1,
    }


def test_a_request_that_is_refused_has_a_line_with_the_id_that_its_answer_has(debugging: RunningServer) -> None:
    answer = httpx.post(f"{debugging.address}/predict", content=b"{")

    line = told(debugging, of_request(answer.headers["x-request-id"]))

    assert (line["status"], line["route"]) == (400, "/predict")
    assert "model" not in line


def test_probes_have_no_line(debugging: RunningServer) -> None:
    for path in PROBES:
        assert httpx.get(debugging.address + path).status_code == 200
    said = told(debugging, lambda line: line["message"].startswith("listening for gRPC on "))
    with grpc.insecure_channel(said["message"].rpartition(" ")[2]) as channel:
        for method in ("/grpc.health.v1.Health/Check", "/inference.GRPCInferenceService/ServerReady"):
            call: Any = channel.unary_unary(method)
            call(b"", timeout=DEADLINE_SECONDS)
    httpx.get(f"{debugging.address}/", headers={"x-request-id": "after-the-probes"})
    told(debugging, of_request("after-the-probes"))

    routes = {line["route"] for line in lines(debugging.text) if line["message"] == "request"}
    assert routes
    assert not {route for route in routes if route in PROBES or "Health" in route or "Server" in route}


def test_all_that_a_server_says_in_its_life_is_json(repository: Path) -> None:
    with serving(repository, *JSON) as running:
        told(running, lambda line: line["message"] == "serving breast-cancer version 1")
        told(running, lambda line: line["message"] == f"listening on {running.address}")
        (repository / "breast-cancer" / "CURRENT").write_text("7\n")
        refused = told(running, lambda line: "has no version 7" in line["message"])
        running.process.send_signal(signal.SIGHUP)
        told(running, lambda line: line["message"].startswith("SIGHUP"))
        assert running.stop() == 0

    assert refused["level"] == "warning"
    assert refused["message"].endswith("; version 1 goes on serving")
    assert all(line["level"] in ("info", "warning") for line in lines(running.text))


def test_without_a_terminal_the_log_is_json_unless_told_otherwise(trained: Path) -> None:
    with serving(trained, "--log-format", "auto") as running:
        told(running, lambda line: line["message"].startswith("listening on "))


def test_a_server_that_cannot_start_says_so_in_one_object(trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "serve.cli", "--models", str(trained), "--port", "0", *JSON]
    command += ["--tokens-file", str(tmp_path / "none")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)

    assert said.returncode == 2
    (line,) = lines(said.stderr + said.stdout)
    assert (line["level"], line["message"].partition(":")[0]) == ("critical", "cannot start")


UNHANDLED = f"""
import logging, sys, threading, warnings
from serve.logs import configure
from serve.settings import read_settings
configure(read_settings(["--models", "m", "--log-format", "json"], {{}}))
class Dying:
    def __del__(self):
        float("a{SECRET}")
Dying()
thread = threading.Thread(target=float, args=["b{SECRET}"])
thread.start()
thread.join()
warnings.warn("it is old <{SECRET}>")
logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=ValueError("{SECRET}"))
logging.getLogger("copse").info("%d", "no number")
float("c{SECRET}")
"""


def test_errors_that_nobody_catches_warnings_and_what_libraries_say_are_lines_too(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(UNHANDLED)
    command = [sys.executable, str(program)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert said.returncode == 1
    assert SECRET not in said.stderr + said.stdout
    found = lines(said.stderr + said.stdout)
    assert [(line["level"], line["message"]) for line in found] == [
        ("error", "an error reached nobody"),
        ("error", "an error reached nobody"),
        ("warning", f"{program}:13: UserWarning: it is old"),
        ("error", "Exception in ASGI application"),
        ("info", "%d"),
        ("critical", "the server failed"),
    ]
    wrong = "ValueError"
    assert [line.get("exception") for line in found] == [wrong, wrong, None, wrong, None, wrong]


def test_the_level_follows_its_file_while_the_server_runs(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    swap(folder, level="info")
    given = (*JSON, "--log-level", "error", "--log-level-file", str(folder / "level"))
    with serving(trained, *given) as running, httpx.Client(base_url=running.address) as client:
        client.get("/", headers={"x-request-id": "too-early"})
        swap(folder, level="debug")
        told(running, lambda line: line["message"] == "the settings of the log were read anew")
        client.get("/", headers={"x-request-id": "seen"})
        told(running, of_request("seen"))
        swap(folder, level="nonsense")
        said = told(running, lambda line: "must hold one of debug, info, warning, error; " in line["message"])
        client.get("/", headers={"x-request-id": "still-seen"})
        told(running, of_request("still-seen"))
        assert running.stop() == 0

    assert said["level"] == "warning"
    assert "too-early" not in running.text
    assert "nonsense" not in running.text
    assert running.text.count("must hold one of") == 1
