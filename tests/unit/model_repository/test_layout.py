"""Names and places: what counts as a model, a version and a CURRENT."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_repository import Damaged, InvalidName, NotPublished, current_version, models, read_manifest, versions
from model_repository.layout import model_folder, version_folder
from tests.factories import NAME, publish_versions

ROOT = Path("/srv/models")
OUTSIDE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "a\0b",
    ".hidden",
    "a.",
    "-a",
    "A",
    "ä",
    "a\n",
    "a b",
    "a" * 64,
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_could_reach_outside_or_hide_is_refused(name: str) -> None:
    with pytest.raises(InvalidName, match="1 to 63 lower-case letters"):
        model_folder(ROOT, name)


@given(st.text(max_size=70))
@example("a..b")
@example("x" * 63)
def test_every_accepted_name_is_a_folder_directly_below_the_root(name: str) -> None:
    try:
        folder = model_folder(ROOT, name)
    except InvalidName:
        return
    assert folder.resolve().parent == ROOT.resolve()
    assert not folder.name.startswith(".")


def test_models_are_the_folders_with_a_models_name(tmp_path: Path) -> None:
    for name in ("b-2", "a.1", "lost+found", ".snapshots", "Upper"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert models(tmp_path) == ["a.1", "b-2"]


def test_a_repository_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert models(tmp_path / "none") == []
    assert versions(tmp_path / "none", NAME) == []


def test_versions_are_ordered_as_numbers_and_other_names_are_ignored(tmp_path: Path) -> None:
    for name in ("10", "9", "1", "01", "0", "1a", "-1", "+1", "1.0", " 1", "\u0661", ".draft-1", "1234567890"):
        (tmp_path / NAME / name).mkdir(parents=True)
    (tmp_path / NAME / "11").touch()
    assert versions(tmp_path, NAME) == [1, 9, 10]


@pytest.mark.parametrize("number", [0, -1, 10**9])
def test_a_number_that_no_version_has_is_not_published_even_if_a_folder_is_called_so(
    tmp_path: Path, number: int
) -> None:
    publish_versions(tmp_path, 1)
    (tmp_path / NAME / "1").rename(tmp_path / NAME / str(number))
    with pytest.raises(NotPublished, match=f"forest has no version {number}"):
        version_folder(tmp_path, NAME, number)
    with pytest.raises(NotPublished):
        read_manifest(tmp_path, NAME, number)


@pytest.mark.parametrize("content", ["7\n", "7", "7\r\n", " 7 \n"])
def test_current_is_a_number_as_a_person_would_write_it_too(tmp_path: Path, content: str) -> None:
    _write_current(tmp_path, content.encode())
    assert current_version(tmp_path, NAME) == 7


JUNK = [b"", b"\n", b"0", b"01", b"-1", b"1.0", b"one", b"1 2", b"1\n2\n", b"\xff\xfe1", b"1\0", b"9" * 10]


@pytest.mark.parametrize("content", [*JUNK, b"1" + b" " * 100 + b"junk", "\uff11".encode()])
def test_current_with_anything_else_is_damaged(tmp_path: Path, content: bytes) -> None:
    _write_current(tmp_path, content)
    with pytest.raises(Damaged, match="CURRENT of forest does not hold a version's number"):
        current_version(tmp_path, NAME)


def test_current_that_is_a_folder_is_damaged(tmp_path: Path) -> None:
    (tmp_path / NAME / "CURRENT").mkdir(parents=True)
    with pytest.raises(Damaged, match="does not hold a version's number"):
        current_version(tmp_path, NAME)


def test_without_current_nothing_is_published(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in (NAME, "file"):
        with pytest.raises(NotPublished, match=f"no version of {name} is published yet"):
            current_version(tmp_path, name)


def _write_current(root: Path, content: bytes) -> None:
    (root / NAME).mkdir()
    (root / NAME / "CURRENT").write_bytes(content)
