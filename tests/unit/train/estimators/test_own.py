"""The user's own estimator: found, made, and refused in one sentence where it cannot be."""

import sys
from pathlib import Path

import pytest

from train.errors import BadEstimator
from train.estimators import own

MODULES = {
    "own_good": "from sklearn.tree import DecisionTreeClassifier\ndef make(): return DecisionTreeClassifier()",
    "own_failing": "def make(): raise RuntimeError('no luck')",
    "own_broken": "1 / 0",
    "own_needy": "import a_package_that_nobody_has",
    "own_wrong": "def make(): return 7",
}


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_function_in_a_file_makes_the_estimator(code: Path) -> None:
    assert type(own.make("own_good:make", code)).__name__ == "DecisionTreeClassifier"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_absent:make", "no module own_absent is installed, or in"),
        ("own_good:build", "the module has no function build"),
        ("own_failing:make", "the function failed with RuntimeError: no luck"),
        ("own_broken:make", "the module failed with ZeroDivisionError"),
        ("own_needy:make", "the module needs a_package_that_nobody_has, which is not installed"),
        ("own_wrong:make", "the function returned int, no estimator"),
    ],
)
def test_what_gives_no_estimator_is_refused_in_one_sentence(code: Path, name: str, said: str) -> None:
    with pytest.raises(BadEstimator, match=said) as refused:
        own.make(name, code)
    assert "\n" not in str(refused.value)


def test_another_text_of_the_module_has_another_digest(code: Path) -> None:
    before = own.digest("own_good:make", code)
    with (code / "own_good.py").open("a") as file:
        file.write("\n# changed\n")

    assert own.digest("own_good:make", code) != before
