"""Where things are in a model repository, and what counts as a name.

<root>/<model>/<version>/model.onnx
<root>/<model>/<version>/model.json
<root>/<model>/<version>/explanation.npz   where the model's answers can be explained
<root>/<model>/CURRENT       the version that is served
<root>/<model>/CANDIDATE     a version that is only compared with it, or no such file
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from model_repository.errors import Damaged, InvalidName, NotPublished

ONNX_FILE: Literal["model.onnx"] = "model.onnx"
MANIFEST_FILE = "model.json"
EXPLANATION_FILE: Literal["explanation.npz"] = "explanation.npz"
CURRENT_FILE = "CURRENT"
CANDIDATE_FILE = "CANDIDATE"

_MODEL_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
_VERSION_NAME = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST_POINTER = 64


def model_folder(root: Path, model: str) -> Path:
    """Return the folder of a model, whether or not it exists.

    Raises:
        InvalidName: the name could not be a folder's or would reach outside the repository.

    """
    if not _MODEL_NAME.fullmatch(model):
        raise InvalidName(
            "a model's name has 1 to 63 lower-case letters, digits, dots, dashes or underscores, "
            "and begins and ends with a letter or digit"
        )
    return root / model


def version_folder(root: Path, model: str, version: int) -> Path:
    """Return the folder of a version, whether or not it exists.

    Raises:
        NotPublished: no version can have this number.

    """
    folder = model_folder(root, model)
    if not _VERSION_NAME.fullmatch(str(version)):
        raise NotPublished(f"{model} has no version {version}")
    return folder / str(version)


def models(root: Path) -> list[str]:
    """Return the names of the models in the repository, sorted; none where there is no folder yet."""
    return sorted(name for name in _folders(root) if _MODEL_NAME.fullmatch(name))


def versions(root: Path, model: str) -> list[int]:
    """Return the published versions of a model, oldest first; none where nothing is published."""
    return sorted(int(name) for name in _folders(model_folder(root, model)) if _VERSION_NAME.fullmatch(name))


def current_version(root: Path, model: str) -> int:
    """Return the version that CURRENT names.

    Raises:
        NotPublished: the model has no CURRENT.
        Damaged: CURRENT holds something else than a version's number.

    """
    version = _pointed_at(root, model, CURRENT_FILE)
    if version is None:
        raise NotPublished(f"no version of {model} is published yet")
    return version


def candidate_version(root: Path, model: str) -> int | None:
    """Return the version that CANDIDATE names, or None where there is no candidate.

    One that is current too was promoted a moment ago, by a process that was ended before it could say so.

    Raises:
        Damaged: CANDIDATE holds something else than a version's number.

    """
    return _pointed_at(root, model, CANDIDATE_FILE)


def _pointed_at(root: Path, model: str, pointer: str) -> int | None:
    """Return the version that a file names, or None where there is no such file."""
    path = model_folder(root, model) / pointer
    wrong = Damaged(f"{pointer} of {model} does not hold a version's number")
    if path.exists() and not path.is_file():
        raise wrong
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_POINTER + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        raise wrong from None
    text = content.decode("ascii", "replace").strip()
    if len(content) > _LONGEST_POINTER or not _VERSION_NAME.fullmatch(text):
        raise wrong
    return int(text)


def _folders(parent: Path) -> Iterator[str]:
    try:
        yield from (entry.name for entry in parent.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return
