"""Tokens and TLS in the chart: off by default, and where they are on, all that speaks to the server knows it."""

import subprocess
from pathlib import PurePosixPath

import pytest

from tests.charts import CHART, Thing, of_kind, only, pods, program, render

pytestmark = pytest.mark.helm

TOKENS = ("--set", "serve.tokensSecret=clients")
TLS = ("--set", "serve.tlsSecret=certificate")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def serving_pod(things: list[Thing]) -> Thing:
    pod: Thing = only(things, "Deployment")["spec"]["template"]["spec"]
    return pod


def server(things: list[Thing]) -> Thing:
    container: Thing = serving_pod(things)["containers"][0]
    return container


def secrets(pod: Thing) -> dict[str, Thing]:
    """Return the secrets that a pod mounts, by the folder under which they are found."""
    volumes = {volume["name"]: volume["secret"] for volume in pod.get("volumes", []) if "secret" in volume}
    mounts = [mount for container in pod["containers"] for mount in container.get("volumeMounts", [])]
    assert all("subPath" not in mount for mount in mounts), "the kubelet does not renew what is mounted by subPath"
    return {mount["mountPath"]: volumes[mount["name"]] for mount in mounts if mount["name"] in volumes}


def paths(things: list[Thing], *variables: str) -> list[PurePosixPath]:
    given = {entry["name"]: entry.get("value", "") for entry in server(things)["env"]}
    return [PurePosixPath(given[name]) for name in variables]


def notes(*arguments: str) -> str:
    command = [program("helm"), "install", "copse", str(CHART), "--dry-run=client", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("NOTES:")[2]


def test_both_are_off_by_default() -> None:
    things = render()

    assert not secrets(serving_pod(things))
    assert not {"COPSE_TOKENS_FILE", "COPSE_TLS_CERTIFICATE", "COPSE_TLS_KEY"} & {
        entry["name"] for entry in server(things)["env"]
    }
    assert all("scheme" not in server(things)[probe]["httpGet"] for probe in PROBES)
    assert "appProtocol" not in only(things, "Service")["spec"]["ports"][0]


def test_tokens_are_read_from_the_folder_of_their_secret() -> None:
    things = render(*TOKENS)
    (file,) = paths(things, "COPSE_TOKENS_FILE")

    assert file.name == "tokens"
    assert secrets(serving_pod(things)) == {str(file.parent): {"secretName": "clients", "defaultMode": 0o440}}
    assert all("scheme" not in server(things)[probe]["httpGet"] for probe in PROBES)


def test_certificate_and_key_are_read_from_the_folder_of_their_secret_under_the_names_of_its_type() -> None:
    things = render(*TLS)
    certificate, key = paths(things, "COPSE_TLS_CERTIFICATE", "COPSE_TLS_KEY")

    assert (certificate.name, key.name) == ("tls.crt", "tls.key")
    assert certificate.parent == key.parent
    assert secrets(serving_pod(things)) == {str(key.parent): {"secretName": "certificate", "defaultMode": 0o440}}


def test_the_kubelet_prometheus_and_gateways_speak_tls_where_the_server_does() -> None:
    things = render(*TLS, "--set", "serviceMonitor.enabled=true")
    (endpoint,) = only(things, "ServiceMonitor")["spec"]["endpoints"]

    assert {server(things)[probe]["httpGet"]["scheme"] for probe in PROBES} == {"HTTPS"}
    assert (endpoint["scheme"], endpoint["tlsConfig"]) == ("https", {"insecureSkipVerify": True})
    assert only(things, "Service")["spec"]["ports"][0]["appProtocol"] == "https"


def test_helm_test_has_a_token_and_the_certificate_but_no_private_key() -> None:
    (plain,), (both,) = (of_kind(render(*values), "Pod") for values in ((), (*TOKENS, *TLS)))
    (container,) = both["spec"]["containers"]

    assert plain["spec"]["containers"][0]["args"][1:] == ["http://copse:80"]
    assert container["args"][1:] == [
        "https://copse:80",
        "--tokens=/etc/copse/tokens/tokens",
        "--certificate=/etc/copse/tls/tls.crt",
    ]
    mounted = secrets(both["spec"])
    assert mounted["/etc/copse/tokens"]["secretName"] == "clients"
    assert mounted["/etc/copse/tls"]["items"] == [{"key": "tls.crt", "path": "tls.crt"}]


def test_training_pods_see_no_secret() -> None:
    things = render(*TOKENS, *TLS, "--set", "retrain.enabled=true")

    for pod in pods([*of_kind(things, "Job"), *of_kind(things, "CronJob")]):
        assert not secrets(pod)


def test_the_notes_tell_how_to_ask_with_a_token_and_over_tls() -> None:
    plain, both = notes(), notes(*TOKENS, *TLS)

    assert "curl -s http://127.0.0.1:8000/\n" in plain
    assert "authorization" not in plain
    assert "get secret clients" in both
    assert "get secret certificate" in both
    asked = '-H "authorization: Bearer $TOKEN" https://copse.default.svc/'
    assert f"curl -s --cacert copse.crt --connect-to ::127.0.0.1:8000 {asked}\n" in both
    assert "http://" not in both
