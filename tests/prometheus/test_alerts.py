"""The alerts: each fires when it must and not when it must not, says what to do, and where that is written."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus.asked import ROOT, RULES, alerts

TESTS = Path(__file__).parent / "alerts.test.yml"


def promtool(*words: object) -> None:
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("promtool")
def test_prometheus_reads_the_rules_and_the_example_of_its_configuration() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    promtool("check", "config", RULES.parent / "prometheus.yml")


@pytest.mark.needs("promtool")
def test_each_alert_fires_when_it_must_and_is_silent_when_it_must_not() -> None:
    promtool("test", "rules", TESTS)


def test_each_alert_is_tried_both_ways() -> None:
    tried = [
        (each["alertname"], bool(each["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        for each in test["alert_rule_test"]
    ]
    assert set(tried) == {(rule["alert"], fires) for rule in alerts() for fires in (True, False)}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_what_to_do_and_where_that_is_written(rule: dict[str, Any]) -> None:
    said = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert said["summary"]
    assert not said["summary"].endswith(".")
    assert said["description"].endswith(".")
    path, _, anchor = said["runbook_url"].partition("#")
    page = (ROOT / path).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    # Whoever was woken by its name finds the runbook, too.
    assert re.search(rf"\| .*\b{rule['alert']}\b.* \| \[.*\]\(#{anchor}\) \|", page)


def test_commands_in_the_alerts_exist() -> None:
    from worker.cli import COMMANDS

    said = " ".join(rule["annotations"]["description"] for rule in alerts())
    assert set(re.findall(r"`campaigns ([a-z]+)", said)) <= set(COMMANDS)
