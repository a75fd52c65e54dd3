"""Whose turn it is: the campaigns of an account take turns at random, and a rated one keeps its pace."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from campaigns import accounts, claims, steering, turns
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import accounts as accounts_table
from campaigns.models import batches
from campaigns.models import campaigns as campaigns_table
from campaigns.states import BatchState, CampaignState
from tests.campaigns import making


def claim(database: Database, campaign_id: int) -> Claim | None:
    return claims.claim(database, campaign_id, lease_seconds=making.LEASE)


def test_claimers_of_a_rated_campaign_wait_for_one_another_and_pass_the_gate_once(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(30), rate=0.05)  # slower than any machine of ours

    for _ in range(5):
        found = making.at_once(*[lambda: claim(any_database, campaign)] * 4)
        assert len([one for one in found if one]) == 1
        making.clock_goes_on(any_database, 20)


def test_claims_spread_over_the_campaigns(any_database: Database) -> None:
    made = [making.funded(any_database, making.numbers(2)) for _ in range(5)]

    first = Counter(turns.candidates(any_database, making.ACCOUNT, 1)[0] for _ in range(200))

    assert set(first) == set(made)
    assert max(first.values()) < 100


def test_candidates_are_of_the_account_alone(any_database: Database) -> None:
    making.funded(any_database, making.numbers(1), account="other")

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []


def test_a_campaign_whose_gateway_is_away_is_no_candidate(any_database: Database) -> None:
    making.funded(any_database, making.numbers(1))
    making.away(any_database, making.ACCOUNT, "refused connection")

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []


def test_a_campaign_whose_lookups_have_all_left_is_no_candidate_until_it_is_cleaned(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1, lookup=True)
    making.claimed(any_database, campaign)
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]

    making.claimed(any_database, campaign)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []


def test_a_rated_campaign_keeps_its_pace_and_makes_up_for_a_tenth_of_a_second(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(99), rate=10)
    sent, seconds, lost = 0, 0.0, 0.0
    looked = any_database.clock()
    for _ in range(40):
        while (found := claim(any_database, campaign)) is not None:
            sent += len(found.payload)
        making.clock_goes_on(any_database, 0.04, campaigns_table.c.next_send_at)
        before, looked = looked, any_database.clock()
        passed = (looked - before).total_seconds() + 0.04
        seconds += passed
        lost += max(0.0, passed - turns.LATENESS)  # a pause of the machine is not made up for

    batch, lateness = 2, 1  # messages
    assert 10 * (seconds - lost) - 2 * batch <= sent <= 10 * seconds + batch + lateness


def test_a_rated_campaign_that_slept_does_not_make_up_for_it(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(60), rate=0.1)  # slower than any machine of ours
    making.claimed(any_database, campaign)
    making.clock_goes_on(any_database, 60)

    burst = [claim(any_database, campaign) for _ in range(4)]

    assert len([one for one in burst if one]) == 1
    turn = turns.next_turn(any_database, making.ACCOUNT)
    assert turn is not None
    assert 0 < turn <= 10 - turns.LATENESS


def test_what_one_campaign_sends_closes_no_other_s_gate(any_database: Database) -> None:
    made = [making.funded(any_database, making.numbers(9), rate=0.1) for _ in range(2)]

    assert [claim(any_database, campaign) is not None for campaign in made] == [True, True]


def test_a_rated_campaign_out_of_turn_is_no_candidate(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(9), rate=0.05)
    making.claimed(any_database, campaign)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []
    assert claim(any_database, campaign) is None
    making.clock_goes_on(any_database, 20)
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]


def test_claimable_batches_are_counted_no_further_than_asked(any_database: Database) -> None:
    assert turns.count_claimable(any_database, making.ACCOUNT, 3) == 0
    making.funded(any_database, making.numbers(2), batch_size=1)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 2
    assert turns.count_claimable(any_database, making.ACCOUNT, 1) == 1


def test_one_rated_campaign_is_one_batch_to_claim_and_whatever_left_already_is_none(any_database: Database) -> None:
    making.funded(any_database, making.numbers(9), rate=1, batch_size=1)
    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 1
    unrated = making.funded(any_database, making.numbers(3), batch_size=1)
    making.accepted(any_database, unrated)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 2


def test_batches_whose_numbers_are_to_be_looked_up_are_counted_as_well(any_database: Database) -> None:
    making.funded(any_database, making.numbers(3), batch_size=1, lookup=True)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 3


def test_batches_of_another_account_are_not_counted(any_database: Database) -> None:
    making.funded(any_database, making.numbers(3), batch_size=1, account="other")
    making.funded(any_database, making.numbers(2), batch_size=1)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 2


def test_an_account_whose_requests_fell_in_doubt_has_one_batch_to_claim(any_database: Database) -> None:
    making.funded(any_database, making.numbers(3), batch_size=1)
    accounts.away(any_database, making.ACCOUNT, "timed out", doubtful=True)
    making.clock_goes_on(any_database, 60, accounts_table.c.away_until)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 1


def test_the_next_turn_is_that_of_the_gate_that_opens_first(any_database: Database) -> None:
    for rate in (0.01, 0.05):
        making.claimed(any_database, making.funded(any_database, making.numbers(3), rate=rate))

    turn = turns.next_turn(any_database, making.ACCOUNT)

    assert turn is not None
    assert 10 < turn <= 20


def test_a_gate_that_stands_open_is_waited_for_no_more(any_database: Database) -> None:
    making.claimed(any_database, making.funded(any_database, making.numbers(3), rate=1))
    making.clock_goes_on(any_database, 60)

    assert turns.next_turn(any_database, making.ACCOUNT) == 0.0


NOBODY_WAITS: dict[str, Callable[[Database, int], object]] = {
    "paused": lambda database, campaign: steering.pause(campaign, database=database),
    "cancelled": lambda database, campaign: steering.cancel(campaign, database=database),
    "waits for credits": lambda database, campaign: making.change(
        database,
        update(campaigns_table).where(campaigns_table.c.id == campaign).values(state=CampaignState.AWAITING_CREDITS),
    ),
    "its gateway is away": lambda database, _: making.away(database, making.ACCOUNT, "refused connection"),
    "all has left": lambda database, campaign: making.change(
        database, update(batches).where(batches.c.campaign_id == campaign).values(state=BatchState.ACCEPTED)
    ),
    "of another account": lambda database, campaign: making.change(
        database, update(campaigns_table).where(campaigns_table.c.id == campaign).values(account="other")
    ),
}


@pytest.mark.parametrize("why", NOBODY_WAITS)
def test_no_gate_is_waited_for_by_a_campaign_that_has_nothing_to_send_now(any_database: Database, why: str) -> None:
    campaign = making.funded(any_database, making.numbers(3), rate=0.1)
    making.claimed(any_database, campaign)
    waiting = making.funded(any_database, making.numbers(3), rate=0.1, account="third")
    making.claimed(any_database, waiting)
    assert turns.next_turn(any_database, making.ACCOUNT) is not None

    NOBODY_WAITS[why](any_database, campaign)

    assert turns.next_turn(any_database, making.ACCOUNT) is None
    assert turns.next_turn(any_database, "third") is not None


def test_a_gate_closes_from_now_on_and_one_that_stood_open_for_long_a_tenth_of_a_second_earlier(
    any_database: Database,
) -> None:
    campaign = making.funded(any_database, making.numbers(9), rate=0.1)
    for earlier in (0.0, turns.LATENESS):
        before = any_database.clock()
        making.claimed(any_database, campaign)
        after = any_database.clock()

        opens = opening(any_database, campaign) - timedelta(seconds=10 - earlier)

        assert before - SPLIT <= opens <= after + SPLIT
        making.clock_goes_on(any_database, 60)


SPLIT = timedelta(milliseconds=1)
"""SQLite's moments are no finer."""


def opening(database: Database, campaign_id: int) -> datetime:
    c = campaigns_table.c
    with database.reading() as connection:
        opens: datetime = connection.execute(select(c.next_send_at).where(c.id == campaign_id)).scalar_one()
    return opens
