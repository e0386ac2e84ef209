"""The container engine, for tests that build and run images. What they make, they remove, by its own name."""

import json
import subprocess
import time
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.programs import ROOT, missing, program

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
TRAIN = f"copse-train:{VERSION}"
SERVE = f"copse-serve:{VERSION}"
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
PYTHON = "/opt/conda/bin/python"
DEADLINE_SECONDS = 900.0


def docker(*arguments: str, check: bool = True, environment: dict[str, str] | None = None, text: str = "") -> str:
    """Run the docker command line in the project's root; return all that it wrote."""
    found = subprocess.run(
        [program("docker"), *arguments],
        cwd=ROOT,
        env=environment,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert found.returncode == 0 or not check, f"docker {' '.join(arguments)}: {found.stdout}"
    return found.stdout


def need_images() -> None:
    """Skip, or fail in CI, where no engine answers or the images are not built."""
    if "Server" not in docker("version", check=False):
        missing("no container engine answers")
    for image in (TRAIN, SERVE):
        if "Error" in docker("image", "inspect", "--format", "{{.Id}}", image, check=False):
            missing(f"{image} is not built; make images does it")


def inspect(name: str, field: str) -> Any:
    """Return a field of an image or container: Config.Labels."""
    return json.loads(docker("inspect", "--format", f"{{{{json .{field}}}}}", name))


def unique(purpose: str) -> str:
    """Return a name that nothing else has."""
    return f"copse-test-{purpose}-{uuid.uuid4().hex[:12]}"


@contextmanager
def volume() -> Iterator[str]:
    """Make an empty named volume."""
    name = unique("volume")
    docker("volume", "create", name)
    try:
        yield name
    finally:
        docker("volume", "rm", name)


@contextmanager
def container(*arguments: str) -> Iterator[str]:
    """Start a container in the background."""
    name = unique("container")
    docker("run", "--detach", "--name", name, *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def logs(name: str) -> str:
    """Return what a container has written."""
    return docker("logs", name)


def address(name: str) -> str:
    """Return where a container's port 8000 is reached."""
    return "http://" + docker("port", name, "8000/tcp").splitlines()[0]


def stop(name: str) -> tuple[float, int]:
    """Stop a container as docker stop does; return the seconds that took and the exit code."""
    begun = time.perf_counter()
    docker("stop", name)
    return time.perf_counter() - begun, int(inspect(name, "State.ExitCode"))


def scratch_dockerfile(folder: Path) -> str:
    """Build an image of nothing but a folder as its .dockerignore lets it through; return its id."""
    recipe = "FROM scratch\nCOPY . /context\n"
    (folder / "Dockerfile.context").write_text(recipe)
    return docker("build", "--quiet", "--file", str(folder / "Dockerfile.context"), str(folder)).split()[-1]
