"""The gateway refuses a batch for want of credits: only a higher balance helps, and nobody waits in vain."""

from decimal import Decimal

import pytest
from sqlalchemy import update

from campaigns import credits, lookups, settling, shortage
from campaigns.database import Database
from campaigns.models import accounts
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.states import BatchState, CampaignState
from tests.campaigns import making

SENDING, AWAITING = CampaignState.SENDING, CampaignState.AWAITING_CREDITS


def ran_out(database: Database, balance: Decimal | None) -> int:
    campaign = making.submitted(database, making.numbers(6), batch_size=3)
    making.fund(database, 100)
    making.accepted(database, campaign)
    found = making.claimed(database, campaign)
    settling.release(database, found, "not enough credits", code=-6)
    shortage.run_out(database, campaign, balance)
    return campaign


@pytest.mark.parametrize(
    ("known", "refused"), [("2.5", "2.5"), (None, "3")], ids=["balance asked", "balance not to be had"]
)
def test_after_a_refusal_for_credits_only_a_higher_balance_helps(
    any_database: Database, known: str | None, refused: str
) -> None:
    campaign = ran_out(any_database, known and Decimal(known))
    making.clock_goes_on(any_database, 60)
    assert making.state(any_database, campaign) == AWAITING

    assert making.fund(any_database, refused) == 0
    assert f"above {refused}" in (making.account(any_database, campaign).reason or "")
    assert making.fund(any_database, 4) == 1

    assert making.state(any_database, campaign) == SENDING
    assert making.claimed(any_database, campaign).number == 2


def test_a_top_up_that_came_just_after_the_refusal_lets_the_campaign_go_on_at_once(any_database: Database) -> None:
    campaign = ran_out(any_database, Decimal(10_000))

    assert making.state(any_database, campaign) == SENDING
    assert making.claimed(any_database, campaign).number == 2


def test_a_gateway_that_refuses_whatever_its_balance_is_not_asked_for_ever(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    for _ in range(3):
        assert making.state(any_database, campaign) == SENDING
        refused(any_database, campaign)
        shortage.run_out(any_database, campaign, Decimal(97))

    assert making.state(any_database, campaign) == AWAITING
    assert making.fund(any_database, 97) == 0
    assert making.fund(any_database, 98) == 1


def refused(database: Database, campaign: int) -> None:
    """Its next batch, for want of credits."""
    settling.release(database, making.claimed(database, campaign), "not enough credits", code=-6)


def test_refusals_of_ten_minutes_ago_are_not_counted_with_those_of_now(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    refused(any_database, campaign)
    refused(any_database, campaign)
    making.clock_goes_on(any_database, 600)
    refused(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(97))

    assert making.state(any_database, campaign) == SENDING


def test_refusals_of_another_batch_are_not_counted_with_those_of_this_one(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    refused(any_database, campaign)
    refused(any_database, campaign)
    making.claimed(any_database, campaign)  # the same one, which leaves the other to be claimed
    refused(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(97))

    assert making.state(any_database, campaign) == SENDING


def test_a_batch_that_came_back_for_another_reason_was_not_refused_for_want_of_credits(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    for code in (None, None, shortage.NOT_ENOUGH):
        settling.release(any_database, making.claimed(any_database, campaign), "no route", code=code)

    shortage.run_out(any_database, campaign, Decimal(97))

    assert making.state(any_database, campaign) == SENDING


def test_a_lane_that_was_refused_as_well_does_not_have_a_top_up_outbid_that_came_meanwhile(
    any_database: Database,
) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    for _ in range(3):
        refused(any_database, campaign)
    shortage.run_out(any_database, campaign, Decimal(97))

    shortage.run_out(any_database, campaign, Decimal(200))

    assert making.fund(any_database, 200) == 1


def test_a_refusal_whose_batch_was_sent_by_another_lane_meanwhile_keeps_nobody_waiting(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    settling.release(any_database, making.claimed(any_database, campaign), "not enough credits", code=-6)
    making.accepted(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(0))

    assert making.state(any_database, campaign) == SENDING


def test_a_campaign_that_needs_nothing_more_goes_on_whatever_the_balance(any_database: Database) -> None:
    campaign = ran_out(any_database, Decimal(0))
    making.change(any_database, update(batches_table).values(state=BatchState.ACCEPTED))

    assert making.fund(any_database, 0) == 1
    assert making.state(any_database, campaign) == SENDING


def test_lookups_get_their_time_anew_when_a_top_up_lets_them_go_on(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), lookup={"unknown": "exclude"})
    settling.release(any_database, making.claimed(any_database, campaign), "not enough credits", code=-6)
    shortage.run_out(any_database, campaign, Decimal(0))
    assert making.state(any_database, campaign) == AWAITING
    making.clock_goes_on(any_database, 700)

    making.fund(any_database)

    assert making.state(any_database, campaign) == CampaignState.CLEANING
    assert lookups.hopeless(any_database, deadline=600) == []
    making.claimed(any_database, campaign)
    assert lookups.hopeless(any_database, deadline=600) == []


def test_its_own_hold_does_not_keep_a_campaign_from_going_on(any_database: Database) -> None:
    ran_out(any_database, Decimal(0))
    making.clock_goes_on(any_database, 60)

    assert making.fund(any_database, 2) == 0
    assert making.fund(any_database, 3) == 1


def test_a_second_refusal_for_credits_changes_nothing(any_database: Database) -> None:
    campaign = ran_out(any_database, Decimal(0))

    shortage.run_out(any_database, campaign, Decimal(2))

    making.clock_goes_on(any_database, 60)
    assert making.fund(any_database, 3) == 1
    assert making.account(any_database, campaign).reason is None


def test_a_campaign_that_shall_not_wait_is_cancelled_when_the_gateway_refuses(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3, on_insufficient_credits="fail")
    making.accepted(any_database, campaign)
    settling.release(any_database, making.claimed(any_database, campaign), "not enough credits", code=-6)

    shortage.run_out(any_database, campaign, Decimal(0))

    assert making.state(any_database, campaign) == CampaignState.CANCELLED
    assert making.batch_states(any_database, campaign) == [BatchState.ACCEPTED, BatchState.VOIDED]


def test_a_campaign_waits_though_an_older_one_shall_not(any_database: Database) -> None:
    older = making.funded(any_database, making.numbers(2), on_insufficient_credits="fail")
    campaign = making.funded(any_database, making.numbers(2))
    refused(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(0))

    assert [making.state(any_database, each) for each in (older, campaign)] == [SENDING, AWAITING]


def test_who_was_never_refused_needs_no_higher_balance_than_it_costs(any_database: Database) -> None:
    waiting = making.submitted(any_database, making.numbers(3))
    making.fund(any_database, 0)
    campaign = making.submitted(any_database, making.numbers(3))
    making.change(any_database, update(campaigns_table).where(campaigns_table.c.id == campaign).values(state=SENDING))
    for _ in range(3):
        refused(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(97))

    assert making.fund(any_database, 97) == 1
    assert [making.state(any_database, each) for each in (waiting, campaign)] == [SENDING, AWAITING]


def test_what_is_needed_is_what_was_refused_last(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=4)
    refused(any_database, campaign)
    making.accepted(any_database, campaign)
    refused(any_database, campaign)

    shortage.run_out(any_database, campaign, Decimal(3))

    assert making.state(any_database, campaign) == SENDING


def test_what_was_taken_since_the_refusal_says_nothing_of_what_is_needed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=4)
    larger, smaller = making.claimed(any_database, campaign), making.claimed(any_database, campaign)
    settling.release(any_database, larger, "not enough credits", code=-6)
    settling.accept(any_database, smaller, making.acceptance(smaller))

    shortage.run_out(any_database, campaign, Decimal(3))

    assert making.state(any_database, campaign) == AWAITING


def test_what_another_campaign_was_refused_last_says_nothing_of_what_this_one_needs(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6))
    found = making.claimed(any_database, campaign)
    other = making.claimed(any_database, making.funded(any_database, making.numbers(2)))
    for each in (found, other):
        settling.release(any_database, each, "not enough credits", code=-6)

    shortage.run_out(any_database, campaign, Decimal(4))

    assert making.state(any_database, campaign) == AWAITING


def test_a_balance_that_is_not_to_be_had_is_the_last_one_less_what_was_spent_since(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(6), batch_size=3)
    making.fund(any_database, 6)
    other = making.funded(any_database, making.numbers(1), account="other")
    making.clock_goes_on(any_database, 60, accounts.c.balance_asked_at)
    making.change(any_database, update(accounts).where(accounts.c.name == making.ACCOUNT).values(balance=5))
    making.accepted(any_database, campaign)
    making.accepted(any_database, other)
    settling.release(any_database, making.claimed(any_database, campaign), "not enough credits", code=-6)

    shortage.run_out(any_database, campaign, None)

    assert "above 2 is awaited" in (_waits_again(any_database, campaign) or "")


def test_a_balance_that_is_not_to_be_had_is_the_last_one_if_nothing_was_spent_since(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6))
    making.change(any_database, update(accounts).values(balance=5))
    refused(any_database, campaign)

    shortage.run_out(any_database, campaign, None)

    assert "above 5 is awaited" in (_waits_again(any_database, campaign) or "")


def test_a_balance_that_is_not_to_be_had_is_never_below_nought(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    making.change(any_database, update(accounts).values(balance=2))
    making.accepted(any_database, campaign)
    settling.release(any_database, making.claimed(any_database, campaign), "not enough credits", code=-6)

    shortage.run_out(any_database, campaign, None)

    assert "above 0 is awaited" in (_waits_again(any_database, campaign) or "")


def _waits_again(database: Database, campaign: int) -> str | None:
    """Why it waits, when funding has looked at it with too little."""
    making.fund(database, 1)
    return making.account(database, campaign).reason


def test_what_is_in_doubt_is_promised_to_nobody_however_long_ago_it_fell_in_doubt(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    settling.doubt(any_database, found, "timed out")
    making.clock_goes_on(any_database, 86_400)

    with any_database.reading() as connection:
        assert credits.available(connection, making.ACCOUNT, making.balance(any_database, 10)) == 7
