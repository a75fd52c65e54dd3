"""Requests that nobody knows the outcome of: shown, never repeated, and settled by the delivery reports."""

import pytest

from campaigns.lifecycle import STALLED
from campaigns.states import CampaignState
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system


@pytest.mark.parametrize("fault", ["drop_reply", "http_500"])
def test_a_batch_whose_reply_was_lost_is_adopted_by_its_reports(shared: Installation, fault: str) -> None:
    gateway = shared.gateways["doubts"]
    gateway.sandbox.settings(delays=(1.5, 2.0))
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
