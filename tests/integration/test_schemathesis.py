"""Schemathesis finds the server to do what /openapi.json says: every path, every check, good and bad requests."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from model_repository import Manifest
from tests.mixed_models import Kind, manifest, publish_mixed
from tests.servers import RunningServer, serving

SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
TOKEN: str = tomllib.loads(CONFIGURATION.read_text())["auth"]["openapi"]["bearer"]["bearer"]
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
LIMITS = ("--max-rows", "20", "--max-body-bytes", "1000000")
DEADLINE_SECONDS = 280


def schemathesis(
    document: str, server: RunningServer, folder: Path, *flags: str, examples: int
) -> subprocess.CompletedProcess[str]:
    """Run all checks, the same requests each time. Read from a file, the path of the document is tried as well."""
    file = folder / "openapi.json"
    file.write_text(document)
    command = [
        *(str(SCHEMATHESIS), "--config-file", str(CONFIGURATION), "run", str(file), "--url", server.address),
        "--no-color",
        *("--generation-deterministic", "--max-examples", str(examples), "--continue-on-failure"),
    ]
    # None of its code is ours, and to have its coverage measured takes it twice the time.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        [*command, *flags],
        cwd=folder,  # where it keeps what it found
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )


def assert_nothing_was_found(found: subprocess.CompletedProcess[str], document: str) -> None:
    operations = sum(len(methods) for methods in json.loads(document)["paths"].values())
    assert found.returncode == 0, found.stdout
    assert f"Operations:       {operations} selected / {operations} total" in found.stdout, found.stdout
    counted = re.search(r"(\d+) generated, (\d+) passed", found.stdout)
    assert counted, found.stdout
    assert counted[1] == counted[2]
    assert int(counted[1]) > 50 * operations


def finite(kind: Kind) -> Manifest:
    """Return a manifest that bounds numbers to those of which the model's sums are finite."""
    whole = manifest(kind, b"")
    return msgspec.structs.replace(whole, parity=msgspec.structs.replace(whole.parity, largest_magnitude=1e30))


@pytest.fixture(scope="module")
def limited(trained: Path) -> Iterator[RunningServer]:
    with serving(trained, *LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server over a classifier of mixed columns and a regression, which needs a token."""
    root = tmp_path_factory.mktemp("several")
    publish_mixed(root, "classes", parity=finite("classes").parity)
    publish_mixed(root, "number", parity=finite("number").parity, name="prices")
    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    with serving(root, *LIMITS, "--tokens-file", str(tokens)) as running:
        yield running


def test_schemathesis_finds_nothing_wrong_with_the_default_model(limited: RunningServer, tmp_path: Path) -> None:
    document = httpx.get(f"{limited.address}/openapi.json").text

    found = schemathesis(document, limited, tmp_path, examples=25)

    assert_nothing_was_found(found, document)


def test_schemathesis_finds_nothing_wrong_with_mixed_columns_a_regression_and_tokens(
    several: RunningServer, tmp_path: Path
) -> None:
    document = httpx.get(f"{several.address}/openapi.json", headers=AUTHORIZED).text

    found = schemathesis(document, several, tmp_path, examples=15)

    assert_nothing_was_found(found, document)


@pytest.mark.parametrize(
    ("allows", "says", "complaint"),
    [
        ('"minItems":30', '"minItems":29', "ST202 Schema-valid request rejected"),
        ('"minimum":-3.4028235677973362e+38', '"minimum":-1e+38', "ST201 Schema-violating request accepted"),
        ('"enum":[0,1]', '"enum":[1,2]', "ST108 Response violates schema"),
    ],
)
def test_schemathesis_finds_a_document_that_is_wrong(
    limited: RunningServer, tmp_path: Path, allows: str, says: str, complaint: str
) -> None:
    text = httpx.get(f"{limited.address}/openapi.json").text
    assert allows in text

    found = schemathesis(text.replace(allows, says), limited, tmp_path, "--include-path", "/predict", examples=20)

    assert found.returncode == 1, found.stdout
    assert complaint in found.stdout, found.stdout


def test_the_document_is_small(limited: RunningServer) -> None:
    content = httpx.get(f"{limited.address}/openapi.json").content

    assert json.loads(content)["openapi"] == "3.1.0"
    assert len(content) < 200_000
