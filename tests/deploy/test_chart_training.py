"""Training on one's own data and with one's own estimator: what the chart mounts, and what it hands to copse-train."""

from pathlib import Path

import pytest

from tests.charts import Thing, of_kind, only, pods, render

pytestmark = pytest.mark.helm

DATA = "--data=/data/wine.csv"
SOURCES = {
    "existingClaim": {"persistentVolumeClaim": {"claimName": "wine", "readOnly": True}},
    "configMap": {"configMap": {"name": "wine"}},
    "secret": {"secret": {"secretName": "wine", "defaultMode": 0o440}},
}


def training_pods(things: list[Thing]) -> list[Thing]:
    return pods([*of_kind(things, "Job"), *of_kind(things, "CronJob")])


def mounted(pod: Thing) -> dict[str, Thing]:
    """Return what a pod mounts read-only, by the folder under which it is found."""
    volumes = {volume.pop("name"): volume for volume in [dict(volume) for volume in pod["volumes"]]}
    (container,) = pod["containers"]
    assert all("subPath" not in mount for mount in container["volumeMounts"]), "the kubelet renews no mounted subPath"
    return {
        mount["mountPath"]: volumes[mount["name"]]
        for mount in container["volumeMounts"]
        if mount.get("readOnly", False)
    }


def arguments(*values: str) -> list[str]:
    (container,) = only(render(*values), "Job")["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["args"]
    return found


@pytest.mark.parametrize(("source", "volume"), SOURCES.items(), ids=SOURCES)
def test_data_are_mounted_read_only_in_every_training_pod_and_in_no_other(source: str, volume: Thing) -> None:
    things = render("--set", f"retrain.enabled=true,train.data.{source}=wine,train.args={{{DATA}}}")

    assert [mounted(pod) for pod in training_pods(things)] == [{"/data": volume}] * 2
    (serving,) = pods([only(things, "Deployment")])
    assert [volume["name"] for volume in serving["volumes"]] == ["models", "log"]


def test_nothing_is_mounted_beside_the_models_unless_asked_for() -> None:
    (pod,) = training_pods(render())

    assert mounted(pod) == {}
    assert [volume["name"] for volume in pod["volumes"]] == ["models"]


def test_ones_own_modules_are_mounted_read_only_and_named_to_copse_train() -> None:
    things = render("--set", "train.codeConfigMap=estimators,train.args={--estimator=mine:make}")
    (pod,) = training_pods(things)

    assert mounted(pod) == {"/code": {"configMap": {"name": "estimators"}}}
    assert pod["containers"][0]["args"] == ["--name=breast-cancer", "--code=/code", "--estimator=mine:make"]


def test_arguments_come_to_copse_train_as_they_are_written(tmp_path: Path) -> None:
    written = [
        "--target",
        "price, in €",
        "--param=max_depth=5",
        '--drop="id"',
        "{{ .Release.Name }}",
        "--seed=4294967295",
    ]
    (tmp_path / "values.yaml").write_text(f"train: {{args: {written!r}}}")

    assert arguments("--values", str(tmp_path / "values.yaml")) == ["--name=breast-cancer", *written]


@pytest.mark.parametrize("argument", ["/data", "--data=/data", "--data=/data/wine.csv", "--fitted=/data/wine.skops"])
def test_an_argument_that_names_the_data_is_recognized(argument: str) -> None:
    assert argument in arguments("--set", f"train.data.secret=wine,train.args={{{argument}}}")


def test_the_datas_revision_is_on_the_job_and_not_on_its_pods() -> None:
    job = only(render("--set", "train.data.revision=2026-01"), "Job")
    pod = only(render(), "Job")["spec"]

    assert job["metadata"]["annotations"] == {"data-revision": "2026-01"}
    assert job["spec"] == pod
