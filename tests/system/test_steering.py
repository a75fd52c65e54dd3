"""Pausing, resuming and cancelling while batches leave: at once, and nobody is sent to twice."""

import pytest

from campaigns.states import CampaignState
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system

LANES = 4
SIZE = 20


def sent_of(shared: Installation, campaign_id: int) -> int:
    """How many of a campaign's numbers the gateway has accepted."""
    return len(whom(shared, campaign_id) & set(shared.gateways["main"].sent()))


@pytest.fixture(autouse=True)
def _quick_again(shared: Installation) -> None:
    shared.gateways["main"].sandbox.settings(latency=0.0)


def test_a_paused_campaign_sends_no_more_than_what_was_in_the_air_and_resumed_it_sends_to_nobody_twice(
    shared: Installation,
) -> None:
    made = shared.begun("main", batches=100, size=SIZE)
    shared.pause(made)
    at_once = sent_of(shared, made)
    shared.rounds("main", 4)
    left = sent_of(shared, made)
    assert left <= at_once + LANES * SIZE
    account = shared.progress(made)
    assert (account.state, account.waits_for) == (CampaignState.SENDING, "a person to resume it: paused by a person")
    shared.rounds("main", 4)
    assert sent_of(shared, made) == left < 2_000
    shared.gateways["main"].sandbox.settings(latency=0.0)
    shared.resume(made)
    account = shared.ended(made)
    assert (account.state, account.messages, sent_of(shared, made)) == (CampaignState.COMPLETED, 2_000, 2_000)
    shared.settled("main", made)


def test_a_cancelled_campaign_tracks_what_was_sent_and_sends_nothing_more(shared: Installation) -> None:
    made = shared.begun("main", batches=100, size=SIZE)
    shared.cancel(made)
    at_once = sent_of(shared, made)
    account = shared.ended(made)
    left = sent_of(shared, made)
    assert left <= at_once + LANES * SIZE
    assert (account.state, account.by_status["voided"], account.messages) == (
        CampaignState.CANCELLED,
        2_000 - left,
        2_000,
    )
    shared.ended(shared.submit("main", people(1)))  # the lanes have turned since
    assert sent_of(shared, made) == left
    shared.settled("main", made)


def test_a_campaign_cancelled_while_its_request_is_in_the_air_still_hears_what_became_of_it(
    shared: Installation,
) -> None:
    gateway = shared.gateways["main"]
    gateway.sandbox.fault("latency", seconds=6.0, count=LANES)
    made = shared.submit("main", people(10 * SIZE), batch_size=SIZE)
    shared.until(lambda: sent_of(shared, made))
    shared.cancel(made)
    sending = "SELECT id FROM batches WHERE campaign_id = :id AND state = 'sending'"
    assert select(shared, sending, id=made)
    account = shared.ended(made)
    gateway.sandbox.fault("latency", count=0)
    left = sent_of(shared, made)
    assert SIZE <= left <= LANES * SIZE
    assert (account.state, account.by_status["voided"]) == (CampaignState.CANCELLED, 10 * SIZE - left)
    assert account.open == 0
    shared.settled("main", made)
