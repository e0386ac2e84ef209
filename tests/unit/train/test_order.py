"""Options that contradict each other, or would be ignored, are refused in one sentence before anything is read."""

from pathlib import Path

import pytest

from tests.conftest import MODEL
from train import cli

WRONG = [
    (["--target=price"], "--target goes with --data, which is not given"),
    (["--data=iris", "--target=species"], "--data iris is built in; it takes no --target"),
    (["--data=diabetes", "--task=classification"], "--data diabetes is built in; it takes no --task"),
    (["--data=nowhere.csv", "--target=price"], "there is no nowhere.csv; --data takes a file"),
    (["--estimator=random-wood"], "random-wood is no estimator's name; there are random-forest"),
    (["--fitted=nowhere.skops"], "there is no file nowhere.skops"),
    (["--fitted=nowhere.skops", "--estimator=svm"], "--fitted takes a model as it is"),
    (["--trust-joblib"], "--trust-joblib is about the file of --fitted"),
    (["--code=somewhere"], "--code is where the module"),
    (["--backend=dask"], "--backend dask and --scheduler ADDRESS go together"),
    (["--backend=dask", "--scheduler=somewhere"], "--scheduler somewhere is no address"),
    (["--trees=5", "--param=n_estimators=6"], "--trees is short for --param n_estimators"),
    (["--search=max_depth=2,3", "--param=max_depth=4"], "max_depth has a value by --param and values to choose from"),
    (["--param=n_estimators"], "must be given as NAME=VALUE"),
]


@pytest.mark.parametrize(
    ("options", "said"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_contradicts_or_would_be_ignored_is_refused(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--models", str(tmp_path / "models"), *options]) == 2

    error = capsys.readouterr().err
    assert error.startswith("copse-train: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "models" / MODEL).exists()


def test_a_file_needs_a_target_and_takes_one_way_of_holding_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    data = ["--models", str(tmp_path / "models"), "--data", str(tmp_path / "a.csv")]

    assert cli.main(data) == 2
    assert cli.main([*data, "--target=y", "--test-data=b.csv", "--held-out=0.5"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "--target must name the column" in first
    assert "--test-data is what is held out" in second
