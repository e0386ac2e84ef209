"""CANDIDATE: a version beside the current one, until it is promoted or withdrawn."""

from pathlib import Path

import pytest

from model_repository import (
    Damaged,
    NotPublished,
    PublishFailed,
    candidate_version,
    current_version,
    propose,
    prune,
    publish,
    use,
    versions,
    withdraw,
)
from model_repository.cli import main
from tests.factories import NAME, manifest, publish_versions

NEW = b"the bytes of a new model"


def state(root: Path) -> tuple[int, int | None]:
    return current_version(root, NAME), candidate_version(root, NAME)


def test_a_candidate_leaves_the_current_version_alone(tmp_path: Path) -> None:
    publish_versions(tmp_path, 1)

    assert publish(tmp_path, manifest(onnx=NEW), NEW, candidate=True) == 2
    assert state(tmp_path) == (1, 2)


def test_the_first_version_is_current_even_as_a_candidate(tmp_path: Path) -> None:
    publish(tmp_path, manifest(onnx=NEW), NEW, candidate=True)

    assert state(tmp_path) == (1, None)


def test_using_a_candidate_makes_it_one_no_longer(tmp_path: Path) -> None:
    publish_versions(tmp_path, 3)
    propose(tmp_path, NAME, 2)

    use(tmp_path, NAME, 1)
    assert state(tmp_path) == (1, 2)
    use(tmp_path, NAME, 2)
    assert state(tmp_path) == (2, None)
    assert not (tmp_path / NAME / "CANDIDATE").exists()


def test_what_is_current_or_not_there_cannot_be_the_candidate(tmp_path: Path) -> None:
    publish_versions(tmp_path, 2)

    with pytest.raises(PublishFailed, match="it is current"):
        propose(tmp_path, NAME, 2)
    with pytest.raises(NotPublished, match="has no version 3"):
        propose(tmp_path, NAME, 3)
    assert state(tmp_path) == (2, None)


def test_a_candidate_is_withdrawn_also_when_nobody_can_read_which_it_was(tmp_path: Path) -> None:
    publish_versions(tmp_path, 2)
    assert withdraw(tmp_path, NAME) is None

    propose(tmp_path, NAME, 1)
    assert withdraw(tmp_path, NAME) == 1
    (tmp_path / NAME / "CANDIDATE").write_text("junk")
    with pytest.raises(Damaged, match="CANDIDATE of forest"):
        candidate_version(tmp_path, NAME)
    assert withdraw(tmp_path, NAME) is None
    assert state(tmp_path) == (2, None)


def test_pruning_keeps_the_candidate(tmp_path: Path) -> None:
    publish_versions(tmp_path, 5)
    propose(tmp_path, NAME, 2)

    assert prune(tmp_path, NAME, keep=1) == [1, 3, 4]
    assert versions(tmp_path, NAME) == [2, 5]


def test_the_command_sets_shows_and_withdraws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish_versions(tmp_path, 2)
    models = ["--models", str(tmp_path)]

    assert main([*models, "candidate", NAME, "1"]) == 0
    assert main([*models, "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{NAME}: version 1 is the candidate; copse-models use makes it current"
    assert [line[0] for line in lines[2:]] == ["?", "*"]

    assert main([*models, "candidate", NAME, "--none"]) == 0
    assert capsys.readouterr().out == f"{NAME}: version 1 is no candidate any more\n"
    assert main([*models, "candidate", NAME]) == 1
    assert "name a version, or --none" in capsys.readouterr().err
