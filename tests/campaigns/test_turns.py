"""Whose turn it is: the campaigns of an account take turns at random, and a rated one keeps its pace."""

from collections import Counter

from campaigns import claims, turns
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import campaigns as campaigns_table
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
    campaign = making.funded(any_database, making.numbers(60), rate=10)
    making.claimed(any_database, campaign)
    making.clock_goes_on(any_database, 60)

    burst = [claim(any_database, campaign) for _ in range(4)]

    assert len([one for one in burst if one]) == 1
    turn = turns.next_turn(any_database, making.ACCOUNT)
    assert turn is not None
    assert 0 <= turn <= 0.1


def test_a_rated_campaign_out_of_turn_is_no_candidate(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(9), rate=1)
    making.claimed(any_database, campaign)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []
    assert claim(any_database, campaign) is None
    making.clock_goes_on(any_database, 1)
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]


def test_claimable_batches_are_counted_no_further_than_asked(any_database: Database) -> None:
    assert turns.count_claimable(any_database, making.ACCOUNT, 3) == 0
    making.funded(any_database, making.numbers(2), batch_size=1)

    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 2
    assert turns.count_claimable(any_database, making.ACCOUNT, 1) == 1
