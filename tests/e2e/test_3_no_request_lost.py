"""Requests go on at a steady rate while the serving pods are replaced, added and removed: none is lost."""

import os
from collections.abc import Callable

import pytest

from tests.e2e.cluster import eventually
from tests.e2e.installs import Installation, version
from tests.e2e.load import Load, load

pytestmark = pytest.mark.cluster

NEXT_TAG = os.environ.get("COPSE_E2E_NEXT_TAG", f"{version()}-next")


def images(installation: Installation) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in installation.namespace.pods("serve")}


def names(installation: Installation) -> set[str]:
    return {pod["metadata"]["name"] for pod in installation.namespace.pods("serve")}


def settle(installation: Installation, replicas: int = 2) -> None:
    """Wait until all is as wanted and no old pod is left, so that the load has seen the end of each."""
    eventually(lambda: installation.namespace.settled(replicas), f"there are no {replicas} ready pods and only these")


def check(running: Load, figure: Callable[[str], None]) -> None:
    figure(running.figures())
    assert running.sent > 100
    assert not running.lost, running.figures()


def test_a_rolling_restart_loses_no_request(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    before = names(installation)
    with load(address) as running:
        installation.namespace.kubectl("rollout", "restart", "deployment/copse")
        installation.namespace.kubectl("rollout", "status", "deployment/copse", "--timeout=120s")
        settle(installation)

    assert not before & names(installation)
    check(running, figure)


def test_an_image_upgrade_loses_no_request(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    with load(address) as running:
        installation.upgrade_image(NEXT_TAG)
        installation.namespace.kubectl("rollout", "status", "deployment/copse", "--timeout=120s")
        settle(installation)

    assert images(installation) == {f"copse-serve:{NEXT_TAG}"}
    check(running, figure)


def test_scaling_from_one_to_three_and_back_loses_no_request(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    scale = installation.namespace.kubectl
    scale("scale", "deployment/copse", "--replicas=1")
    settle(installation, 1)
    with load(address) as running:
        for replicas in (3, 1):
            scale("scale", "deployment/copse", f"--replicas={replicas}")
            settle(installation, replicas)
    scale("scale", "deployment/copse", "--replicas=2")
    settle(installation)

    check(running, figure)


def test_a_deleted_pod_loses_no_request(
    installation: Installation, address: str, figure: Callable[[str], None]
) -> None:
    victim = min(names(installation))
    with load(address) as running:
        installation.namespace.kubectl("delete", "pod", victim, "--wait=false")
        eventually(lambda: victim not in names(installation), "the pod is still there")
        settle(installation)

    check(running, figure)
