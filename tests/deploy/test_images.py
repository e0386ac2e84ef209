"""What is in the images, and how they run."""

import os
import re
import shutil
from pathlib import Path

import httpx
import pytest

from scripts.image_sizes import Entry, own_entries, report
from tests.deploy.engine import (
    HARDENED,
    PYTHON,
    SERVE,
    TRAIN,
    VERSION,
    container,
    docker,
    inspect,
    logs,
    scratch_dockerfile,
    stop,
    unique,
    volume,
)
from tests.deploy.engine import address as address_of
from tests.examples import BENIGN
from tests.programs import ROOT
from tests.servers import eventually, ready
from tests.wine import TARGET, wine

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images")]

BOTH = pytest.mark.parametrize("image", [TRAIN, SERVE])
ANY_USER = pytest.mark.parametrize("user", [[], ["--user", "23456"]], ids=["own user", "another user"])
VOLUME_FOLDER = "models"
LARGEST = {TRAIN: 520e6, SERVE: 260e6}
WRITABLE_IN_THE_BASE = {"/tmp", "/var/tmp", "/run/lock"}  # noqa: S108 - compared, not used
KERNEL = ("/proc", "/sys", "/dev")
WALK = """
import os
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = [name for name in folders if "/" + name not in %r]
    for path in [folder, *(os.path.join(folder, name) for name in files)]:
        if os.access(path, os.W_OK) and not os.path.islink(path):
            print(path)
"""

READ = """
import sys, pandas, pyarrow.csv, pyarrow.parquet, skops.io
table = pyarrow.csv.read_csv(sys.argv[1] + ".csv").to_pandas()
same = pyarrow.parquet.ParquetFile(sys.argv[1] + ".parquet").read().to_pandas()
print(table.equals(same), table.equals(pandas.read_csv(sys.argv[1] + ".csv")), len(table))
"""

TRACING = """
import http.server, os, threading, time
from serve.ended import Ended
from serve.traces import traces_from

class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.path, b"POST /predict" in self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
traces = traces_from(os.environ)
traces.ended(Ended("POST", "/predict", 200, time.time(), 0.01, "one", None, None), traces.trace("/predict", None))
traces.close(30)
"""

MINE = """
from sklearn.ensemble import RandomForestClassifier

def make_estimator():
    return RandomForestClassifier(n_estimators=20, min_samples_leaf=3, random_state=7)
"""

FOREIGN = [
    r"site-packages/(joblib|onnx|pandas|pyarrow|scipy|skl2onnx|sklearn|skops|threadpoolctl|tqdm)([./]|\.libs/)",
    r"site-packages/(scikit_learn|scipy|skl2onnx|onnx|joblib|pandas|pyarrow|skops|tqdm)-[^/]*info/",
    r"opt/copse/train/",
]
TOOLS = [
    r"site-packages/(pip|setuptools|wheel|_distutils_hack|pkg_resources)/",
    r"/s?bin/(conda|mamba|micromamba|pip.*|g?cc|ld|as|git|make|curl|wget|sh|bash)$",
    r"/ensurepip/",
    r"(^|/)tests?/",
    r"\.(a|c|h|hpp|la|pxd|pyi|pyx)$",
    r"/__pycache__/[^/]*\.opt-\d",
    r"(^|/)(\.cache|\.git|\.ssh|pkgs)/",
]


def offending(entries: list[Entry], patterns: list[str]) -> list[str]:
    return [entry.path for entry in entries if any(re.search(pattern, entry.path) for pattern in patterns)]


@BOTH
def test_an_image_says_its_version_and_what_it_is(image: str) -> None:
    labels = inspect(image, "Config.Labels")

    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.title"] == image.partition(":")[0]


@BOTH
def test_an_images_user_is_a_number_and_its_first_process_is_python(image: str) -> None:
    assert inspect(image, "Config.User") == "10001:10001"
    assert inspect(image, "Config.Entrypoint")[0] == PYTHON


def test_the_serving_image_has_nothing_that_training_needs(entries: dict[str, list[Entry]]) -> None:
    assert offending(entries[SERVE], FOREIGN) == []
    assert offending(entries[TRAIN], FOREIGN), "the patterns find these things where they are"


@BOTH
def test_an_image_adds_no_compiler_package_manager_test_suite_or_cache(
    image: str, entries: dict[str, list[Entry]]
) -> None:
    assert offending(entries[image], TOOLS) == []


@BOTH
def test_the_only_program_that_an_image_adds_is_python(image: str, entries: dict[str, list[Entry]]) -> None:
    added = [entry.path for entry in entries[image] if re.match(r"(opt/\w+/|usr/|usr/local/)?s?bin/.", entry.path)]

    assert added
    assert all(re.fullmatch(r"opt/conda/bin/python(3(\.\d+)?)?", path) for path in added), added


@BOTH
def test_an_image_adds_files_of_root_that_nobody_else_can_write(image: str, entries: dict[str, list[Entry]]) -> None:
    own = [entry for entry in entries[image] if entry.path.rstrip("/") != VOLUME_FOLDER]

    assert len(own) > 1000
    assert {entry.path.split("/")[0] for entry in own} == {"opt"}
    assert [entry for entry in own if entry.owner or entry.group] == []
    assert [entry for entry in own if entry.mode & 0o6022 and not entry.link] == []


@BOTH
def test_the_volumes_folder_is_the_trainers_and_open_to_group_0(image: str, entries: dict[str, list[Entry]]) -> None:
    (folder,) = [entry for entry in entries[image] if entry.path.rstrip("/") == VOLUME_FOLDER]

    assert (folder.owner, folder.group, folder.mode & 0o7777) == (10001, 0, 0o775)


@BOTH
@ANY_USER
def test_a_user_finds_nothing_to_write_in_an_image_but_what_the_base_leaves_open(image: str, user: list[str]) -> None:
    code = WALK % (KERNEL,)
    found = docker("run", "--rm", *user, "--cap-drop", "ALL", "--entrypoint", PYTHON, image, "-c", code).split()

    assert set(found) <= WRITABLE_IN_THE_BASE | {f"/{VOLUME_FOLDER}"}
    assert docker("run", "--rm", *user, *HARDENED, "--entrypoint", PYTHON, image, "-c", code) == ""


@BOTH
def test_every_module_of_the_project_is_compiled_for_good(image: str, entries: dict[str, list[Entry]]) -> None:
    paths = {entry.path for entry in entries[image]}
    modules = [path for path in paths if path.startswith("opt/copse/") and path.endswith(".py")]

    assert len(modules) > 15
    for module in modules:
        folder, _, name = module.rpartition("/")
        assert any(path.startswith(f"{folder}/__pycache__/{name[:-3]}.cpython-") for path in paths), module


@BOTH
def test_an_images_own_layers_are_small(image: str, entries: dict[str, list[Entry]]) -> None:
    assert sum(entry.size for entry in entries[image]) < LARGEST[image]


def test_the_training_image_reads_csv_and_parquet_files(data_folder: Path) -> None:
    wine().to_csv(data_folder / "wine.csv", index=False)
    wine().to_parquet(data_folder / "wine.parquet", index=False)
    run = ["run", "--rm", *HARDENED, "--volume", f"{data_folder}:/data:ro", "--entrypoint", PYTHON, TRAIN]

    assert docker(*run, "-c", READ, "/data/wine") == "True True 178\n"


def test_sizes_are_reported_with_the_ten_largest_parts() -> None:
    lines = report(SERVE).splitlines()

    assert re.fullmatch(rf"{SERVE}: \d+ MB, of which its own layers \d+ MB", lines[0])
    assert len(lines) == 11
    assert any("package onnxruntime" in line for line in lines)


@ANY_USER
def test_a_model_is_trained_and_served_read_only_without_privileges(user: list[str]) -> None:
    with volume() as models:
        mount = ["--volume", f"{models}:/models"]
        trained = docker("run", "--rm", *user, *HARDENED, "--network", "none", *mount, TRAIN, "--trees", "20")
        assert "breast-cancer version 1 is current" in trained
        with container(*user, *HARDENED, "--publish", "127.0.0.1::8000", *mount, SERVE) as server:
            address = address_of(server)
            eventually(lambda: answers(address), lambda: logs(server))
            answer = httpx.post(f"{address}/predict", json={"features": BENIGN})
            assert answer.status_code == httpx.codes.OK
            assert answer.json()["prediction"] == 1


def test_a_file_of_ones_own_and_an_estimator_of_ones_own_are_trained_on_read_only_without_privileges(
    data_folder: Path,
) -> None:
    wine().to_csv(data_folder / "wine.csv", index=False)
    (data_folder / "mine.py").write_text(MINE)
    mounts = ["--network", "none", "--volume", f"{data_folder}:/data:ro"]
    options = ["--data", "/data/wine.csv", "--target", TARGET]
    with volume() as models:
        run = ["run", "--rm", *HARDENED, *mounts, "--volume", f"{models}:/models", TRAIN, *options]
        assert "wine version 1 is current" in docker(*run, "--estimator", "mine:make_estimator", "--code", "/data")
        searched = docker(*run, "--estimator", "decision-tree", "--search", "max_depth=2,3")
        assert "wine version 2 is current" in searched
        refused = docker(*run[:-1], "no such column", check=False)

    (complaint,) = [line for line in refused.splitlines() if line.startswith("copse-train: ")]
    assert "no such column" in complaint
    assert "Traceback" not in refused


@ANY_USER
def test_docker_stop_ends_an_idle_server_in_under_a_second_with_exit_code_0(user: list[str]) -> None:
    with container(*user, *HARDENED, "--publish", "127.0.0.1::8000", SERVE) as server:
        eventually(lambda: "http://127.0.0.1:8000" in logs(server), lambda: logs(server))
        seconds, code = stop(server)

    assert code == 0
    assert seconds < 1


def test_the_serving_image_can_trace_requests() -> None:
    run = ["run", "--rm", *HARDENED, "--network", "none", "--entrypoint", PYTHON, SERVE]

    assert docker(*run, "-c", TRACING) == "/v1/traces True\n"


def test_docker_stop_ends_a_training_at_once_with_nothing_published() -> None:
    with volume() as models:
        with container(*HARDENED, "--volume", f"{models}:/models", TRAIN, "--trees", "3000") as trainer:
            eventually(lambda: "fit " in logs(trainer), lambda: logs(trainer))
            seconds, code = stop(trainer)
            assert "nothing was published" in logs(trainer)
        listing = ["--entrypoint", PYTHON, TRAIN, "-m", "model_repository.cli", "--models", "/models", "list"]
        assert "nothing is published" in docker("run", "--rm", "--volume", f"{models}:/models", *listing)

    assert code == 130
    assert seconds < 5


def test_the_health_check_tells_a_server_with_a_model_from_one_without() -> None:
    command = inspect(SERVE, "Config.Healthcheck")["Test"][1:]
    with volume() as models, container(*HARDENED, "--volume", f"{models}:/models:ro", SERVE) as server:
        eventually(lambda: "http://127.0.0.1:8000" in logs(server), lambda: logs(server))
        assert "not ready" in docker("exec", server, *command, check=False)
        docker("run", "--rm", "--volume", f"{models}:/models", TRAIN, "--trees", "5")
        eventually(lambda: '"ready":true' in docker("exec", server, *command, check=False), lambda: logs(server))


@BOTH
def test_an_image_builds_without_buildkit_to_the_same_files(image: str, entries: dict[str, list[Entry]]) -> None:
    purpose = "train" if image == TRAIN else "serve"
    tag = unique(purpose)
    environment = os.environ | {"DOCKER_BUILDKIT": "0"}
    docker("build", "--file", f"Dockerfile.{purpose}", "--tag", tag, ".", environment=environment)
    try:
        built = own_entries(tag)
        assert inspect(tag, "Config.Entrypoint") == inspect(image, "Config.Entrypoint")
        assert inspect(tag, "Config.Labels") == inspect(image, "Config.Labels")
    finally:
        docker("rmi", tag)

    assert files(built) == files(entries[image])


def test_only_what_the_builds_copy_is_sent_to_the_builder(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    wanted = ["serve/app.py", "serve/routes/health.py", "train/cli.py", "model_repository/read.py"]
    wanted += ["environments/serve.yml", "scripts/slim_prefix.py"]
    unwanted = [".git/config", ".env", ".venv/bin/python", "models/breast-cancer/1/model.onnx", "data/rows.csv"]
    unwanted += ["train/rows.csv", "train/.env", "serve/__pycache__/app.cpython-311.pyc", "serve/routes/.app.py.swp"]
    unwanted += [
        "train/model.joblib",
        "train/model.pkl",
        "image.tar",
        "docs/page.png",
        "serve/page.svg",
        "serve/app.py~",
    ]
    unwanted += ["tests/test_app.py", "README.md", "scripts/other.py", ".idea/workspace.xml", "train/.vscode/a.json"]
    unwanted += ["serve/app.py~", "serve/.DS_Store", "train/archive.tar.gz"]
    for name in wanted + unwanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    image = scratch_dockerfile(tmp_path)
    try:
        sent = {entry.path.removeprefix("context/") for entry in own_entries(image) if not entry.folder}
    finally:
        docker("rmi", image)

    assert sent == set(wanted)


def files(entries: list[Entry]) -> set[tuple[str, int, int, int]]:
    """Return what must not depend on the builder: paths, modes and owners."""
    return {(entry.path.rstrip("/"), entry.mode & 0o777, entry.owner, entry.group) for entry in entries}


def answers(address: str) -> bool:
    """Return whether a server answers that it is ready; before it listens nobody does."""
    try:
        return ready(address)
    except httpx.TransportError:
        return False
