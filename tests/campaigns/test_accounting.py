"""Each row of a campaign's account: they add up to what `progress` counts, whatever has become of the campaign."""

import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

import campaigns
from campaigns import accounting, bisection, engines, expansion, lookups, settling
from campaigns.accounting import NOT_EXPANDED
from campaigns.database import Database
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import Decision, MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

S = MessageStatus
PRICES = Prices({"": Decimal(1)})


def entries_of(database: Database, campaign: int) -> list[campaigns.Entry]:
    """The campaign's, which are as many of each kind as its account counts, and no row twice."""
    found = list(campaigns.entries(campaign, database=database))
    account = making.account(database, campaign)
    waiting = account.recipients - account.expanded
    expected = {**account.by_status, **account.excluded, **({NOT_EXPANDED: waiting} if waiting else {})}
    assert Counter(entry.status for entry in found) == expected
    assert len(found) == account.recipients
    assert len({entry.row for entry in found}) == len(found)
    assert sum(entry.segments or 0 for entry in found) == account.segments
    return found


def test_the_rows_add_up_after_each_step_of_a_hard_life(any_database: Database) -> None:
    campaign = making.submitted(any_database, [*making.numbers(12), making.FIRST], batch_size=2, lookup=True)
    entries_of(any_database, campaign)
    making.fund(any_database)
    for claim in [making.claimed(any_database, campaign) for _ in range(6)]:
        entries_of(any_database, campaign)
        settling.accept(any_database, claim, making.acceptance(claim, left_out=[claim.payload.numbers[0]]))
        lookups.clean(any_database, claim.batch_id, PRICES)
    making.advance(any_database)
    sent = [making.claimed(any_database, campaign) for _ in range(5)]
    settling.accept(any_database, sent[0], making.acceptance(sent[0]))
    settling.refuse(any_database, sent[1], -9, "no")
    settling.doubt(any_database, sent[2], "timed out")
    settling.release(any_database, sent[3], "connection refused")
    entries_of(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)

    statuses = Counter(entry.status for entry in entries_of(any_database, campaign))

    assert statuses == {
        "duplicate": 1,
        "unreachable": 6,
        "voided": 2,
        "sending": 1,
        "in_flight": 1,
        "refused": 1,
        "in_doubt": 1,
    }


def test_a_halved_batch_is_told_by_its_halves(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(5), batch_size=5)
    claim = making.claimed(any_database, campaign)
    bisection.refuse(any_database, claim, "cannot be read", code=-1, prices=PRICES)
    making.accepted(any_database, campaign)

    found = entries_of(any_database, campaign)

    assert [(entry.batch, entry.status) for entry in found] == [(-1, "in_flight")] * 3 + [(0, "pending")] * 2


def test_a_message_has_its_ids_its_times_and_what_it_cost(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    claim = making.claimed(any_database, campaign)
    settling.accept(any_database, claim, making.acceptance(claim, "f7", left_out=[making.FIRST + 2]))
    making.reported(any_database, making.report(claim, (0, S.DELIVERED), (1, S.NOT_SENT), msgfid="f7"))

    delivered, unsent, refused = entries_of(any_database, campaign)

    assert (delivered.row, delivered.number, delivered.status) == (1, str(making.FIRST), "delivered")
    assert (delivered.msgfid, delivered.smsfid) == ("f7", "f7-0")
    assert (delivered.segments, delivered.credits, delivered.refunded) == (1, 1, None)
    assert (unsent.status, unsent.credits, unsent.refunded) == ("not_sent", 1, 1)
    assert (refused.status, refused.credits, refused.smsfid) == ("refused", 0, None)
    assert delivered.sent_at is not None
    assert delivered.changed_at is not None
    assert timedelta(0) <= delivered.changed_at - delivered.sent_at < timedelta(minutes=1)


def test_what_credits_were_taken_and_given_back_sums_up_to_the_account(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(10), batch_size=4)
    for claim in making.all_accepted(any_database, campaign):
        making.reported(any_database, making.report(claim, (0, S.NO_CREDIT), (1, S.DELIVERED)))

    found = entries_of(any_database, campaign)

    account = making.account(any_database, campaign)
    assert sum(entry.credits or 0 for entry in found) == account.credits_posted == 10
    assert sum(entry.refunded or 0 for entry in found) == account.credits_refunded == 3


def test_whoever_was_texted_twice_cost_twice(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    first = making.claimed(any_database, campaign)
    settling.doubt(any_database, first, "timed out")
    making.advance(any_database)
    campaigns.resolve(first.attempt_id, Decision.RESEND, by="awa", reason="lost", database=any_database)
    making.fund(any_database)
    second = making.accepted(any_database, campaign, "f2")
    settling.accept(any_database, first, making.acceptance(first, "f1"))

    found = entries_of(any_database, campaign)

    assert making.account(any_database, campaign).duplicates == 2
    assert [(entry.credits, entry.msgfid) for entry in found] == [(2, "f2")] * 2
    assert second.attempt_id != first.attempt_id


def test_rows_that_are_not_expanded_yet_are_told_as_they_came(any_database: Database) -> None:
    rows = [{"numero": f"+{number}"} for number in making.numbers(5)]
    made = campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 2}, rows, database=any_database)

    found = entries_of(any_database, made.id)

    assert [(entry.number, entry.status) for entry in found] == [
        (f"+{number}", NOT_EXPANDED) for number in making.numbers(5)
    ]
    expansion.expand_slice(any_database, made.id, domain_settings())
    assert {entry.status for entry in entries_of(any_database, made.id)} == {"pending"}


def test_they_are_of_one_moment_while_the_campaign_goes_on(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.accounting.AT_ONCE", 2)
    campaign = making.funded(any_database, making.numbers(6), batch_size=2)
    found = campaigns.entries(campaign, database=any_database)
    first = next(found)
    claim = making.claimed(any_database, campaign)
    bisection.refuse(any_database, claim, "cannot be read", code=-1, prices=PRICES)

    rest = list(found)

    assert [entry.status for entry in (first, *rest)] == ["pending"] * 6


@pytest.mark.parametrize("at_once", [1, 3, 1_000])
def test_however_many_are_read_together_nobody_is_missing(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("campaigns.accounting.AT_ONCE", at_once)
    monkeypatch.setattr("campaigns.accounting._HEADS_AT_ONCE", 2)
    numbers = [*making.numbers(9), making.FIRST, making.FIRST + 1, making.FIRST + 2]
    campaign = making.funded(any_database, numbers, batch_size=2)
    making.all_accepted(any_database, campaign)

    assert len(entries_of(any_database, campaign)) == 12


def test_whoever_takes_them_may_rest_for_as_long_as_he_likes(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pager does, or a browser on a slow line, for longer than the server has a transaction rest."""
    monkeypatch.setattr(engines, "IDLE_IN_TRANSACTION", "100ms")
    monkeypatch.setattr(accounting, "AT_ONCE", 1)
    campaign = making.submitted(any_database, making.numbers(3), batch_size=1)
    any_database.close()  # the next connection is made as the setting says now

    taken = []
    for entry in campaigns.entries(campaign, database=any_database):
        taken.append(entry.row)
        time.sleep(0.3)

    assert len(taken) == 3


def test_no_campaign_has_no_rows(any_database: Database) -> None:
    with pytest.raises(campaigns.UnknownCampaignError, match="no campaign has the id 99"):
        next(campaigns.entries(99, database=any_database))


def test_messages_are_found_by_their_keys_and_never_one_by_one(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(60), batch_size=3)
    making.all_accepted(any_database, campaign)

    with plans_of(any_database, "messages") as plans:
        found = list(campaigns.entries(campaign, database=any_database))

    assert len(found) == 60
    (plan,) = plans
    assert "Seq Scan on messages" not in plan
    assert "SCAN messages" not in plan
