"""Prometheus' own tool on the alerts: their syntax, and that each fires when it should and only then."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import CHART, MANIFESTS, ROOT, only, render
from tests.programs import prometheus

pytestmark = pytest.mark.helm

ALERTS = CHART / "files" / "alerts.yaml"
TESTS = ROOT / "tests" / "deploy" / "alerts-tests.yaml"


def promtool(*arguments: str | Path) -> tuple[int, str]:
    command = [prometheus("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def named(path: Path) -> list[str]:
    (group,) = yaml.safe_load(path.read_text())["groups"]
    return [rule["alert"] for rule in group["rules"]]


def test_the_alerts_are_rules_that_prometheus_takes(tmp_path: Path) -> None:
    everything = render("--values", str(CHART / "ci" / "everything-values.yaml"))
    plain = yaml.safe_load((MANIFESTS / "monitoring" / "prometheus-rule.yaml").read_text())
    for name, rule in {"chart": only(everything, "PrometheusRule"), "manifests": plain}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(rule["spec"]))

    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS, *sorted(tmp_path.iterdir()))

    assert code == 0, said
    assert said.count("SUCCESS: 7 rules found") == 3


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    code, said = promtool("test", "rules", TESTS)

    assert code == 0, said


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_nearly_does() -> None:
    cases: list[dict[str, Any]] = yaml.safe_load(TESTS.read_text())["tests"]
    fires: set[str] = set()
    never: set[str] = set()
    for case in cases:
        fired = {test["alertname"] for test in case["alert_rule_test"] if test["exp_alerts"]}
        fires |= fired
        never |= {test["alertname"] for test in case["alert_rule_test"]} - fired

    assert len(named(ALERTS)) == 7
    assert fires == never == set(named(ALERTS))


def test_a_wrong_expectation_is_found(tmp_path: Path) -> None:
    text = TESTS.read_text().replace("../../helm/copse/files/alerts.yaml", str(ALERTS))
    (tmp_path / "tests.yaml").write_text(text.replace("0.9x8 0.1x11", "0.9x20"))

    code, said = promtool("test", "rules", tmp_path / "tests.yaml")

    assert code == 1
    assert "Column hue is no longer as in training" in said


def test_the_configuration_in_the_docs_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"^ {4}rule_files:.*\n(?:    .*\n)+", (ROOT / "docs" / "monitoring.md").read_text(), re.MULTILINE
    )
    (tmp_path / "prometheus.yml").write_text(textwrap.dedent(block))
    shutil.copy(ALERTS, tmp_path / "alerts.yaml")

    code, said = promtool("check", "config", tmp_path / "prometheus.yml")

    assert code == 0, said
    assert "SUCCESS: 7 rules found" in said
