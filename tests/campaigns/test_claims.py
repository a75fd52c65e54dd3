"""A batch is claimed once, and its attempt written down before anything is sent."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select

import campaigns
from campaigns import claims, settling, turns
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.states import AttemptKind, AttemptState
from tests.campaigns import making


def claim(database: Database, campaign_id: int) -> Claim | None:
    return claims.claim(database, campaign_id, lease_seconds=making.LEASE)


def test_a_claim_tells_all_that_a_request_needs(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), flash=True)

    found = making.claimed(any_database, campaign)

    assert (found.kind, found.account, found.campaign_id, found.number) == (AttemptKind.SEND, "default", campaign, 1)
    assert list(found.payload.numbers) == making.numbers(3)
    assert (found.sender, found.flash, found.merged, found.wire_text) == (making.SENDER, True, True, "Bonjour {f1}")
    assert found.msgid.isalnum()
    assert len(found.msgid) <= 30


def test_the_attempt_is_in_the_database_before_anything_is_sent(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))

    found = making.claimed(any_database, campaign)

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgid, attempt.size) == (AttemptState.OPEN, found.msgid, 3)
    assert attempt.estimated == 3
    assert (attempt.leased_until - attempt.started_at).total_seconds() == pytest.approx(making.LEASE, abs=0.01)
    assert making.account(any_database, campaign).by_status == {"sending": 3}


def test_a_claim_shows_no_number_and_no_text() -> None:
    shown = repr(settling.Acceptance("f1", Decimal(1), making.ReceiptLines([], []), [making.FIRST]))

    assert str(making.FIRST) not in shown


def test_batches_are_claimed_in_their_order_until_none_is_left(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(5), batch_size=2)

    found = [claim(any_database, campaign) for _ in range(4)]

    assert [each and each.number for each in found] == [1, 2, 3, None]


@pytest.mark.parametrize("stop", [campaigns.pause, campaigns.cancel], ids=["paused", "cancelled"])
def test_nothing_is_claimed_of_a_campaign_that_was_stopped(any_database: Database, stop: object) -> None:
    campaign = making.funded(any_database, making.numbers(3), batch_size=1)
    making.claimed(any_database, campaign)

    stop(campaign, database=any_database)  # type: ignore[operator]

    assert claim(any_database, campaign) is None
    assert turns.candidates(any_database, making.ACCOUNT, 9) == []


def test_a_resumed_campaign_goes_on_where_it_was(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)

    campaigns.resume(campaign, database=any_database)

    assert making.claimed(any_database, campaign).number == 2


def test_nothing_is_claimed_before_the_credits_are_set_aside(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(1))

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []
    assert claim(any_database, campaign) is None


def test_claimers_at_once_never_get_the_same_batch_and_leave_none(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(40), batch_size=1)

    def take_all() -> list[int]:
        found = []
        while (one := claim(any_database, campaign)) is not None:
            found.append(one.number)
        return found

    taken = making.at_once(take_all, take_all, take_all, take_all)

    assert sorted(number for numbers in taken for number in numbers) == list(range(1, 41))


def test_a_lease_is_held_until_it_ends(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))

    assert claims.holds_lease(any_database, found, seconds=50)
    assert not claims.holds_lease(any_database, found, seconds=70)


def test_a_lease_is_lost_with_the_attempt(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    settling.doubt(any_database, found, "timed out")

    assert not claims.holds_lease(any_database, found, seconds=1)


def test_a_claim_waits_for_no_other_lane(postgresql: Database) -> None:
    campaign = making.funded(postgresql, making.numbers(2), batch_size=1)
    with postgresql.transaction() as connection:
        connection.execute(
            select(campaigns_table).where(campaigns_table.c.id == campaign).with_for_update(read=True)
        ).one()
        connection.execute(select(batches_table.c.id).where(batches_table.c.number == 1).with_for_update()).one()

        assert making.claimed(postgresql, campaign).number == 2


def test_a_batch_has_one_attempt_for_each_claim(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    making.all_accepted(any_database, campaign)

    with any_database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(attempts)).scalar_one() == 2
