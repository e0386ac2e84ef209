"""python scripts/image_sizes.py IMAGE...: how large an image is, its own layers, and their ten largest parts."""

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

LARGEST = 10
PARTS = (
    (re.compile(r"opt/conda/lib/python3[^/]*/site-packages/([^/]+)"), "package {}"),
    (re.compile(r"opt/conda/lib/python3[^/]*/(.)"), "Python's standard library"),
    (re.compile(r"opt/conda/(?:lib/)?([^/]+)"), "conda: {}"),
    (re.compile(r"opt/copse/([^/]+)"), "copse: {}"),
)


class Entry(NamedTuple):
    """A file, folder or link in an image's own layers."""

    path: str
    size: int
    mode: int
    owner: int
    group: int
    folder: bool
    link: bool


def own_entries(image: str) -> list[Entry]:
    """Return all that an image adds to its base: what the COPY lines of its last stage brought."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "image.tar")
        docker("image", "save", "--output", str(saved), image)
        with tarfile.open(saved) as archive:
            (description,) = json.loads(_member(archive, "manifest.json"))
            config = json.loads(_member(archive, description["Config"]))
            return [
                entry for layer in description["Layers"][-_own_layers(config) :] for entry in _entries(archive, layer)
            ]


def docker(*arguments: str) -> str:
    """Run the docker command line; return what it wrote."""
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S607


def part(path: str) -> str:
    """Return the name of the part that a path belongs to."""
    for pattern, name in PARTS:
        if found := pattern.match(path):
            return name.format(found[1])
    return path


def _own_layers(config: dict[str, Any]) -> int:
    """Return how many layers come from COPY after the last layer that came otherwise, which is the base's."""
    makers = [step.get("created_by", "") for step in config["history"] if not step.get("empty_layer")]
    own = 0
    for maker in reversed(makers):
        if not re.search(r"\bCOPY\b", maker):
            break
        own += 1
    return own


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file of the image")
    return file.read()


def _entries(archive: tarfile.TarFile, layer: str) -> list[Entry]:
    with tarfile.open(fileobj=archive.extractfile(layer)) as content:
        return [
            Entry(
                *(member.name.removeprefix("./"), member.size, member.mode, member.uid, member.gid),
                folder=member.isdir(),
                link=member.issym(),
            )
            for member in content
        ]


def report(image: str) -> str:
    """Return sizes as text: the image, its own layers, their largest parts."""
    entries = own_entries(image)
    whole = int(docker("image", "inspect", "--format", "{{.Size}}", image))
    sizes: Counter[str] = Counter()
    for entry in entries:
        sizes[part(entry.path)] += entry.size
    own = sum(sizes.values())
    lines = [f"{image}: {whole / 1e6:.0f} MB, of which its own layers {own / 1e6:.0f} MB"]
    lines += [f"{size / 1e6:8.1f} MB  {name}" for name, size in sizes.most_common(LARGEST)]
    return "\n".join(lines)


if __name__ == "__main__":
    for named in sys.argv[1:]:
        print(report(named))
