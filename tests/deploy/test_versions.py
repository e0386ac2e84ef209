"""One version and one set of ranges: pyproject.toml says them, and every other file is held to it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DOCKERFILES = ["Dockerfile.train", "Dockerfile.serve"]
IMAGES = ["copse-train", "copse-serve"]
ENVIRONMENTS = {
    "environment.yml": ["train", "serve", "grpc", "traces", "dev"],
    "environments/train.yml": ["train"],
    "environments/serve.yml": ["serve", "grpc", "traces"],
}
CONDA_FORGE_NAMES = {
    "prometheus-client": "prometheus_client"
}  # where conda-forge calls a package otherwise than the Python index does
NOT_PYTHON_PACKAGES = {"make", "pip", "python"}
TRAINING_ONLY = {"joblib", "onnx", "pandas", "pyarrow", "scikit-learn", "scipy", "skl2onnx", "skops", "tqdm"}


def declared(extras: list[str]) -> dict[str, SpecifierSet]:
    """Return what pyproject.toml asks for, under conda-forge's names."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    wanted = [Requirement(line) for line in lines]
    return {CONDA_FORGE_NAMES.get(each.name, each.name): each.specifier for each in wanted}


def environment(name: str) -> dict[str, SpecifierSet]:
    """Return what an environment file asks for."""
    entries = re.findall(r"^  - ([a-z0-9_-]+)(?: ([<>=!~0-9., ]+))?$", (ROOT / name).read_text(), re.MULTILINE)
    return {
        package: SpecifierSet(ranges) for package, ranges in entries if package not in ("conda-forge", "nodefaults")
    }


def pins(name: str) -> list[Requirement]:
    """Return the exact versions in a requirements file."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if "==" in line and not line.startswith((" ", "#"))]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_file_names_what_pyproject_names_in_the_same_ranges(name: str) -> None:
    packages = {package: ranges for package, ranges in environment(name).items() if package not in NOT_PYTHON_PACKAGES}

    assert packages == declared(ENVIRONMENTS[name])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_file_takes_its_packages_from_conda_forge_alone(name: str) -> None:
    text = (ROOT / name).read_text()
    dependencies = text.partition("\ndependencies:\n")[2].splitlines()

    assert "\nchannels:\n  - conda-forge\n  - nodefaults\ndependencies:\n" in text
    assert len(dependencies) == len(environment(name))  # every line was read: no pip section, no address


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_files_python_begins_where_pyproject_begins(name: str) -> None:
    floor = PROJECT["requires-python"]
    python = environment(name)["python"]

    assert floor in {str(part) for part in python}
    assert python == environment("environment.yml")["python"]


def test_the_serving_environment_has_nothing_that_only_training_needs() -> None:
    assert not TRAINING_ONLY & set(environment("environments/serve.yml"))
    assert not TRAINING_ONLY & {pin.name for pin in pins("serve")}


@pytest.mark.parametrize("extra", ["train", "serve", "dev"])
def test_a_pinned_version_lies_in_the_range_that_pyproject_gives(extra: str) -> None:
    extras = [extra] if extra != "dev" else ["train", "serve", "dev"]
    wanted = {name: ranges for name, ranges in declared(extras).items() if name not in NOT_PYTHON_PACKAGES}
    pinned = [(CONDA_FORGE_NAMES.get(pin.name, pin.name), pin) for pin in pins(extra)]

    assert set(wanted) <= {name for name, _ in pinned}
    for name, pin in pinned:
        (exact,) = pin.specifier
        assert Version(exact.version) in wanted.get(name, SpecifierSet())


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_built_with_the_projects_version(name: str) -> None:
    text = (ROOT / name).read_text()

    assert re.findall(r"^ARG VERSION=(.*)$", text, re.MULTILINE) == [PROJECT["version"]]
    assert 'org.opencontainers.image.version="${VERSION}"' in text


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_tagged_with_the_projects_version_wherever_it_is_named(image: str) -> None:
    named = re.findall(
        rf"{image}:([\w.]+)", "".join((ROOT / name).read_text() for name in ["compose.yaml", *DOCKERFILES])
    )

    assert named
    assert set(named) == {PROJECT["version"]}


def test_both_images_begin_with_the_same_pinned_bases() -> None:
    bases = [re.findall(r"^FROM (\S+:\S+)", (ROOT / name).read_text(), re.MULTILINE) for name in DOCKERFILES]

    assert bases[0] == bases[1]
    assert len(bases[0]) == 2
    assert all(not base.endswith(":latest") for base in bases[0])


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_builds_without_a_frontend_that_must_be_downloaded(name: str) -> None:
    assert "syntax=" not in (ROOT / name).read_text()
    assert "RUN --mount" not in (ROOT / name).read_text()


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_copied_into_an_image_is_its_own_package_and_the_repositorys(image: str) -> None:
    purpose = image.removeprefix("copse-")
    text = (ROOT / f"Dockerfile.{purpose}").read_text()
    sources = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)

    shared = {f"environments/{purpose}.yml", "scripts/slim_prefix.py", "model_repository", purpose}
    assert set(sources) == shared | ({"requirements/docs.txt"} if purpose == "serve" else set())
