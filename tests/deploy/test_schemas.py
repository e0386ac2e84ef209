"""Kubernetes' own schemas, strictly: no unknown field, no wrong type, in the oldest and the newest version known."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.charts import CASES, CHART, FOREIGN, MANIFESTS, NEWEST_KUBERNETES, program

pytestmark = pytest.mark.helm

WITHOUT_SCHEMA = FOREIGN | {"Kustomization"}  # here: other tests look at them


def oldest_kubernetes() -> str:
    """Return the version that the chart says it needs."""
    needed = re.search(r'^kubeVersion: ">=([0-9.]+)-0"$', (CHART / "Chart.yaml").read_text(), re.MULTILINE)
    assert needed
    return needed[1]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return where kubeconform finds schemas: copies of a package's, so that no network is needed.

    The package's have an address each, from which they refer to one another; these refer to files beside them.
    """
    package = importlib.util.find_spec("kubernetes_validate")
    assert package
    assert package.origin
    copies = tmp_path_factory.mktemp("schemas")
    for version in (oldest_kubernetes(), NEWEST_KUBERNETES):
        original = Path(package.origin).parent / "kubernetes-json-schema" / f"v{version}-local-strict"
        copy = copies / original.name
        copy.mkdir()
        for path in original.glob("*.json"):
            text = path.read_text().replace('"/api/_definitions.json', '"_definitions.json')
            (copy / path.name).write_text(re.sub(r',\s*"\$id": "[^"]*"', "", text))
    return f"{copies}/{{{{.NormalizedKubernetesVersion}}}}-local-strict/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def conform(schemas: str, version: str, text: str) -> str:
    """Return what kubeconform says about objects; the last line counts them."""
    command = [
        program("kubeconform"),
        "-strict",
        "-summary",
        "-kubernetes-version",
        version,
        "-skip",
        ",".join(WITHOUT_SCHEMA),
    ]
    done = subprocess.run(
        [*command, "-schema-location", schemas, "-"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("version", [oldest_kubernetes(), NEWEST_KUBERNETES])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_chart_conforms(case: Path, version: str, schemas: str) -> None:
    command = [program("helm"), "template", "copse", str(CHART), "--kube-version", version, "--values", str(case)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    said = conform(schemas, version, rendered)

    assert "Invalid: 0, Errors: 0" in said, said
    assert "Valid: 0," not in said, said


@pytest.mark.parametrize("version", [oldest_kubernetes(), NEWEST_KUBERNETES])
@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("*.yaml")), ids=lambda path: path.name)
def test_the_manifests_conform(path: Path, version: str, schemas: str) -> None:
    said = conform(schemas, version, path.read_text())

    foreign = yaml.safe_load(path.read_text())["kind"] in WITHOUT_SCHEMA
    expected = (
        "Valid: 0, Invalid: 0, Errors: 0, Skipped: 1" if foreign else "Valid: 1, Invalid: 0, Errors: 0, Skipped: 0"
    )
    assert expected in said, said


def test_a_misspelt_field_would_not_conform(schemas: str) -> None:
    said = conform(
        schemas, NEWEST_KUBERNETES, (MANIFESTS / "service.yaml").read_text().replace("selector:", "selektor:")
    )

    assert "Invalid: 1" in said
    assert "selektor" in said


def test_helm_finds_nothing_to_complain_about() -> None:
    done = subprocess.run(
        [program("helm"), "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
