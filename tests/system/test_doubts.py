"""Requests that nobody knows the outcome of: shown, never repeated, and settled by the delivery reports."""

from typing import Any

import pytest

import campaigns
from campaigns.lifecycle import STALLED
from campaigns.states import CampaignState
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system


@pytest.mark.parametrize("fault", ["drop_reply", "http_500"])
def test_a_batch_whose_reply_was_lost_is_adopted_by_its_reports(shared: Installation, fault: str) -> None:
    gateway = shared.gateways["doubts"]
    with gateway.reports_held():
        gateway.sandbox.fault(fault)
        made = shared.submit("doubts", people(200), batch_size=40)
        account = shared.seen(made, lambda account: account.in_doubt_attempts == 1)
        assert account.by_status["in_doubt"] == 40
    account = shared.ended(made)
    assert (account.state, account.in_doubt_attempts, account.open) == (CampaignState.COMPLETED, 0, 0)
    shared.settled("doubts", made)


@pytest.mark.parametrize("size", [1, 2])
def test_too_small_a_batch_in_doubt_stays_so_and_says_what_is_awaited(shared: Installation, size: int) -> None:
    gateway = shared.gateways["doubts"]
    gateway.sandbox.settings(delays=(0.1, 0.2))
    gateway.sandbox.fault("drop_reply")
    made = shared.submit("doubts", people(size))
    account = shared.seen(made, lambda account: account.state == CampaignState.STALLED)
    shared.rounds("doubts", 4)
    account = shared.progress(made)
    assert (account.by_status, account.finished) == ({"in_doubt": size}, False)
    assert account.waits_for == STALLED
    assert all(gateway.sent()[number] == 1 for number in whom(shared, made))


@pytest.mark.parametrize("size", [1, 2])
def test_one_report_is_enough_where_nobody_else_sends_through_the_account(shared: Installation, size: int) -> None:
    gateway = shared.gateways["exclusive"]
    gateway.sandbox.fault("drop_reply")
    made = shared.submit("exclusive", people(size))
    account = shared.ended(made)
    assert (account.state, account.open) == (CampaignState.COMPLETED, 0)
    states = select(shared, "SELECT state FROM attempts WHERE campaign_id = :id", id=made)
    assert [row.state for row in states] == ["accepted"]
    shared.settled("exclusive", made)


def decide(shared: Installation, campaign_id: int, decision: str) -> None:
    """As a person does who has looked at the list."""
    (doubt,) = campaigns.open_doubts(campaign_id=campaign_id, database=shared.database)
    asked = {"by": "awa", "reason": "the gateway's own log", "ring": shared.ring, "database": shared.database}
    campaigns.resolve(doubt.attempt_id, decision, **asked)


def lost(shared: Installation, fault: str) -> int:
    """A campaign of two whose only request is in doubt: too small for its reports to prove it."""
    gateway = shared.gateways["decisions"]
    gateway.sandbox.settings(delays=(0.1, 0.2))
    gateway.sandbox.fault(fault)
    made = shared.submit("decisions", people(2))
    shared.seen(made, lambda account: account.state == CampaignState.STALLED)
    return made


def test_what_a_person_declares_accepted_is_posted_and_tracked(shared: Installation) -> None:
    with shared.gateways["decisions"].reports_held():
        made = lost(shared, "drop_reply")

        decide(shared, made, "accepted")

        account = shared.progress(made)
        assert (account.state, account.by_status) == (CampaignState.TRACKING, {"in_flight": 2})
        assert account.credits_posted == account.credits_estimated


def test_what_a_person_has_sent_again_is_sent_by_the_workers_and_completes(shared: Installation) -> None:
    made = lost(shared, "hang_up")

    decide(shared, made, "resend")

    account = shared.ended(made)
    assert (account.state, account.open, account.duplicates) == (CampaignState.COMPLETED, 0, 0)
    assert all(shared.gateways["decisions"].sent()[number] == 1 for number in whom(shared, made))
    assert [row.state for row in attempts_of(shared, made)] == ["resent", "accepted"]


def test_what_a_person_writes_off_is_over_and_nobody_is_texted_again(shared: Installation) -> None:
    made = lost(shared, "drop_reply")

    decide(shared, made, "write_off")

    account = shared.progress(made)
    assert (account.state, account.by_status) == (CampaignState.COMPLETED, {"written_off": 2})
    shared.rounds("decisions", 2)
    assert all(shared.gateways["decisions"].sent()[number] == 1 for number in whom(shared, made))


def attempts_of(shared: Installation, campaign_id: int) -> list[Any]:
    return select(shared, "SELECT state FROM attempts WHERE campaign_id = :id ORDER BY id", id=campaign_id)
