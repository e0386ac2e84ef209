"""One installation a way, shared by the tests; what one needs to see of the cluster where a test fails."""

import os
import re
import subprocess
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.charts import ROOT, program
from tests.e2e.cluster import Namespace
from tests.e2e.installs import ByHelm, ByManifests, Installation

NODE_PORT = int(os.environ.get("COPSE_E2E_NODE_PORT", "30081"))
ADDRESS = os.environ.get("COPSE_E2E_ADDRESS", "http://127.0.0.1:8081")
WAYS: dict[str, type[Installation]] = {"helm": ByHelm, "manifests": ByManifests}
DUMPS = ROOT / "build" / "e2e"

figures: list[str] = []


@pytest.fixture(scope="session")
def _cluster() -> None:
    """Skip without a cluster, which on CI is a failure."""
    asked = subprocess.run([program("kubectl"), "version"], capture_output=True, text=True, check=False, timeout=60)
    if asked.returncode:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end(f"there is no cluster: {asked.stderr.strip()}")


@pytest.fixture(scope="session")
def address() -> str:
    """Return where the host reaches the Service."""
    return ADDRESS


@pytest.fixture(scope="session", params=WAYS)
def installation(request: pytest.FixtureRequest, _cluster: None) -> Iterator[Installation]:
    """Return a namespace of its own in which a way of installing is about to be used."""
    namespace = Namespace(f"copse-e2e-{request.param}-{uuid.uuid4().hex[:6]}")
    namespace.create()
    yield WAYS[request.param](namespace, NODE_PORT)
    namespace.delete()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Any:
    """Return a function that keeps a measurement for the end of the run."""
    return lambda text: figures.append(f"{request.node.name}: {text}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test has failed, add objects, events, descriptions and logs to its report, and keep them in a file."""
    report = yield
    installation = getattr(item, "funcargs", {}).get("installation")
    if report.failed and installation:
        dump = installation.namespace.dump()
        report.sections.append(("cluster", dump))
        DUMPS.mkdir(parents=True, exist_ok=True)
        Path(DUMPS / f"{re.sub('[^a-z0-9]+', '-', item.name)}-{report.when}.txt").write_text(dump)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    for line in figures:
        terminalreporter.write_line(line)
