"""What only Helm does: upgrades that change nothing, and releases side by side."""

import httpx
import pytest

from tests.e2e.cluster import eventually
from tests.e2e.installs import BY_HELM, ByHelm, Installation
from tests.examples import BENIGN

pytestmark = [pytest.mark.cluster, BY_HELM]


@pytest.fixture
def helm(installation: Installation) -> ByHelm:
    assert isinstance(installation, ByHelm)
    return installation


def jobs(installation: Installation) -> dict[str, str]:
    found = installation.namespace.get("jobs", "--selector", "app.kubernetes.io/managed-by=Helm")["items"]
    return {job["metadata"]["uid"]: job["metadata"]["name"] for job in found if "-train-" in job["metadata"]["name"]}


def test_an_upgrade_that_changes_nothing_about_training_keeps_the_job(helm: ByHelm) -> None:
    before = jobs(helm)
    helm.install()

    assert jobs(helm) == before


def test_a_second_release_serves_beside_the_first_from_a_claim_of_its_own(helm: ByHelm) -> None:
    helm.release("second", "--set", "serve.replicas=1", "--wait", "--wait-for-jobs", "--timeout", "2m")
    with helm.namespace.forwarded("second-copse") as address:
        assert httpx.post(f"{address}/predict", json={"features": BENIGN}).json()["prediction"] == 1
        assert httpx.get(f"{address}/").json()["version"] == 1
    helm.helm("uninstall", "second", "--wait")

    claims = {claim["metadata"]["name"] for claim in helm.namespace.get("pvc")["items"]}
    assert "second-copse-models" in claims  # models outlive the release
    # pods that the test before replaced may still be ending
    eventually(lambda: helm.namespace.settled(2), "the first release's two pods are not all that is left")


def test_a_release_serves_from_a_claim_that_exists(helm: ByHelm) -> None:
    values = "persistence.existingClaim=copse-models,train.enabled=false,serve.replicas=1"
    helm.release("reader", "--set", values, "--wait", "--timeout", "2m")
    with helm.namespace.forwarded("reader-copse") as address:
        assert httpx.post(f"{address}/predict", json={"features": BENIGN}).json()["prediction"] == 1
    helm.helm("uninstall", "reader", "--wait")

    eventually(lambda: not helm.namespace.pods("serve", "reader"), "the release's pods are still there")
    assert helm.namespace.settled(2)


def test_a_release_that_is_installed_again_finds_its_models(helm: ByHelm) -> None:
    helm.release("second", "--set", "serve.replicas=1", "--wait", "--wait-for-jobs", "--timeout", "2m")
    (job,) = (name for name in jobs(helm).values() if name.startswith("second-"))

    assert "nothing new: version 1" in helm.namespace.kubectl("logs", f"job/{job}")
