"""A table that is not the example, from a ConfigMap, a claim and a Secret: trained, served, answered; or refused."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from tests.charts import Thing, extra
from tests.e2e.cluster import Namespace, eventually, ready
from tests.e2e.installs import BY_HELM, BY_MANIFESTS, ByHelm, Installation
from tests.wine import TARGET, parted

pytestmark = pytest.mark.cluster

RELEASE = "wine"
ARGS = ["--data=/data/wine.csv", "--test-data=/data/asked.csv", f"--target={TARGET}"]
MINE = """
from sklearn.ensemble import RandomForestClassifier

def make_estimator():
    return RandomForestClassifier(n_estimators=40, min_samples_leaf=3, random_state=7)
"""
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "wine"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
}
FILL = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))"


def files() -> dict[str, str]:
    """Return rows for training and rows to ask for, each as the text of a CSV file."""
    train, asked = parted()
    return {"wine.csv": train.to_csv(index=False), "asked.csv": asked.to_csv(index=False)}


def configured(kind: str, name: str, content: dict[str, str]) -> Thing:
    """Return a ConfigMap or a Secret of some files."""
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name},
        {"ConfigMap": "data", "Secret": "stringData"}[kind]: content,
    }


def answered(address: str, model: RandomForestClassifier, *, within: float) -> None:
    """Ask for every row that was not trained on, and compare with scikit-learn fitted here on the others."""
    train, asked = (table.drop(columns=TARGET).astype(np.float32) for table in parted())
    model.fit(train, parted()[0][TARGET])
    bodies: list[Any] = [asked.to_dict("records"), asked.to_numpy().tolist()]
    for rows in bodies:
        answer = httpx.post(f"{address}/predict", json={"instances": rows}, timeout=10).json()["predictions"]
        assert [each["prediction"] for each in answer] == list(model.predict(asked))
        probabilities = np.array([each["probabilities"] for each in answer], np.float32)
        assert np.abs(probabilities - np.float32(model.predict_proba(asked))).max() <= within


def training(namespace: Namespace, known: set[str]) -> str:
    """Return the name of the release's only training Job that was not there before."""
    selector = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=train"
    (job,) = {job["metadata"]["name"] for job in namespace.get("jobs", "--selector", selector)["items"]} - known
    known.add(job)
    return str(job)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Return the names of the Jobs that earlier tests have seen."""
    return set()


@pytest.fixture
def helm(installation: Installation) -> ByHelm:
    assert isinstance(installation, ByHelm)
    return installation


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("values") / "values.yaml"


def release(helm: ByHelm, values: Path, train: Thing) -> None:
    """Install or upgrade with values in a file, as JSON, which YAML includes."""
    values.write_text(json.dumps({"model": {"name": "wine"}, "serve": {"replicas": 1}, "train": train}))
    helm.release(RELEASE, "--values", str(values))


def serving(namespace: Namespace) -> AbstractContextManager[str]:
    """Wait until the release's pod is ready, and return a context with its address."""
    pods = namespace.pods
    eventually(lambda: [ready(pod) for pod in pods("serve", RELEASE)] == [True], "the release's pod is not ready")
    return namespace.forwarded(f"{RELEASE}-copse")


@BY_HELM
def test_a_file_in_a_config_map_is_trained_on_and_served_as_scikit_learn_answers(
    helm: ByHelm, values: Path, known: set[str]
) -> None:
    helm.namespace.apply(configured("ConfigMap", "wine", files()))
    release(helm, values, {"args": [*ARGS, "--param=n_estimators=50"], "data": {"configMap": "wine"}})
    job = training(helm.namespace, known)
    helm.namespace.job_ends_well(job)

    assert "wine version 1 is current" in helm.namespace.kubectl("logs", f"job/{job}")
    with serving(helm.namespace) as address:
        answered(address, RandomForestClassifier(50, random_state=42), within=0)
    assert "wine version 1 answers" in helm.helm("test", RELEASE, "--logs", "--timeout", "1m")


@BY_HELM
def test_a_file_on_a_claim_and_an_estimator_of_ones_own_give_the_next_version(
    helm: ByHelm, values: Path, known: set[str]
) -> None:
    filler = extra("fill-claim.yaml")
    helm.namespace.apply(CLAIM, filler, configured("ConfigMap", "estimators", {"mine.py": MINE}))
    helm.namespace.kubectl("wait", "--for=condition=Ready", "pod/copse-fill", "--timeout=60s")
    for name, text in files().items():
        helm.namespace.kubectl("exec", "-i", "copse-fill", "--", "python", "-c", FILL, f"/data/{name}", stdin=text)
    helm.namespace.kubectl("delete", "pod", "copse-fill")

    args = [*ARGS, "--estimator=mine:make_estimator"]
    release(helm, values, {"args": args, "data": {"existingClaim": "wine"}, "codeConfigMap": "estimators"})
    helm.namespace.job_ends_well(training(helm.namespace, known))

    with serving(helm.namespace) as address:
        eventually(lambda: httpx.get(f"{address}/").json()["version"] == 2, "version 2 is not served")
        answered(address, RandomForestClassifier(40, min_samples_leaf=3, random_state=7), within=1e-6)


@BY_HELM
def test_data_that_cannot_be_used_end_the_job_at_once_with_one_sentence_and_the_service_goes_on(
    helm: ByHelm, values: Path, known: set[str]
) -> None:
    helm.namespace.apply(configured("Secret", "wine", files()))
    args = ["--data=/data/wine.csv", "--target=vintage"]
    release(helm, values, {"args": args, "data": {"secret": "wine"}})
    job = training(helm.namespace, known)
    eventually(lambda: failed(helm.namespace, job), f"Job {job} has not failed")

    (pod,) = helm.namespace.get("pods", "--selector", f"batch.kubernetes.io/job-name={job}")["items"]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 2
    (said,) = helm.namespace.kubectl("logs", f"job/{job}").splitlines()
    assert said.startswith("copse-train: /data/wine.csv: --target names vintage, which is no column")
    with serving(helm.namespace) as address:
        assert httpx.get(f"{address}/").json()["version"] == 2
    helm.helm("uninstall", RELEASE, "--wait")


def failed(namespace: Namespace, job: str) -> bool:
    """Return whether a Job has failed; once is what its policy allows here."""
    status = namespace.get("job", job)["status"]
    assert status.get("failed", 0) <= 1
    return any(each["type"] == "Failed" and each["status"] == "True" for each in status.get("conditions", []))


@BY_MANIFESTS
def test_the_manifest_for_ones_own_data_trains_and_the_deployment_is_pointed_at_it(
    installation: Installation, address: str
) -> None:
    namespace = installation.namespace
    namespace.apply(configured("ConfigMap", "wine", files()), extra("train-own-data.yaml"))
    namespace.job_ends_well("copse-train-wine")
    namespace.kubectl("set", "env", "deployment/copse", "COPSE_MODEL=wine")
    namespace.kubectl("rollout", "status", "deployment/copse", "--timeout=120s")

    # pods that are ending answer for some seconds more, with the model that they had
    eventually(lambda: namespace.settled(2), "the two pods of before are not gone")
    assert httpx.get(f"{address}/").json()["model"] == "wine"
    _, asked = parted()
    answer = httpx.post(f"{address}/predict", json={"instances": asked.drop(columns=TARGET).to_dict("records")}).json()
    known_rows = zip(answer["predictions"], asked[TARGET], strict=True)
    assert sum(each["prediction"] == cultivar for each, cultivar in known_rows) >= len(asked) - 2
