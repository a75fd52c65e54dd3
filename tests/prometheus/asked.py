"""What Prometheus is asked: the queries of the dashboard, and the expressions of the alerts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "campaigns.json"


def dashboard() -> dict[str, Any]:
    """As it is imported."""
    return dict(json.loads(DASHBOARD.read_text(encoding="utf-8")))


def panels() -> list[dict[str, Any]]:
    """Its panels; rows are none."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    """The rules, in their order."""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def queries(*, rate_interval: str = "1m") -> Iterator[tuple[str, str]]:
    """Each query of the dashboard as Prometheus hears it, with the title of its panel."""
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", rate_interval).replace("$account", ".*")
            assert "$" not in expression
            yield panel["title"], expression


def metrics_in(expression: str) -> set[str]:
    """The names of ours in an expression."""
    return set(re.findall(r"\bcampaigns_[a-z_]+", expression))


def labels_in(expression: str) -> set[tuple[str, str]]:
    """Metric and label of each selector; the labels by which it sums up, with no metric."""
    matched = {
        (metric, label)
        for metric, inside in re.findall(r"\b(campaigns_[a-z_]+)\{([^}]*)\}", expression)
        for label in re.findall(r"([a-z_]+)\s*(?:=|!=|=~|!~)", inside)
    }
    grouped = re.findall(r"\b(?:by|on)\s*\(([a-z_, ]*)\)", expression)
    return matched | {("", label.strip()) for inside in grouped for label in inside.split(",") if label.strip()}
