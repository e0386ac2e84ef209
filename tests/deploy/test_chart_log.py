"""The log level in the chart: in a ConfigMap that running pods read, so that a change replaces none of them."""

from pathlib import PurePosixPath

import pytest

from serve.settings import LOG_LEVELS
from tests.charts import Refused, Thing, of_kind, only, render

pytestmark = pytest.mark.helm


def config_map(things: list[Thing]) -> Thing:
    (found,) = [thing for thing in of_kind(things, "ConfigMap") if thing["metadata"]["name"] == "copse-log"]
    return found


def test_the_pods_read_the_level_from_the_folder_of_its_config_map() -> None:
    things = render()
    pod = only(things, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    file = PurePosixPath(variables["COPSE_LOG_LEVEL_FILE"])
    (volume,) = [volume for volume in pod["volumes"] if volume.get("configMap")]

    assert volume["configMap"] == {"name": config_map(things)["metadata"]["name"]}
    assert {"name": volume["name"], "mountPath": str(file.parent), "readOnly": True} in container["volumeMounts"]
    assert config_map(things)["data"] == {file.name: "info"}
    assert "COPSE_LOG_LEVEL" not in variables


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_another_level_changes_the_config_map_alone(level: str) -> None:
    before, after = render(), render("--set", f"serve.logLevel={level}")

    assert config_map(after)["data"] == {"level": level}
    before.remove(config_map(before))
    after.remove(config_map(after))
    assert before == after


def test_a_level_that_the_server_does_not_know_is_refused() -> None:
    with pytest.raises(Refused, match="/serve/logLevel"):
        render("--set", "serve.logLevel=loud")
