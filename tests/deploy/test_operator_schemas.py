"""What is for the Prometheus operator conforms to its own schemas, strictly: those of its Go module."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import CHART, MANIFESTS, program

pytestmark = pytest.mark.helm

OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
KINDS = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
SWITCHES = {
    "serviceMonitor.enabled=true,prometheusRule.enabled=true": 2,
    "podMonitor.enabled=true,serve.tlsSecret=x": 1,
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return where kubeconform finds the schemas of the operator's kinds."""
    folder = tmp_path_factory.mktemp("operator")
    definitions = module(OPERATOR, folder) / "example" / "prometheus-operator-crd"
    for kind in KINDS:
        definition = yaml.safe_load((definitions / f"monitoring.coreos.com_{kind.lower()}s.yaml").read_text())
        (version,) = definition["spec"]["versions"]
        schema = strict(version["schema"]["openAPIV3Schema"])
        (folder / f"{kind.lower()}-{version['name']}.json").write_text(json.dumps(schema))
    return f"{folder}/{{{{.ResourceKind}}}}-{{{{.ResourceAPIVersion}}}}.json"


def module(name: str, folder: Path) -> Path:
    """Return where a module of Go is, downloaded if need be; a network may fail for a moment."""
    command = [program("go"), "mod", "download", "-json", name]
    for pause in (5, 20, 0):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            return Path(json.loads(done.stdout)["Dir"])
        time.sleep(pause)
    pytest.fail(f"{name} cannot be downloaded: {done.stdout[-300:]}")


def strict(schema: Any) -> Any:
    """Return a schema that takes no field it does not know, as the API server's validation of fields does."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return closed | {key: strict(value) for key, value in schema.items()}


def conform(schemas: str, text: str) -> str:
    command = [program("kubeconform"), "-strict", "-summary", "-schema-location", schemas, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def rendered(switches: str) -> str:
    command = [program("helm"), "template", "copse", str(CHART), "--kube-version", "1.34.0", "--set", switches]
    things = yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return yaml.safe_dump_all(thing for thing in things if thing and thing["kind"] in KINDS)


@pytest.mark.parametrize(("switches", "count"), SWITCHES.items())
def test_the_charts_monitors_and_rules_conform(switches: str, count: int, schemas: str) -> None:
    said = conform(schemas, rendered(switches))

    assert f"Valid: {count}, Invalid: 0, Errors: 0, Skipped: 0" in said, said


@pytest.mark.parametrize("name", ["service-monitor", "pod-monitor", "prometheus-rule"])
def test_the_manifests_conform(name: str, schemas: str) -> None:
    said = conform(schemas, (MANIFESTS / "monitoring" / f"{name}.yaml").read_text())

    assert "Valid: 1, Invalid: 0, Errors: 0, Skipped: 0" in said, said


def test_a_misspelt_field_would_not_conform(schemas: str) -> None:
    text = (MANIFESTS / "monitoring" / "service-monitor.yaml").read_text()

    assert "Invalid: 1" in conform(schemas, text.replace("interval:", "intervall:"))
