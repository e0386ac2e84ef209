"""What a test may need that not every machine has, and what happens where it is missing."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / ".clients/bin/python"
NEWMAN = ROOT / ".node/node_modules/.bin/newman"
COLLECTION = ROOT / "docs/postman/copse.postman_collection.json"


def missing(what: str) -> NoReturn:
    """Skip the test; in CI, where nothing may be missing, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def program(name: str) -> str:
    """Return where a program is."""
    return shutil.which(name) or missing(f"{name} is not installed")


def prometheus(name: str) -> str:
    """Return where a program of Prometheus' is: prometheus or promtool; CI may say that they cannot be had."""
    if os.environ.get("WITHOUT_PROMETHEUS"):
        pytest.skip("Prometheus cannot be had here")
    path = f"{ROOT / '.tools'}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which(name, path=path) or missing(f"{name} is not installed; make prometheus compiles it")


def newman(address: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the Postman collection against a server."""
    if not NEWMAN.exists():
        missing("newman is not installed; make newman does it")
    command = [str(NEWMAN), "run", str(COLLECTION), "--color", "off", "--env-var", f"baseUrl={address}", *flags]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120
    )


def client_libraries(script: str, asked: object) -> Any:
    """Run a script of tests/clients in the environment that has the client libraries; return what it prints."""
    if not CLIENTS.exists():
        missing("the client libraries are not installed; make clients does it")
    ran = subprocess.run(
        [str(CLIENTS), str(ROOT / "tests/clients" / script)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
