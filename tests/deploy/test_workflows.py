"""The workflows run what a person can run, with no more rights than they need, from actions that cannot be swapped."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def jobs(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(workflow).values():
        yield from job["steps"]


def test_an_action_is_pinned_by_commit_with_its_version_beside_it(workflow: Path) -> None:
    lines = re.findall(r"uses: (.*)$", workflow.read_text(), re.MULTILINE)

    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_one_action_has_one_version_everywhere() -> None:
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (\S+)", path.read_text())}

    assert len({line.partition("@")[0] for line in used}) == len(used)


def test_nothing_is_allowed_that_a_job_does_not_ask_for(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {}
    for job in jobs(workflow).values():
        granted = dict(job["permissions"])
        assert granted.pop("contents") == "read"
        assert granted in ({}, {"packages": "write"})


def test_only_make_targets_are_run(workflow: Path) -> None:
    for step in steps(workflow):
        if "run" in step:
            words = step["run"].split()
            assert words[0] == "make"
            assert words[1] in TARGETS


def test_every_job_ends_by_itself_and_keeps_no_credentials_in_its_work_tree(workflow: Path) -> None:
    for job in jobs(workflow).values():
        assert job["timeout-minutes"] <= 90
        (checkout,) = (step for step in job["steps"] if "actions/checkout@" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False


def test_the_kind_job_is_run_with_both_versions_of_helm() -> None:
    kind = jobs(ROOT / ".github" / "workflows" / "ci.yml")["kind"]

    assert kind["strategy"]["matrix"] == {"helm": ["helm", "helm3"]}
