"""What the chart makes when it is asked to, and only then."""

from typing import Any

import pytest

from tests.charts import CHART, Thing, installed, of_kind, only, render, render_case, selects
from tests.charts import service as address

pytestmark = pytest.mark.helm

DEFAULT_KINDS = {"ServiceAccount", "PersistentVolumeClaim", "Service", "Deployment", "Job", "ConfigMap"}
SWITCHES = {
    "autoscaling.enabled=true": "HorizontalPodAutoscaler",
    "podDisruptionBudget.enabled=true": "PodDisruptionBudget",
    "networkPolicy.enabled=true": "NetworkPolicy",
    "ingress.enabled=true,ingress.host=a.example": "Ingress",
    "httpRoute.enabled=true,httpRoute.parentRefs[0].name=gateway": "HTTPRoute",
    "serviceMonitor.enabled=true": "ServiceMonitor",
    "podMonitor.enabled=true": "PodMonitor",
    "prometheusRule.enabled=true": "PrometheusRule",
    "retrain.enabled=true": "CronJob",
}


@pytest.fixture(scope="module")
def everything() -> list[Thing]:
    return render_case(CHART / "ci" / "everything-values.yaml")


def test_nothing_that_a_bare_cluster_lacks_is_made_unless_asked_for() -> None:
    assert {thing["kind"] for thing in installed(render())} == DEFAULT_KINDS


@pytest.mark.parametrize(("switch", "kind"), SWITCHES.items(), ids=SWITCHES.values())
def test_a_switch_makes_its_object_and_nothing_else(switch: str, kind: str) -> None:
    assert {thing["kind"] for thing in installed(render("--set", switch))} == DEFAULT_KINDS | {kind}


def test_the_default_service_needs_no_port_of_the_nodes() -> None:
    service = only(render(), "Service")

    assert service["metadata"]["name"] == "copse"
    assert service["spec"]["type"] == "ClusterIP"
    assert [port["port"] for port in service["spec"]["ports"]] == [80]


def test_an_autoscaler_alone_decides_the_number_of_pods(everything: list[Thing]) -> None:
    serving, scaler = only(everything, "Deployment"), only(everything, "HorizontalPodAutoscaler")

    assert "replicas" not in serving["spec"]
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": serving["apiVersion"],
        "kind": "Deployment",
        "name": serving["metadata"]["name"],
    }
    assert 2 <= scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
    assert only(render(), "Deployment")["spec"]["replicas"] == 2


def test_a_disruption_budget_never_stops_a_drain_for_good(everything: list[Thing]) -> None:
    budget = only(everything, "PodDisruptionBudget")["spec"]

    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert selects(budget["selector"]["matchLabels"], only(everything, "Deployment")["spec"]["template"])


def test_network_policies_let_serving_pods_open_no_connection(everything: list[Thing]) -> None:
    serve, train = of_kind(everything, "NetworkPolicy")

    assert serve["spec"]["policyTypes"] == train["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert train["spec"]["ingress"] == []
    assert selects(serve["spec"]["podSelector"]["matchLabels"], only(everything, "Deployment")["spec"]["template"])
    assert selects(train["spec"]["podSelector"]["matchLabels"], only(everything, "Job")["spec"]["template"])


def test_network_policies_admit_the_charts_own_test(everything: list[Thing]) -> None:
    (rule,) = of_kind(everything, "NetworkPolicy")[0]["spec"]["ingress"]

    assert rule["ports"] == [{"port": port, "protocol": "TCP"} for port in ("http", "grpc")]
    assert len(rule["from"]) == 2
    assert selects(rule["from"][1]["podSelector"]["matchLabels"], only(everything, "Pod"))


def test_network_policies_without_peers_admit_everybody_to_the_one_port() -> None:
    serve, train = of_kind(render("--set", "networkPolicy.enabled=true"), "NetworkPolicy")

    assert serve["spec"]["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    assert serve["spec"]["egress"] == train["spec"]["egress"] == []


def test_ways_in_from_outside_lead_to_the_service(everything: list[Thing]) -> None:
    service = address(everything)
    (rule,) = only(everything, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    (route,) = only(everything, "HTTPRoute")["spec"]["rules"]

    assert path["backend"]["service"] == {"name": service["metadata"]["name"], "port": {"name": "http"}}
    assert route["backendRefs"] == [{"name": service["metadata"]["name"], "port": 80}]


def test_a_service_monitor_finds_the_service(everything: list[Thing]) -> None:
    monitor, service = only(everything, "ServiceMonitor"), address(everything)

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_training_by_the_clock_is_the_jobs_training_with_its_own_arguments(everything: list[Thing]) -> None:
    timed = only(everything, "CronJob")["spec"]["jobTemplate"]["spec"]
    once = {key: value for key, value in only(everything, "Job")["spec"].items() if key != "ttlSecondsAfterFinished"}
    arguments: list[Any] = timed["template"]["spec"]["containers"][0]["args"]

    assert arguments.pop() == "--force"
    assert timed == once


def test_helm_test_uses_the_serving_image_itself(everything: list[Thing]) -> None:
    (tester,) = only(everything, "Pod")["spec"]["containers"]
    (server,) = only(everything, "Deployment")["spec"]["template"]["spec"]["containers"]

    assert tester["image"] == server["image"]
    assert tester["args"][1] == "https://forest:80"
