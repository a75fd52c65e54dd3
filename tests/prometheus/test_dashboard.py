"""The dashboard: what it asks for is what is exported, and it can be read by Prometheus and by a person."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.prometheus.asked import alerts, dashboard, labels_in, metrics_in, panels, queries


def test_every_name_and_label_that_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    asked = [*(expression for _, expression in queries()), *(rule["expr"] for rule in alerts())]
    any_label = {label for labels in exported.values() for label in labels}
    for expression in asked:
        assert metrics_in(expression) <= exported.keys(), expression
        for metric, label in labels_in(expression):
            assert label in (exported[metric] if metric else any_label), (expression, metric, label)


def test_what_is_exported_is_looked_at_by_a_panel_or_an_alert(exported: dict[str, set[str]]) -> None:
    asked = {name for _, expression in queries() for name in metrics_in(expression)}
    asked |= {name for rule in alerts() for name in metrics_in(rule["expr"])}
    detail = {
        "campaigns_attempts_in_doubt_credits",
        "campaigns_attempts_in_doubt_numbers",
        "campaigns_credits_in_the_air",
        "campaigns_messages_count_age_seconds",
        "campaigns_report_polls_overdue",
        "campaigns_report_polls_parked",
        "campaigns_report_polls_unapplied",
        "campaigns_request_duration_seconds_count",
        "campaigns_request_duration_seconds_sum",
    }
    assert exported.keys() - asked == detail


@pytest.mark.needs("promtool")
def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"a:b{number}", "expr": expression} for number, (_, expression) in enumerate(queries())]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_have_a_title_a_sentence_and_a_unit_and_a_number_of_their_own() -> None:
    every = dashboard()["panels"]
    assert not [number for number, count in Counter(panel["id"] for panel in every).items() if count > 1]
    titles = Counter(panel["title"] for panel in every)
    assert max(titles.values()) == 1
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_no_two_panels_lie_on_each_other_and_none_sticks_out() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in dashboard()["panels"]:
        its = panel["gridPos"]
        assert 0 <= its["x"] < its["x"] + its["w"] <= 24, panel["title"]
        taken.update((x, y) for x in range(its["x"], its["x"] + its["w"]) for y in range(its["y"], its["y"] + its["h"]))
    assert max(taken.values()) == 1


def test_whoever_looks_chooses_the_prometheus_and_the_accounts() -> None:
    chosen = {each["name"]: each for each in dashboard()["templating"]["list"]}
    assert {name: each["type"] for name, each in chosen.items()} == {"datasource": "datasource", "account": "query"}
    sources = {panel["datasource"]["uid"] for panel in panels()} | {
        target["datasource"]["uid"] for panel in panels() for target in panel["targets"]
    }
    assert sources == {"${datasource}"}
    of_accounts = [panel["title"] for panel in panels() if "$account" in str(panel["targets"])]
    assert len(of_accounts) > len(panels()) / 2
