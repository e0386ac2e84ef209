"""Every pod of every object, chart and manifests alike, is locked down.

Beside Pod Security `restricted` these are the points of kube-linter, kube-score and Trivy on pods.
"""

import re
from pathlib import Path

import pytest

from tests.charts import CASES, MANIFESTS, Thing, containers, manifests, of_kind, pod_templates, pods, render_case

VOLUMES = {"configMap", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}
LEAST_ID = 10_000


@pytest.fixture(
    scope="module",
    params=[*(pytest.param(case, marks=pytest.mark.helm) for case in CASES), MANIFESTS, MANIFESTS / "extra"],
    ids=lambda path: path.name,
)
def things(request: pytest.FixtureRequest) -> list[Thing]:
    path: Path = request.param
    return manifests(path) if path.is_dir() else render_case(path)


def test_there_are_pods_to_look_at(things: list[Thing]) -> None:
    assert containers(things)


def test_no_pod_runs_as_root_or_as_a_user_of_the_node(things: list[Thing]) -> None:
    for pod in pods(things):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert min(context["runAsUser"], context["runAsGroup"], context["fsGroup"]) > LEAST_ID
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_no_container_can_gain_rights_or_write_its_root(things: list[Thing]) -> None:
    for container in containers(things):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_no_pod_shares_anything_with_its_node(things: list[Thing]) -> None:
    for pod in pods(things):
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"} & pod.keys()
        for volume in pod.get("volumes", []):
            assert volume.keys() - {"name"} <= VOLUMES
    for container in containers(things):
        assert all(port.keys() <= {"name", "containerPort", "protocol"} for port in container.get("ports", []))
        assert all(port["containerPort"] > 1024 for port in container.get("ports", []))


def test_no_pod_has_a_token_or_the_addresses_of_services(things: list[Thing]) -> None:
    for pod in pods(things):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert "serviceAccount" not in pod
    for account in of_kind(things, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_every_account_that_pods_use_is_there(things: list[Thing], request: pytest.FixtureRequest) -> None:
    made = {account["metadata"]["name"] for account in of_kind(things, "ServiceAccount")}
    elsewhere = {"existing-claim-values.yaml": {"default"}, "extra": {"copse", "default"}}
    case = request.node.callspec.id

    assert {pod["serviceAccountName"] for pod in pods(things)} == elsewhere.get(case, made)


def test_every_container_asks_for_what_it_needs_and_is_limited(things: list[Thing]) -> None:
    for container in containers(things):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert requests.keys() == {"cpu", "memory", "ephemeral-storage"}
        assert limits.keys() >= {"memory", "ephemeral-storage"}


def test_every_image_is_one_certain_image(things: list[Thing]) -> None:
    for container in containers(things):
        assert re.fullmatch(r"[a-z0-9./-]+(:[0-9][\w.-]*|@sha256:[0-9a-f]{64})", container["image"])
        assert container["imagePullPolicy"] in ("IfNotPresent", "Always")


def test_variables_are_texts_each_given_once_and_none_is_a_secret(things: list[Thing]) -> None:
    for container in containers(things):
        variables = container.get("env", [])
        assert len({variable["name"] for variable in variables}) == len(variables)
        for variable in variables:
            value = variable.get("value", "")
            assert isinstance(value, str)
            assert not re.search("SECRET|PASSWORD|TOKEN|KEY", variable["name"]) or value.startswith("/etc/copse/")
            assert "secretKeyRef" not in variable.get("valueFrom", {})


def test_pods_carry_the_labels_by_which_people_find_them(things: list[Thing]) -> None:
    wanted = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}

    for template in pod_templates(things):
        assert template["metadata"]["labels"].keys() >= wanted
    for thing in things:
        if thing["kind"] != "Namespace":
            assert thing["metadata"]["labels"].keys() >= wanted | {"app.kubernetes.io/version"}
