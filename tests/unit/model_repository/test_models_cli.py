"""copse-models: what people and scripts get, and one sentence where something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from model_repository import current_version, publish, read_manifest, versions
from model_repository.cli import main
from tests.factories import NAME, ONNX, manifest, publish_versions
from tests.mixed_models import publish_mixed

Output = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with three versions, of which the second is damaged and the third is current."""
    publish_versions(tmp_path, 3)
    (tmp_path / NAME / "2" / "model.json").write_text("{}")
    return tmp_path


def test_list_shows_every_version_its_metrics_and_what_is_wrong_with_it(root: Path, capsys: Output) -> None:
    publish(root, manifest("other"), ONNX)
    assert main(["--models", str(root), "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "version", "estimator", "accuracy", "f1", "created", "problem"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [NAME, "1", "RandomForestClassifier"],
        [NAME, "2", "-"],
        ["*", NAME, "3"],
        ["*", "other", "1"],
    ]
    assert "0.5  0.25  2025-01-01T00:00:00+00:00  -" in lines[1]
    assert lines[2].endswith("the manifest cannot be read: Object missing required field `format`")


def test_list_as_json_holds_the_same(root: Path, capsys: Output) -> None:
    first, second, third = _json(["--models", str(root), "list", NAME, "--json"], capsys)
    assert first == {
        "model": NAME,
        "version": 1,
        "current": False,
        "candidate": False,
        "estimator": "RandomForestClassifier",
        "metrics": {"accuracy": 0.5, "f1": 0.25},
        "created": "2025-01-01T00:00:00+00:00",
        "problem": None,
    }
    assert (second["estimator"], second["metrics"]) == (None, {})
    assert second["problem"].startswith("the manifest cannot be read")
    assert third["current"] is True


def test_show_tells_about_the_current_version_or_the_one_asked_for(root: Path, capsys: Output) -> None:
    assert main(["--models", str(root), "show", NAME]) == 0
    text = capsys.readouterr().out
    for fact in (
        "forest version 3",
        "seven rows, 7 rows, 2 held out",
        "no, yes",
        "0.500",
        "2 rows compared",
        "17 bytes",
    ):
        assert fact in text
    assert main(["--models", str(root), "show", NAME, "1"]) == 0
    assert "forest version 1" in capsys.readouterr().out


def test_show_tells_that_a_regression_has_no_classes(tmp_path: Path, capsys: Output) -> None:
    publish_mixed(tmp_path, "number")
    assert main(["--models", str(tmp_path), "show", "shapes"]) == 0
    assert "none, price is a number" in capsys.readouterr().out


def test_show_as_json_is_the_manifest_and_the_version(root: Path, capsys: Output) -> None:
    shown = _json(["--models", str(root), "show", NAME, "--json"], capsys)
    assert shown.pop("version") == 3
    assert shown == json.loads(read_manifest(root, NAME, 3).encode())


def test_use_rolls_back_and_says_so(root: Path, capsys: Output) -> None:
    assert main(["--models", str(root), "use", NAME, "1"]) == 0
    assert capsys.readouterr().out == "forest: version 1 is current\n"
    assert current_version(root, NAME) == 1


def test_verify_names_what_is_damaged_and_fails(root: Path, capsys: Output) -> None:
    (root / NAME / "3" / "model.onnx").write_bytes(b"model 3 of firest")
    found = _json(["--models", str(root), "verify", "--json"], capsys, status=1)
    assert [(row["version"], row["problem"] and row["problem"][:24]) for row in found] == [
        (1, None),
        (2, "the manifest cannot be r"),
        (3, "model.onnx is not the fi"),
    ]
    assert main(["--models", str(root), "verify", NAME]) == 1
    assert capsys.readouterr().out.splitlines()[1].split() == [NAME, "1", "as", "published"]


def test_verify_succeeds_where_all_is_as_published(tmp_path: Path, capsys: Output) -> None:
    publish_versions(tmp_path, 2)
    (tmp_path / "empty").mkdir()
    assert main(["--models", str(tmp_path), "verify"]) == 0
    assert capsys.readouterr().out.count("as published") == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("7\n", "CURRENT names version 7, which is not published"),
        ("junk", "CURRENT of forest does not hold a version's number"),
        (None, "no version is current"),
    ],
)
def test_verify_names_a_current_that_names_nothing(
    tmp_path: Path, capsys: Output, content: str | None, problem: str
) -> None:
    publish_versions(tmp_path, 1)
    (tmp_path / NAME / "CURRENT").unlink()
    if content:
        (tmp_path / NAME / "CURRENT").write_text(content)
    found = _json(["--models", str(tmp_path), "verify", "--json"], capsys, status=1)
    assert found[-1] == {"model": NAME, "version": None, "problem": problem}
    assert [row["current"] for row in _json(["--models", str(tmp_path), "list", "--json"], capsys)] == [False]


def test_prune_says_what_went(root: Path, capsys: Output) -> None:
    assert _json(["--models", str(root), "prune", NAME, "--keep", "2", "--json"], capsys) == {
        "model": NAME,
        "removed": [1],
    }
    assert main(["--models", str(root), "prune", NAME]) == 0
    assert capsys.readouterr().out == "forest: removed nothing\n"
    assert versions(root, NAME) == [2, 3]


@pytest.mark.parametrize("folder", ["empty", "not/there"])
def test_an_empty_repository_is_no_error_to_look_at(tmp_path: Path, capsys: Output, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("list", "verify"):
        assert main(["--models", str(tmp_path / folder), command]) == 0
        assert capsys.readouterr().out == "nothing is published yet\n"
        assert _json(["--models", str(tmp_path / folder), command, "--json"], capsys) == []


SENTENCES = [
    (["list", "other"], "the repository has no such model; it has forest"),
    (["verify", "../up"], "the repository has no such model; it has forest"),
    (["show", "other"], "no version of other is published yet"),
    (["show", "../up"], "a model's name has 1 to 63 lower-case letters"),
    (["show", NAME, "9"], "forest has no version 9"),
    (["show", NAME, "2"], "the manifest cannot be read"),
    (["use", NAME, "9"], "forest has no version 9; it has 1, 2, 3"),
    (["use", "other", "1"], "other has no version 1; it has none"),
    (["prune", "other"], "no version of other is published yet"),
]


@pytest.mark.parametrize(("arguments", "sentence"), SENTENCES)
def test_what_is_wrong_is_one_sentence_on_standard_error(
    root: Path, capsys: Output, arguments: list[str], sentence: str
) -> None:
    assert main(["--models", str(root), *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"copse-models: {sentence}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["list"],
        ["--models", "x"],
        ["--models", "x", "fly"],
        *(["--models", "x", "show", NAME, version] for version in ("0", "-1", "one", "1.0", "\u0661", "9" * 5000)),
        ["--models", "x", "use", NAME],
        ["--models", "x", "prune", NAME, "--keep", "0"],
    ],
)
def test_a_wrong_command_line_is_usage_and_status_2(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: copse-models")


def test_a_disk_that_cannot_be_read_is_a_problem_of_the_version(
    root: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "/models/forest/1/model.json")

    monkeypatch.setattr("model_repository.cli.read_manifest", refuse)
    monkeypatch.setattr("model_repository.cli.read_version", refuse)
    problem = "cannot use /models/forest/1/model.json: Permission denied"
    assert {row["problem"] for row in _json(["--models", str(root), "list", "--json"], capsys)} == {problem}
    assert {row["problem"] for row in _json(["--models", str(root), "verify", "--json"], capsys, status=1)} == {problem}


def test_an_error_of_the_system_without_a_text_is_a_sentence_too(
    root: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError

    monkeypatch.setattr(os, "rename", refuse)
    assert main(["--models", str(root), "prune", NAME, "--keep", "1"]) == 1
    assert capsys.readouterr().err == "copse-models: cannot use the repository: OSError\n"


def test_a_repository_that_cannot_be_searched_is_named(
    root: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert main(["--models", str(root), "list"]) == 1
    assert capsys.readouterr().err == f"copse-models: cannot use {root}: Permission denied\n"


@pytest.mark.parametrize("command", ["list", "show forest --json"])
def test_a_reader_that_stops_reading_is_no_complaint(root: Path, command: str) -> None:
    read, write = os.pipe()
    os.close(read)
    program = [sys.executable, "-c", "from model_repository.cli import main; raise SystemExit(main())"]
    ended = subprocess.run(
        [*program, "--models", str(root), *command.split()],
        stdout=write,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, b"")


def _json(arguments: list[str], capsys: Output, status: int = 0) -> Any:
    assert main(arguments) == status
    return json.loads(capsys.readouterr().out)
