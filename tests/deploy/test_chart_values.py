"""Values: what is refused and how, what a Job's name depends on, and releases that live side by side."""

import pytest

from tests.charts import Refused, Thing, of_kind, only, render

pytestmark = pytest.mark.helm

MISTYPED = {
    "serve.replica=3": "at '/serve': additional properties 'replica' not allowed",
    "nodeport=3": "at '': additional properties 'nodeport' not allowed",
    "service.port=http": "at '/service/port': got string, want integer",
    "train.trees=50": "at '/train': additional properties 'trees' not allowed",
    "train.args=--force": "at '/train/args': got string, want array",
    "train.data.path=/data": "at '/train/data': additional properties 'path' not allowed",
    "train.data.configMap=Not A Name": "at '/train/data/configMap': 'Not A Name' does not match pattern",
    "serve.image.digest=sha256:12": "at '/serve/image/digest': 'sha256:12' does not match pattern",
    "image.pullPolicy=Sometimes": "at '/image/pullPolicy': value must be one of 'IfNotPresent', 'Always', 'Never'",
    "persistence.accessModes={ReadOnlyMany}": "at '/persistence/accessModes/0': value must be one of",
    "serve.tlsSecret=Not A Name": "at '/serve/tlsSecret': 'Not A Name' does not match pattern",
    "serve.tracesEndpoint=collector:4318": "at '/serve/tracesEndpoint': 'collector:4318' does not match pattern",
    "podMonitor.interval=often": "at '/podMonitor/interval': 'often' does not match pattern",
    "prometheusRule.slowSeconds=3": "at '/prometheusRule/slowSeconds': maximum: got 3, want 2",
    "dashboard.label=x": "at '/dashboard': additional properties 'label' not allowed",
    "serve.env.COPSE_MAX_ROWS=9": "at '/serve/env/COPSE_MAX_ROWS': got number, want string",
}
AT_ODDS = {
    "persistence.accessModes={ReadWriteOncePod}": "training and serving pods need the volume at the same time",
    "train.enabled=false": "leave the volume empty for ever: set persistence.existingClaim",
    "service.nodePort=30080": "service.nodePort needs service.type=NodePort, not ClusterIP",
    "autoscaling.enabled=true,autoscaling.minReplicas=9": "minReplicas must not be above autoscaling.maxReplicas",
    "autoscaling.enabled=true,serve.resources.requests.cpu=null": "autoscaling.enabled needs serve.resources.requests",
    "ingress.enabled=true": "ingress.enabled needs ingress.host",
    "httpRoute.enabled=true": "httpRoute.enabled needs httpRoute.parentRefs",
    "serviceMonitor.enabled=true,podMonitor.enabled=true": "every pod would be read, and counted, twice",
    "serve.image.tag=latest": "serve.image.tag must not be latest",
    "train.image.tag=latest": "train.image.tag must not be latest",
    "serve.env.PORT=http": "settings of the server, whose names begin with COPSE_ or OTEL_, not PORT",
    "serve.env.COPSE_PORT=http": "serve.env must not hold COPSE_PORT: the chart sets it",
    "serve.env.COPSE_TOKENS_FILE=/x": "serve.env must not hold COPSE_TOKENS_FILE: the chart sets it",
    "serve.env.COPSE_LOG_LEVEL=debug": "serve.env must not hold COPSE_LOG_LEVEL: the chart sets it",
    "serve.env.COPSE_LOG_LEVEL_FILE=/x": "serve.env must not hold COPSE_LOG_LEVEL_FILE: the chart sets it",
    "serve.env.OTEL_SERVICE_NAME=x": "serve.env must not hold OTEL_SERVICE_NAME: the chart sets it",
    "serve.tracesEndpoint=http://a,networkPolicy.enabled=true": "needs networkPolicy.serveEgress while networkPolicy",
    "serve.env.COPSE_TLS_KEY=/x": "serve.env must not hold COPSE_TLS_KEY: the chart sets it",
    "serve.env.COPSE_THREADS=two": "serve.env must not hold COPSE_THREADS while serve.resources.limits.cpu is set",
    "train.data.configMap=a,train.data.secret=b": "train.data.configMap and train.data.secret cannot be used at once",
    "train.data.secret=b": "train.args names nothing there: add --data=/data/FILE",
    "train.data.secret=b,train.args={--data=/database/rows.csv}": "add --data=/data/FILE",
    "train.data.existingClaim=copse-models,train.args={--data=/data}": "must not be the claim of the models",
    "train.args={--name,wine}": "must not hold --name: model.name is the name",
    "train.args={--models=/tmp}": "must not hold --models: model.name is the name, and /models the folder",
    "retrain.extraArgs={--name=wine}": "must not hold --name",
    r"podLabels.app\.kubernetes\.io/name=x": "podLabels must not hold app.kubernetes.io/name",
}


def name_of_job(*arguments: str) -> str:
    name: str = only(render(*arguments), "Job")["metadata"]["name"]
    return name


@pytest.mark.parametrize(("value", "sentence"), MISTYPED.items(), ids=MISTYPED)
def test_a_mistyped_value_is_refused_with_its_place_and_what_was_expected(value: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        render("--set", value)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(("values", "sentence"), AT_ODDS.items(), ids=AT_ODDS)
def test_values_that_cannot_work_together_are_refused_with_one_sentence(values: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        render("--set", values)

    assert sentence in str(refused.value)


def test_an_upgrade_that_changes_nothing_about_training_keeps_the_job() -> None:
    unchanged = name_of_job()

    assert name_of_job("--set", "serve.replicas=5") == unchanged
    assert name_of_job("--set", "serve.image.tag=1.2.3") == unchanged
    assert name_of_job("--set", "serve.tokensSecret=clients,serve.tlsSecret=certificate") == unchanged
    assert name_of_job("--set", "train.ttlSecondsAfterFinished=60") == unchanged


@pytest.mark.parametrize(
    "change",
    [
        "train.args={--seed=7}",
        "train.image.tag=1.2.3",
        "train.codeConfigMap=estimators",
        "train.data.revision=2",
        "model.name=other",
        "train.resources.limits.memory=2Gi",
        "podLabels.team=forest",
        "persistence.existingClaim=other",
    ],
)
def test_an_upgrade_that_changes_an_input_of_training_makes_another_job(change: str) -> None:
    assert name_of_job("--set", change) != name_of_job()


def test_two_releases_in_one_namespace_share_no_name_and_no_pod() -> None:
    first, second = render(), render(release="second")

    assert not names(first) & names(second)
    one, other = (only(things, "Service")["spec"]["selector"] for things in (first, second))
    assert one != other
    assert only(second, "Service")["metadata"]["name"] == "second-copse"


def names(things: list[Thing]) -> set[tuple[str, str]]:
    return {(thing["kind"], thing["metadata"]["name"]) for thing in things}


def test_a_release_whose_name_holds_the_charts_is_called_as_it_is() -> None:
    assert only(render(release="my-copse"), "Service")["metadata"]["name"] == "my-copse"


@pytest.mark.parametrize(
    ("release", "override"), [("r" * 53, ""), ("copse" + "r" * 48, ""), ("copse", "f" * 60)], ids=["two", "one", "own"]
)
def test_the_longest_names_still_give_names_that_fit(release: str, override: str) -> None:
    things = render("--set", f"retrain.enabled=true,fullnameOverride={override}", release=release)

    assert len(only(things, "CronJob")["metadata"]["name"]) <= 52
    assert max(len(name) for _, name in names(things)) <= 63


def test_an_existing_claim_is_used_and_none_is_made() -> None:
    things = render("--set", "persistence.existingClaim=theirs,train.enabled=false")
    volume, _ = only(things, "Deployment")["spec"]["template"]["spec"]["volumes"]

    assert volume["persistentVolumeClaim"]["claimName"] == "theirs"
    assert not of_kind(things, "PersistentVolumeClaim")
    assert not of_kind(things, "Job")


def test_the_claim_stays_after_an_uninstall_unless_told_otherwise() -> None:
    kept = only(render(), "PersistentVolumeClaim")["metadata"]
    dropped = only(render("--set", "persistence.keep=false"), "PersistentVolumeClaim")["metadata"]

    assert kept["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in dropped


def test_the_chart_can_be_part_of_another() -> None:
    assert render("--set", "global.anything=1") == render()
