"""Requests that nobody knows the outcome of: shown, never repeated, and settled by the delivery reports."""

import pytest

from campaigns.states import CampaignState
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system


@pytest.mark.parametrize("fault", ["drop_reply", "http_500"])
def test_a_batch_whose_reply_was_lost_is_adopted_by_its_reports(town: Installation, fault: str) -> None:
    gateway = town.gateways["doubts"]
    gateway.sandbox.settings(delays=(1.5, 2.0))
    gateway.sandbox.fault(fault)
    made = town.submit("doubts", people(200), batch_size=40)
    account = town.seen(made, lambda account: account.in_doubt_attempts == 1)
    assert account.by_status["in_doubt"] == 40
    account = town.ended(made)
    assert (account.state, account.in_doubt_attempts, account.open) == (CampaignState.COMPLETED, 0, 0)
    town.settled("doubts", made)


@pytest.mark.parametrize("size", [1, 2])
def test_too_small_a_batch_in_doubt_stays_so_and_says_what_is_awaited(town: Installation, size: int) -> None:
    gateway = town.gateways["doubts"]
    gateway.sandbox.settings(delays=(0.1, 0.2))
    gateway.sandbox.fault("drop_reply")
    made = town.submit("doubts", people(size))
    account = town.seen(made, lambda account: account.state == CampaignState.STALLED)
    town.rounds("doubts", 4)
    account = town.progress(made)
    assert (account.by_status, account.finished) == ({"in_doubt": size}, False)
    assert (
        account.waits_for == "only batches in doubt are left: their reports, or a person, must say what became of them"
    )
    assert all(gateway.sent()[number] == 1 for number in whom(town, made))


@pytest.mark.parametrize("size", [1, 2])
def test_one_report_is_enough_where_nobody_else_sends_through_the_account(town: Installation, size: int) -> None:
    gateway = town.gateways["exclusive"]
    gateway.sandbox.fault("drop_reply")
    made = town.submit("exclusive", people(size))
    account = town.ended(made)
    assert (account.state, account.open) == (CampaignState.COMPLETED, 0)
    states = select(town, "SELECT state FROM attempts WHERE campaign_id = :id", id=made)
    assert [row.state for row in states] == ["accepted"]
    town.settled("exclusive", made)
