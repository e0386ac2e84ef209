"""gRPC in the chart: off by default, and where it is on, all that stands before the pods knows the port."""

import pytest

from tests.charts import Refused, Thing, of_kind, only, render, selects

pytestmark = pytest.mark.helm

GRPC = ("--set", "serve.grpc.enabled=true")
TLS = ("--set", "serve.tlsSecret=certificate")


def server(things: list[Thing]) -> Thing:
    container: Thing = only(things, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return container


def grpc_port(service: Thing) -> Thing:
    (port,) = [port for port in service["spec"]["ports"] if port["name"] == "grpc"]
    found: Thing = port
    return found


def test_it_is_off_by_default() -> None:
    things = render()

    assert [port["name"] for port in server(things)["ports"]] == ["http"]
    assert "COPSE_GRPC_PORT" not in {entry["name"] for entry in server(things)["env"]}
    assert [port["name"] for port in only(things, "Service")["spec"]["ports"]] == ["http"]


def test_the_server_listens_on_the_port_that_its_container_names() -> None:
    container = server(render(*GRPC))
    (port,) = [port["containerPort"] for port in container["ports"] if port["name"] == "grpc"]

    assert {"name": "COPSE_GRPC_PORT", "value": str(port)} in container["env"]


def test_one_service_gives_one_address_and_the_other_those_of_the_pods() -> None:
    things = render(*GRPC)
    single, headless = sorted(of_kind(things, "Service"), key=lambda each: len(each["metadata"]["name"]))
    template = only(things, "Deployment")["spec"]["template"]

    assert single["spec"].get("clusterIP") is None
    assert headless["spec"]["clusterIP"] == "None"
    assert headless["metadata"]["name"] == "copse-grpc"
    assert selects(headless["spec"]["selector"], template)
    assert grpc_port(single) == grpc_port(headless)
    assert grpc_port(headless)["port"] == 8001  # a headless Service translates no port


def test_proxies_are_told_that_it_is_http_2_without_tls_and_nothing_where_the_server_has_tls() -> None:
    plain, secured = render(*GRPC), render(*GRPC, *TLS)

    assert {grpc_port(each).get("appProtocol") for each in of_kind(plain, "Service")} == {"kubernetes.io/h2c"}
    assert {grpc_port(each).get("appProtocol") for each in of_kind(secured, "Service")} == {None}


def test_a_network_policy_lets_it_in_only_where_it_is_on() -> None:
    policy = ("--set", "networkPolicy.enabled=true")

    def ports(*arguments: str) -> list[str]:
        (serving, _) = of_kind(render(*policy, *arguments), "NetworkPolicy")
        return [port["port"] for port in serving["spec"]["ingress"][0]["ports"]]

    assert ports() == ["http"]
    assert ports(*GRPC) == ["http", "grpc"]


def test_the_services_other_port_must_be_another() -> None:
    with pytest.raises(Refused, match=r"service\.port must not be 8001"):
        render(*GRPC, "--set", "service.port=8001")
