"""The plain manifests are what the chart gives by default, field by field."""

from typing import Any

import pytest

from tests.charts import CHART, MANIFESTS, Thing, extra, installed, manifests, only, render, render_case

HELMS_OWN = {"app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/resource-policy"}
EXTRA = MANIFESTS / "extra"


def comparable(things: list[Thing]) -> dict[tuple[str, str], Any]:
    """Return objects by kind and name, without the labels and annotations that are only Helm's."""
    return {(thing["kind"], thing["metadata"]["name"]): _without_helms_own(thing) for thing in things}


def _without_helms_own(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_helms_own(inner) for key, inner in value.items() if key not in HELMS_OWN}
        return {key: inner for key, inner in kept.items() if not (key == "annotations" and inner == {})}
    return [_without_helms_own(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.helm
def test_the_manifests_are_what_the_chart_gives_with_default_values() -> None:
    assert comparable(manifests()) == comparable(installed(render()))


@pytest.mark.helm
def test_the_service_with_a_node_port_is_the_charts_on_kind() -> None:
    service = only(render_case(CHART / "ci" / "kind-values.yaml"), "Service")

    assert comparable([extra("service-node-port.yaml")]) == comparable([service])


@pytest.mark.helm
def test_training_on_ones_own_data_is_the_charts() -> None:
    job = only(render_case(CHART / "ci" / "own-data-values.yaml"), "Job")
    plain = extra("train-own-data.yaml")
    job["metadata"]["name"] = plain["metadata"]["name"]

    assert comparable([plain]) == comparable([job])


def test_the_manifests_name_no_namespace_so_that_they_go_where_they_are_sent() -> None:
    assert all("namespace" not in thing["metadata"] for thing in [*manifests(), *manifests(EXTRA)])


def test_the_namespace_refuses_pods_that_are_not_locked_down() -> None:
    labels = extra("namespace.yaml")["metadata"]["labels"]

    assert labels == {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def test_choosing_a_version_runs_where_and_as_what_training_runs() -> None:
    chooser = extra("use-version.yaml")["spec"]["template"]["spec"]
    trainer = only(manifests(), "Job")["spec"]["template"]["spec"]
    own = {"name", "command", "args", "resources"}

    assert _without(chooser, "containers") == _without(trainer, "containers")
    assert _without(chooser["containers"][0], *own) == _without(trainer["containers"][0], *own)


def test_filling_a_claim_runs_where_and_as_what_training_runs() -> None:
    filler = extra("fill-claim.yaml")
    trainer = only(manifests(), "Job")["spec"]["template"]["spec"]
    own = {"serviceAccountName", "volumes", "containers", "terminationGracePeriodSeconds"}
    container = {"name", "command", "args", "resources", "volumeMounts"}

    assert _without(filler["spec"], *own) == _without(trainer, *own)
    assert _without(filler["spec"]["containers"][0], *container) == _without(trainer["containers"][0], *container)


def _without(value: Thing, *keys: str) -> Thing:
    return {key: inner for key, inner in value.items() if key not in keys}
