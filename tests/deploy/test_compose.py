"""compose.yaml as people use it: train, serve, ask, stop."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.engine import docker, inspect, unique
from tests.examples import BENIGN, MALIGNANT
from tests.programs import newman, program
from tests.servers import eventually
from tests.wine import TARGET, wine

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images")]


class Project:
    """A Compose project of its own name, from the real compose.yaml."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = unique("compose")
        self._environment = monkeypatch

    def on_port(self, port: str) -> None:
        """Choose the port on this machine; 0 takes a free one."""
        self._environment.setenv("PORT", port)

    def on_data(self, folder: Path, arguments: str) -> None:
        """Choose a folder of data and the arguments of copse-train."""
        self._environment.setenv("DATA", str(folder))
        self._environment.setenv("TRAIN_ARGS", arguments)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose."""
        return docker("compose", "--project-name", self.name, "--profile", "*", *arguments, check=check)

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).split()[0]

    def address(self) -> str:
        """Return where the api is reached."""
        return "http://" + self.compose("port", "api", "8000").strip()

    def is_healthy(self) -> bool:
        """Return what the engine's health check found."""
        return bool(inspect(self.container("api"), "State.Health.Status") == "healthy")


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project on a free port; containers, network and volume are removed afterwards."""
    made = Project(monkeypatch)
    made.on_port("0")
    yield made
    made.compose("down", "--volumes", "--timeout", "2")


def curl(*arguments: str) -> Any:
    found = subprocess.run([program("curl"), "--silent", "--fail", *arguments], check=True, capture_output=True)
    return json.loads(found.stdout)


def predict(address: str, row: list[float]) -> Any:
    body = json.dumps({"features": row})
    return curl("-H", "content-type: application/json", "--data", body, f"{address}/predict")


def test_train_serve_ask_and_clean_up_as_the_readme_says(project: Project) -> None:
    project.on_port("5000")
    address = "http://localhost:5000"

    assert "breast-cancer version 1 is current" in project.compose("run", "--rm", "trainer")
    assert "nothing new: version 1" in project.compose("run", "--rm", "trainer")
    project.compose("up", "-d", "api")
    eventually(project.is_healthy, lambda: project.compose("logs"))

    assert curl(f"{address}/")["dataset"]["rows"] == 569
    benign, malignant = predict(address, BENIGN), predict(address, MALIGNANT)
    assert (benign["prediction"], [round(each, 2) for each in benign["probabilities"]]) == (1, [0.01, 0.99])
    assert (malignant["prediction"], [round(each, 2) for each in malignant["probabilities"]]) == (0, [0.96, 0.04])
    asked = newman(address)
    assert asked.returncode == 0, asked.stdout
    assert re.search(r"assertions │ +\d\d+ │ +0 │", asked.stdout), asked.stdout

    assert "| " not in project.compose("run", "--rm", "models", "use", "breast-cancer", "1")
    assert re.search(r"\* +breast-cancer +1 ", project.compose("run", "--rm", "models"))
    project.compose("down", "-v")
    assert project.name not in docker("ps", "--all") + docker("volume", "ls") + docker("network", "ls")


def test_a_trainer_killed_half_way_leaves_the_api_serving(project: Project) -> None:
    project.compose("up", "-d", "api")
    eventually(project.is_healthy, lambda: project.compose("logs"))
    address = project.address()
    before = httpx.post(f"{address}/predict", json={"features": BENIGN}).json()

    trainer = unique("trainer")
    project.compose("run", "-d", "--name", trainer, "trainer", "--force", "--trees", "3000")
    eventually(lambda: "fit " in docker("logs", trainer), lambda: docker("logs", trainer))
    docker("kill", "--signal", "KILL", trainer)
    docker("wait", trainer)
    assert "publish" not in docker("logs", trainer)
    docker("rm", trainer)

    assert httpx.get(f"{address}/readyz").status_code == httpx.codes.OK
    assert httpx.post(f"{address}/predict", json={"features": BENIGN}).json() == before
    assert len(re.findall("breast-cancer", project.compose("run", "--rm", "models"))) == 1


def test_the_api_begins_to_serve_a_new_version_by_itself(project: Project) -> None:
    project.compose("up", "-d", "api")
    eventually(project.is_healthy, lambda: project.compose("logs"))
    address = project.address()
    assert curl(f"{address}/")["version"] == 1

    project.compose("run", "--rm", "trainer", "--trees", "20")

    eventually(lambda: curl(f"{address}/")["version"] == 2, lambda: project.compose("logs"))


def test_a_file_of_ones_own_is_trained_on_and_served(project: Project, data_folder: Path) -> None:
    table = wine().rename(columns={TARGET: "the cultivar"})
    table.to_csv(data_folder / "wine.csv", index=False)
    project.on_data(data_folder, '--data /data/wine.csv --target "the cultivar" --estimator extra-trees')

    project.compose("up", "-d", "api")
    eventually(project.is_healthy, lambda: project.compose("logs"))

    address = project.address()
    rows, labels = table.drop(columns="the cultivar").to_dict("records"), list(table["the cultivar"])
    answers = httpx.post(f"{address}/predict", json={"instances": rows}).json()["predictions"]
    assert curl(f"{address}/")["model"] == "wine"
    assert sum(answer["prediction"] == label for answer, label in zip(answers, labels, strict=True)) > 170
    assert "nothing new: version 1 of wine" in project.compose("run", "--rm", "trainer")
    assert list(data_folder.iterdir()) == [data_folder / "wine.csv"]


def test_a_folder_that_is_not_there_is_refused_and_not_made(project: Project, tmp_path: Path) -> None:
    project.on_data(tmp_path / "missing", "--data /data/wine.csv --target cultivar")

    assert "bind source path does not exist" in project.compose("run", "--rm", "trainer", check=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("service", ["trainer", "api", "models"])
def test_a_service_is_read_only_without_capabilities_and_with_a_memory_limit(project: Project, service: str) -> None:
    defined = json.loads(project.compose("config", "--format", "json"))["services"][service]

    assert defined["read_only"] is True
    assert defined["cap_drop"] == ["ALL"]
    assert defined["security_opt"] == ["no-new-privileges:true"]
    assert int(defined["mem_limit"]) > 0
    assert not {"privileged", "cap_add", "user", "pid", "ipc"} & set(defined)


def test_the_api_alone_is_on_a_network_and_on_this_machine_only(project: Project) -> None:
    services = json.loads(project.compose("config", "--format", "json"))["services"]

    assert services["trainer"]["network_mode"] == services["models"]["network_mode"] == "none"
    assert set(services["api"]["networks"]) == {"copse"}
    assert [port["host_ip"] for port in services["api"]["ports"]] == ["127.0.0.1"]
    assert services["api"]["volumes"][0]["read_only"] is True


def test_the_api_is_on_port_5000_unless_another_is_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT")

    services = json.loads(project.compose("config", "--format", "json"))["services"]

    assert services["api"]["ports"][0]["published"] == "5000"


def test_the_health_check_is_the_images(project: Project) -> None:
    services = json.loads(project.compose("config", "--format", "json"))["services"]
    image = services["api"]["image"]

    assert services["api"]["healthcheck"]["test"] == inspect(image, "Config.Healthcheck")["Test"]
