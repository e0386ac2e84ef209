"""What is measured: the limits, Copse and its peers, and how each is started."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import forms
from benchmarks.forms import Form
from benchmarks.model import Model
from benchmarks.paths import HERE, PEERS

COPSE, BARE, STARLETTE = "copse", "bare", "starlette"
LIMITS = (BARE, STARLETTE)


@dataclass(frozen=True)
class Start:
    """What a server is started with: the programs of its environment, its port, the model and a folder of its own."""

    programs: Path
    port: int
    model: Model
    folder: Path

    def variables(self) -> dict[str, str]:
        """Return the environment variables of the process; telemetry is off in all of them."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COPSE_", "PYTHON"))}
        return inherited | {
            "BENCH_PORT": str(self.port),
            "BENCH_FOREST": str(self.model.forest),
            "BENCH_ONNX": str(self.model.onnx),
            "BENCH_FOLDER": str(self.folder),
            "BENTOML_DO_NOT_TRACK": "true",
            "BENTOML_HOME": str(self.folder),
            "DO_NOT_TRACK": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
        }


@dataclass(frozen=True)
class Contender:
    """A server: the environment it has, the command that starts it, and the form in which it is asked."""

    name: str
    title: str
    how: str
    command: Callable[[Start], list[str]]
    form: Form
    environment: str = ""
    settings: Callable[[Start], dict[str, str]] = field(default=lambda _: {})

    @property
    def installed(self) -> str:
        """Return the name of its environment."""
        return self.environment or self.name

    @property
    def folder(self) -> Path:
        """Return where its program lies, and is started."""
        return PEERS / self.name if self.name in PEERS_BY_NAME else HERE / "limits"

    @property
    def echoes(self) -> bool:
        """Return whether it answers with what it was asked."""
        return self.name in LIMITS


def _gunicorn(start: Start) -> list[str]:
    return [f"{start.programs}/gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{start.port}", "app:app"]


def _uvicorn(start: Start, application: str = "app:app") -> list[str]:
    program = f"{start.programs}/uvicorn"
    return [program, application, "--host", "127.0.0.1", "--port", str(start.port), "--no-access-log"]


def _program(start: Start) -> list[str]:
    return [f"{start.programs}/python", "app.py"]


def _bentoml(start: Start) -> list[str]:
    return [f"{start.programs}/bentoml", "serve", "service:Forest", "--host", "127.0.0.1", "--port", str(start.port)]


def _mlserver(start: Start) -> list[str]:
    return [f"{start.programs}/mlserver", "start", "."]


def _mlserver_settings(start: Start) -> dict[str, str]:
    ports = {"HTTP_PORT": start.port, "GRPC_PORT": start.port + 1, "METRICS_PORT": start.port + 2}
    fixed = {"HOST": "127.0.0.1", "PARALLEL_WORKERS": "0", "DEBUG": "false", "MODEL_URI": str(start.model.forest)}
    return {f"MLSERVER_{name}": str(value) for name, value in (ports | fixed).items()}


def _copse(start: Start) -> list[str]:
    return [f"{start.programs}/copse-serve", "--models", str(start.model.repository), "--port", str(start.port)]


def _echo(which: str) -> Callable[[Start], list[str]]:
    return lambda start: _uvicorn(start, f"echo:{which}")


FRONT = (
    Contender(BARE, "Bare ASGI echo", "uvicorn, uvloop, httptools", _echo(BARE), forms.PREDICT, COPSE),
    Contender(STARLETTE, "Starlette echo", "uvicorn, uvloop, httptools", _echo(STARLETTE), forms.PREDICT, COPSE),
    Contender(COPSE, "Copse", "copse-serve", _copse, forms.PREDICT),
)
PEERS_OF_COPSE = (
    Contender(
        "flask", "Flask, joblib, scikit-learn", "gunicorn, one worker: the origin's stack", _gunicorn, forms.INSTANCES
    ),
    Contender(
        "fastapi_sklearn",
        "FastAPI, scikit-learn",
        "uvicorn, endpoint in the pool of threads",
        _uvicorn,
        forms.INSTANCES,
    ),
    Contender("fastapi_onnx", "FastAPI, ONNX Runtime", "uvicorn, async endpoint", _uvicorn, forms.INSTANCES),
    Contender(
        "mlserver",
        "MLServer, scikit-learn",
        "parallel_workers 0",
        _mlserver,
        forms.MLSERVER,
        settings=_mlserver_settings,
    ),
    Contender("bentoml", "BentoML, ONNX Runtime", "bentoml serve, one worker", _bentoml, forms.BENTOML),
    Contender("litserve", "LitServe, ONNX Runtime", "one worker", _program, forms.INSTANCES),
    Contender("ray", "Ray Serve, ONNX Runtime", "one replica, no dashboard", _program, forms.INSTANCES),
    Contender("kserve", "KServe Python server, ONNX Runtime", "one worker, no gRPC", _program, forms.KSERVE),
)
PEERS_BY_NAME = {peer.name: peer for peer in PEERS_OF_COPSE}
BY_NAME = {each.name: each for each in (*FRONT, *PEERS_OF_COPSE)}
