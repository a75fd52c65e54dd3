"""The table as such, without playing it."""

from collections import Counter

from tests.chaos.points import POINTS
from tests.chaos.scenarios import SCENARIOS
from worker.sandbox.faults import KINDS


def test_there_are_scenarios_of_every_kind():
    kinds = Counter(scenario.kind for scenario in SCENARIOS.values())
    assert set(kinds) == {"kills", "time", "network", "broker", "database", "gateway", "doubled"}
    assert sum(kinds.values()) >= 30


def test_each_failpoint_is_in_a_scenario_which_fails_if_nobody_passes_it():
    assert {scenario.point for scenario in SCENARIOS.values() if scenario.point} == set(POINTS)


def test_each_fault_of_the_sandbox_is_in_a_scenario():
    assert {scenario.fault for scenario in SCENARIOS.values() if scenario.fault} == set(KINDS)


def test_each_scenario_says_what_it_does_and_does_something():
    idle = [name for name, one in SCENARIOS.items() if not (one.before or one.during or one.submits_itself)]
    assert idle == []
    assert all(scenario.says for scenario in SCENARIOS.values())
