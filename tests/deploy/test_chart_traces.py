"""Traces in the chart: off by default, and where a collector is named, what tells pods apart and the way to it."""

import pytest

from tests.charts import CHART, Thing, of_kind, only, render, render_case

pytestmark = pytest.mark.helm

ENDPOINT = "http://collector.observability:4318"
TRACES = ("--set", f"serve.tracesEndpoint={ENDPOINT}")


def variables(things: list[Thing]) -> dict[str, Thing]:
    """Return the server's environment by name."""
    (container,) = only(things, "Deployment")["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry for entry in container["env"]}


def test_they_are_off_by_default() -> None:
    assert not {name for name in variables(render()) if name.startswith(("OTEL_", "POD_"))}


def test_a_pod_knows_the_collector_and_its_own_name() -> None:
    found = variables(render(*TRACES))
    names = list(found)
    attributes = found["OTEL_RESOURCE_ATTRIBUTES"]["value"]

    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"] == ENDPOINT
    assert found["OTEL_SERVICE_NAME"]["value"] == "copse"
    assert attributes == "k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)"
    assert found["POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert found["POD_NAMESPACE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.namespace"
    assert max(names.index("POD_NAME"), names.index("POD_NAMESPACE")) < names.index("OTEL_RESOURCE_ATTRIBUTES")


def test_how_many_are_sampled_is_a_variable_of_opentelemetrys() -> None:
    found = variables(render(*TRACES, "--set", "serve.env.OTEL_TRACES_SAMPLER=parentbased_traceidratio"))

    assert found["OTEL_TRACES_SAMPLER"]["value"] == "parentbased_traceidratio"


def test_a_network_policy_lets_serving_pods_reach_the_collector_and_nobody_where_none_is_named() -> None:
    closed, _ = of_kind(render("--set", "networkPolicy.enabled=true"), "NetworkPolicy")
    opened, _ = of_kind(render_case(CHART / "ci" / "everything-values.yaml"), "NetworkPolicy")

    assert closed["spec"]["egress"] == []
    assert [port["port"] for rule in opened["spec"]["egress"] for port in rule["ports"]] == [4318, 53, 53]
