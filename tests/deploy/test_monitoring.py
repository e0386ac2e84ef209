"""Monitors, alerts and dashboard: the chart's are those of k8s/monitoring, and each finds what it is for."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from scripts.monitoring import made
from tests.charts import CHART, MANIFESTS, ROOT, Thing, of_kind, only, program, render, render_case, selects
from tests.deploy.test_manifests import comparable

FOLDER = MANIFESTS / "monitoring"
SWITCHES = "serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true"
OWN = ',namespace="default"'  # which only Helm knows; whoever applies manifests sends them where they like


@pytest.fixture(scope="module")
def everything() -> list[Thing]:
    return render_case(CHART / "ci" / "everything-values.yaml")


def rules(thing: Thing) -> list[dict[str, Any]]:
    (group,) = thing["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_what_is_made_is_as_it_should_be() -> None:
    for path, text in made().items():
        assert path.read_text() == text, f"{path} is not as it should be: make monitoring renews it"


@pytest.mark.helm
def test_the_manifests_are_what_the_chart_gives_when_asked() -> None:
    default = comparable(render())
    chart = comparable(yaml.safe_load(json.dumps(render("--set", SWITCHES)).replace(OWN.replace('"', '\\"'), "")))
    command = [program("kubectl"), "kustomize", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    plain = comparable(list(yaml.safe_load_all(done.stdout)))

    assert plain == {name: thing for name, thing in chart.items() if name not in default}
    assert [kind for kind, _ in sorted(plain)] == ["ConfigMap", "PrometheusRule", "ServiceMonitor"]


@pytest.mark.helm
def test_the_other_monitor_is_the_charts_too() -> None:
    monitor = only(render("--set", "podMonitor.enabled=true"), "PodMonitor")

    assert comparable([yaml.safe_load((FOLDER / "pod-monitor.yaml").read_text())]) == comparable([monitor])


def test_the_objects_of_the_application_need_no_operator() -> None:
    """`kubectl apply -f k8s/` does not look into folders."""
    assert {path.name for path in MANIFESTS.iterdir() if path.is_dir()} == {"extra", "monitoring"}
    assert "monitoring.coreos.com" not in "".join(path.read_text() for path in MANIFESTS.glob("*.yaml"))


@pytest.mark.helm
@pytest.mark.parametrize("switch", ["serviceMonitor", "podMonitor"])
def test_a_monitor_finds_the_serving_pods_and_gives_them_one_job(switch: str) -> None:
    things = render("--set", f"{switch}.enabled=true,serve.tlsSecret=certificate", release="two")
    template = only(things, "Deployment")["spec"]["template"]
    (monitor,) = [thing for thing in things if thing["kind"].endswith("Monitor")]
    (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    (service,) = of_kind(things, "Service")
    found = template if switch == "podMonitor" else service

    assert selects(monitor["spec"]["selector"]["matchLabels"], found)
    assert endpoint["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    assert endpoint["scheme"] == "https"
    job = service["metadata"]["name"] if switch == "serviceMonitor" else endpoint["relabelings"][0]["replacement"]
    assert job == "two-copse"


@pytest.mark.helm
def test_alerts_are_about_their_own_release_with_its_threshold_and_runbook(everything: list[Thing]) -> None:
    plain = rules(yaml.safe_load((FOLDER / "prometheus-rule.yaml").read_text()))
    own = rules(only(everything, "PrometheusRule"))

    assert [rule["alert"] for rule in own] == [rule["alert"] for rule in plain]
    for rule, other in zip(own, plain, strict=True):
        expected = other["expr"].replace('job="copse"', 'job="forest",namespace="default"')
        assert rule["expr"] == (expected.replace("> 0.5\n", "> 0.25\n") if rule["alert"] == "CopseSlow" else expected)
        link = other["annotations"]["runbook_url"].replace("docs/", "https://example.com/")
        assert rule["annotations"]["runbook_url"] == link


@pytest.mark.helm
def test_the_sidecar_finds_the_dashboard(everything: list[Thing]) -> None:
    (found,) = [thing for thing in of_kind(everything, "ConfigMap") if "copse.json" in thing["data"]]

    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Copse"}
    assert json.loads(found["data"]["copse.json"])["uid"] == "copse"


def test_every_alert_is_told_in_the_docs_with_what_to_do() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for rule in rules(yaml.safe_load((FOLDER / "prometheus-rule.yaml").read_text())):
        name = rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert re.search(rf"^### {name}$", page, re.MULTILINE), f"{name} has no heading in docs/operations.md"
        assert f"`{name}`" in (ROOT / "docs" / "monitoring.md").read_text()


def test_the_dashboard_has_no_panel_upon_another_and_none_without_a_query() -> None:
    panels = json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["targets"]
    assert len({panel["id"] for panel in panels}) == len(panels)
