"""What is said about the chart in several places is the same everywhere."""

import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.charts import CHART, MANIFESTS, ROOT, containers, manifests

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
TABLE = (CHART / "README.md").read_text()
CHECK = runpy.run_path(str(CHART / "files" / "check_answer.py"))


def paths(values: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of each value, as deep as the table of the README goes."""
    for key, value in values.items():
        path = ".".join((*before, key))
        if isinstance(value, dict) and value and f"`{path}`" not in TABLE:
            yield from paths(value, (*before, key))
        else:
            yield path


def test_the_chart_the_images_and_the_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    every = [*manifests(), *manifests(MANIFESTS / "extra")]
    tags = {container["image"].partition(":")[2] for container in containers(every)}
    labels = {thing["metadata"]["labels"].get("app.kubernetes.io/version", VERSION) for thing in every}

    assert {chart["version"], chart["appVersion"], *tags, *labels} == {VERSION}


def test_the_table_of_values_in_the_charts_readme_is_that_of_the_values() -> None:
    command = [sys.executable, "scripts/values_table.py", str(CHART), "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, "make values-table renews it"


@pytest.mark.parametrize("path", list(paths(VALUES)))
def test_a_value_is_in_the_table_and_in_the_docs(path: str) -> None:
    assert f"| `{path}` |" in TABLE
    assert f"`{path}`" in (ROOT / "docs" / "kubernetes.md").read_text()


def test_the_charts_own_test_finds_wrong_answers() -> None:
    fault = CHECK["fault"]
    model = {"classes": ["no", "yes"]}

    assert fault(model, {"prediction": "yes", "probabilities": [0.25, 0.75]}) is None
    assert fault(model, {"prediction": "yes"}) is None
    assert "add up to" in fault(model, {"prediction": "yes", "probabilities": [0.5, 0.75]})
    assert "1 probabilities for 2 classes" in fault(model, {"prediction": "yes", "probabilities": [1.0]})
    assert "none of the classes" in fault(model, {"prediction": 1, "probabilities": [0.25, 0.75]})
    assert fault({}, {"prediction": 3.5}) is None
    assert "no number" in fault({}, {"prediction": "yes"})


def test_the_charts_own_test_asks_with_values_that_the_columns_take() -> None:
    example = CHECK["example"]
    text = {"type": "string", "missing": True, "category_count": 0, "unknown": False}

    assert example({"type": "float32", "missing": False, "minimum": 2.5, "maximum": 7.0}) == 2.5
    assert example({"type": "float32", "missing": True, "minimum": None, "maximum": None}) == 0.0
    assert example(text | {"categories": ["red", "blue"]}) == "red"
    assert example(text | {"categories": []}) is None
