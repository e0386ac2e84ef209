"""The virtual environments: one for Copse and one for each peer, from pinned requirements with hashes."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.contenders import COPSE
from benchmarks.paths import PEERS, ROOT, WORK

PROGRAMS = Path(sys.executable).parent  # of the environment that `make setup` makes
PACKAGES = ("model_repository", "serve", "train", "pyproject.toml", "README.md")
SECONDS = 600


class CannotInstall(Exception):
    """An environment cannot be made; the text says why."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds what one server needs."""

    folder: Path

    @property
    def programs(self) -> Path:
        """Return the folder of its programs."""
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Return its site-packages."""
        return next(self.folder.glob("lib/python*/site-packages"))

    def size(self) -> int:
        """Return the bytes of all installed files."""
        return sum(file.stat().st_size for file in self.packages.rglob("*") if file.is_file())

    def versions(self) -> dict[str, str]:
        """Return the version of each installed distribution."""
        return {each.name.lower(): each.version for each in distributions(path=[str(self.packages)])}


def environment(name: str) -> Environment:
    """Return an environment by name, made if its requirements have changed; Copse is installed anew each time.

    Raises:
        CannotInstall: it cannot be made.

    """
    requirements = ROOT / "requirements" / "serve.txt" if name == COPSE else PEERS / name / "requirements.txt"
    made = Environment(WORK / "environments" / name)
    stamp = made.folder / "stamp"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"environment {name}: installing into {made.folder.relative_to(ROOT)} (once)", flush=True)
        shutil.rmtree(made.folder, ignore_errors=True)
        _run("venv", "--python", sys.executable, str(made.folder))
        _install(made, "--require-hashes", "--requirements", str(requirements))
        stamp.write_text(wanted)
    if name == COPSE:
        _install(made, "--no-deps", "--reinstall-package", "copse", str(_wheel()))
    return made


def _install(made: Environment, *what: str) -> None:
    _run("pip", "install", "--compile-bytecode", "--python", str(made.programs / "python"), *what)


def _wheel() -> Path:
    """Return a wheel of the working tree, built from a copy so that nothing of an earlier build is in it."""
    source, wheels = WORK / "source", WORK / "wheels"
    for folder in (source, wheels):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    for name in PACKAGES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    _call([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)])
    return next(wheels.glob("*.whl"))


def _run(*arguments: str) -> None:
    _call([str(PROGRAMS / "uv"), *arguments, "--quiet"])


def _call(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"not installed within {SECONDS} seconds") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotInstall(said[-1] if said else f"exit code {done.returncode}")
