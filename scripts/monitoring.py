"""What is made for Grafana and Prometheus: the chart's dashboard, and its copies and the alerts' in k8s/monitoring/.

python -m scripts.monitoring
"""

import json
import re
import tomllib
from pathlib import Path

from scripts.dashboard import dashboard

ROOT = Path(__file__).parents[1]
FILES = ROOT / "helm" / "copse" / "files"
MANIFESTS = ROOT / "k8s" / "monitoring"

MADE = "# Made by `make monitoring` from helm/copse/files/{source}: change that, not this.\n"
METADATA = """metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: copse
    app.kubernetes.io/instance: copse
    app.kubernetes.io/component: serve
    app.kubernetes.io/version: "{version}"
    app.kubernetes.io/part-of: copse
"""
RULE = """\
# When Prometheus calls for people; docs/operations.md tells what each alert means. Needs the Prometheus operator.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
{metadata}spec:
{rules}"""
CONFIG_MAP = """\
# The dashboard, which the usual sidecar of a Grafana finds by the label grafana_dashboard.
apiVersion: v1
kind: ConfigMap
{metadata}    grafana_dashboard: "1"
data:
  copse.json: |
{dashboard}"""


def made() -> dict[Path, str]:
    """Return each file with its text."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    panels = json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"
    rules = re.sub(r"(?m)^#.*\n", "", (FILES / "alerts.yaml").read_text())
    rule = RULE.format(metadata=METADATA.format(name="copse", version=version), rules=indented(rules, 2))
    config_map = CONFIG_MAP.format(
        metadata=METADATA.format(name="copse-dashboard", version=version), dashboard=indented(panels, 4)
    )
    return {
        FILES / "dashboard.json": panels,
        MANIFESTS / "prometheus-rule.yaml": MADE.format(source="alerts.yaml") + rule,
        MANIFESTS / "dashboard.yaml": MADE.format(source="dashboard.json") + config_map,
    }


def indented(text: str, depth: int) -> str:
    """Return a text with each line that is not empty moved to the right."""
    return re.sub(r"(?m)^(?=.)", " " * depth, text)


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text)
