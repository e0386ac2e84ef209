"""Deployment, Jobs, Service and what goes with them: they find each other, and nothing is lost when they change."""

from pathlib import Path

import pytest

from tests.charts import (
    CASES,
    MANIFESTS,
    Thing,
    manifests,
    of_kind,
    only,
    pod_templates,
    render_case,
    selects,
    service,
)


@pytest.fixture(
    scope="module",
    params=[*(pytest.param(case, marks=pytest.mark.helm) for case in CASES), MANIFESTS],
    ids=lambda path: path.name,
)
def things(request: pytest.FixtureRequest) -> list[Thing]:
    path: Path = request.param
    return manifests(path) if path.is_dir() else render_case(path)


@pytest.fixture
def serving(things: list[Thing]) -> Thing:
    return only(things, "Deployment")


def server(serving: Thing) -> Thing:
    found: Thing = serving["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_service_finds_the_serving_pods_and_no_others(things: list[Thing], serving: Thing) -> None:
    selectors = [each["spec"]["selector"] for each in of_kind(things, "Service")]
    labels = selectors[0]

    assert all(each == labels for each in selectors)
    assert [template for template in pod_templates(things) if selects(labels, template)] == [
        serving["spec"]["template"]
    ]


def test_the_services_port_is_one_that_the_server_has(things: list[Thing], serving: Thing) -> None:
    names = [port["name"] for port in server(serving)["ports"]]

    assert [port["targetPort"] for port in service(things)["spec"]["ports"]] == names


def test_the_deployment_finds_its_own_pods_by_labels_that_no_upgrade_changes(serving: Thing) -> None:
    labels = serving["spec"]["selector"]["matchLabels"]

    assert selects(labels, serving["spec"]["template"])
    assert labels.keys() == {f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")}


def test_an_update_never_leaves_fewer_pods_than_wanted(serving: Thing) -> None:
    assert serving["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }


def test_a_pod_has_the_time_that_its_end_takes(serving: Thing) -> None:
    variables = {entry["name"]: entry.get("value") for entry in server(serving)["env"]}
    pause = server(serving).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    takes = pause + int(variables["COPSE_DRAIN_SECONDS"]) + int(variables["COPSE_SHUTDOWN_SECONDS"])

    assert serving["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > takes


def test_liveness_depends_on_no_model_and_readiness_does(serving: Thing) -> None:
    container = server(serving)
    paths = {
        probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }

    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for probe in paths:
        assert container[probe]["httpGet"].keys() - {"scheme"} == {"path", "port"}
        assert container[probe]["httpGet"]["port"] in {port["name"] for port in container["ports"]}


def test_the_server_answers_as_many_large_requests_at_once_as_its_limit_has_cpus(serving: Thing) -> None:
    container = server(serving)
    given = [entry for entry in container["env"] if entry["name"] == "COPSE_THREADS"]
    follows = {"resourceFieldRef": {"containerName": "serve", "resource": "limits.cpu", "divisor": "1"}}

    limited = "cpu" in container["resources"]["limits"]
    assert given == ([{"name": "COPSE_THREADS", "valueFrom": follows}] if limited else [])


def test_only_training_pods_can_write_the_volume(things: list[Thing]) -> None:
    for template in pod_templates(things):
        component = template["metadata"]["labels"]["app.kubernetes.io/component"]
        for container in template["spec"]["containers"]:
            mounts = [mount for mount in container.get("volumeMounts", []) if mount["name"] == "models"]
            assert all(mount["mountPath"] == "/models" and "subPath" not in mount for mount in mounts)
            assert all(mount.get("readOnly", False) for mount in mounts) or component == "train"


def test_the_claim_that_pods_mount_is_made_or_said_to_exist(
    things: list[Thing], request: pytest.FixtureRequest
) -> None:
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for template in pod_templates(things)
        for volume in template["spec"].get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    made = {claim["metadata"]["name"] for claim in of_kind(things, "PersistentVolumeClaim")}

    assert mounted == ({"models"} if request.node.callspec.id == "existing-claim-values.yaml" else made)


def test_pods_are_on_one_node_where_the_volume_is_and_else_wish_to_be_apart(
    things: list[Thing], serving: Thing
) -> None:
    claims = of_kind(things, "PersistentVolumeClaim")
    shared = any("ReadWriteMany" in claim["spec"]["accessModes"] for claim in claims)
    spread = serving["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert [wish["topologyKey"] for wish in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    for wish in spread:
        assert (wish["maxSkew"], wish["whenUnsatisfiable"]) == (1, "ScheduleAnyway")
        assert selects(wish["labelSelector"]["matchLabels"], serving["spec"]["template"])
    for template in pod_templates(things):
        if any(volume["name"] == "models" for volume in template["spec"].get("volumes", [])):
            assert ("affinity" in template["spec"]) is not shared


def test_the_first_pod_on_the_volume_may_go_anywhere(things: list[Thing]) -> None:
    for template in pod_templates(things):
        for term in (
            template["spec"]
            .get("affinity", {})
            .get("podAffinity", {})
            .get("requiredDuringSchedulingIgnoredDuringExecution", [])
        ):
            assert selects(term["labelSelector"]["matchLabels"], template)
            assert (
                template["metadata"]["labels"]["app.kubernetes.io/component"]
                in term["labelSelector"]["matchExpressions"][0]["values"]
            )


def test_finished_jobs_go_away(things: list[Thing]) -> None:
    for job in of_kind(things, "Job"):
        assert job["spec"]["ttlSecondsAfterFinished"] > 0
    for timed in of_kind(things, "CronJob"):
        assert "ttlSecondsAfterFinished" not in timed["spec"]["jobTemplate"]["spec"]
        assert timed["spec"]["successfulJobsHistoryLimit"] == timed["spec"]["failedJobsHistoryLimit"] > 0


def test_a_training_that_cannot_succeed_is_not_tried_again(things: list[Thing]) -> None:
    specs = [job["spec"] for job in of_kind(things, "Job")]
    specs += [timed["spec"]["jobTemplate"]["spec"] for timed in of_kind(things, "CronJob")]

    for spec in specs:
        rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
        assert rules["FailJob"]["onExitCodes"]["values"] == [2, 3]
        assert rules["Ignore"]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
        assert spec["backoffLimit"] > 0
        assert spec["activeDeadlineSeconds"] > 0
        assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_two_trainings_by_the_clock_never_run_at_once(things: list[Thing]) -> None:
    for timed in of_kind(things, "CronJob"):
        assert timed["spec"]["concurrencyPolicy"] == "Forbid"
        assert timed["spec"]["startingDeadlineSeconds"] > 0


def test_names_fit_and_no_two_objects_of_a_kind_share_one(things: list[Thing]) -> None:
    names = [(thing["kind"], thing["metadata"]["name"]) for thing in things]

    assert len(set(names)) == len(names)
    assert all(len(name) <= (52 if kind == "CronJob" else 63) for kind, name in names)
