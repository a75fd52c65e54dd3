"""What a person is told of a request in doubt."""

from decimal import Decimal

import campaigns
from campaigns import balances, settling
from campaigns.balances import Balance
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.witness import Verdict
from tests.campaigns import making


def lost(database: Database, campaign_id: int) -> Claim:
    found = making.claimed(database, campaign_id)
    settling.doubt(database, found, "timed out")
    return found


def test_a_doubt_is_listed_with_what_is_at_stake_and_what_becomes_of_it(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), batch_size=2, in_doubt="write_off")
    making.accepted(any_database, campaign)
    found = lost(any_database, campaign)
    making.clock_goes_on(any_database, 60)

    (doubt,) = campaigns.open_doubts(database=any_database)

    assert (doubt.attempt_id, doubt.campaign_id, doubt.campaign) == (found.attempt_id, campaign, "Rappel")
    assert (doubt.batch, doubt.numbers, doubt.credits, doubt.detail) == (2, 1, 1, "timed out")
    assert 60 <= doubt.age < 90
    assert doubt.acts_at is not None
    assert (doubt.acts_at - doubt.since).total_seconds() == 1_800
    assert doubt.witness.verdict is None


def test_only_what_is_in_doubt_is_listed_by_account_by_campaign_and_by_page(any_database: Database) -> None:
    one = making.funded(any_database, making.numbers(4), batch_size=1)
    other = making.funded(any_database, making.numbers(2), batch_size=1, account="other")
    made = [lost(any_database, one), lost(any_database, one), lost(any_database, other)]
    making.claimed(any_database, one)
    making.accepted(any_database, one)
    looked_up = making.funded(any_database, making.numbers(2), lookup=True)
    lost(any_database, looked_up)
    ids = [claim.attempt_id for claim in made]

    def listed(**which: object) -> list[int]:
        return [doubt.attempt_id for doubt in campaigns.open_doubts(database=any_database, **which)]  # type: ignore[arg-type]

    assert listed() == ids
    assert listed(campaign_id=one) == ids[:2]
    assert listed(account="other") == ids[2:]
    assert (listed(most=1), listed(after=ids[0], most=1)) == (ids[:1], ids[1:2])
    campaigns.resolve(ids[0], "write_off", by="awa", reason="late", database=any_database)
    assert listed() == ids[1:]


def test_the_balance_before_and_after_is_shown_with_what_it_proves(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3))

    def heard(left: int, consumed: int) -> None:
        told = Balance(Decimal(left), Decimal(consumed), None, any_database.clock())
        balances.note_balance(any_database, making.ACCOUNT, told)

    making.fund(any_database)
    heard(100, 50)
    lost(any_database, campaign)
    heard(97, 53)

    (doubt,) = campaigns.open_doubts(database=any_database)

    assert doubt.witness.before is not None
    assert doubt.witness.after is not None
    assert (doubt.witness.before.credits, doubt.witness.after.credits) == (100, 97)
    assert doubt.witness.verdict == Verdict.TAKEN
