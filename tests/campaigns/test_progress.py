"""The account of a campaign adds up at every moment, and is of one moment."""

import threading
from dataclasses import fields
from decimal import Decimal

import pytest

import campaigns
from campaigns import lookups, settling, silence
from campaigns.database import Database
from campaigns.prices import Prices
from campaigns.states import MessageStatus
from tests.campaigns import making

S = MessageStatus


def account_of(database: Database, campaign_id: int) -> campaigns.Progress:
    account = campaigns.progress(campaign_id, database=database)
    assert account.adds_up
    assert account.recipients == sum(account.excluded.values()) + account.messages
    assert account.messages == sum(account.by_status.values())
    return account


def test_each_status_is_counted_under_its_own_word(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(14), batch_size=11)
    found = making.accepted(any_database, campaign)
    ends = [S.DELIVERED, S.UNDELIVERED, S.NETWORK_ERROR, S.REJECTED, S.NOT_SENT, S.NO_CREDIT, S.UNREPORTED, S.REFUSED]
    in_flight = [S.WAITING, S.HANDED_OVER]
    making.reported(any_database, making.report(found, *enumerate([*ends, *in_flight])))

    account = account_of(any_database, campaign)

    words = {status.name.lower(): 1 for status in ends}
    assert account.by_status == {**words, "in_flight": 3, "pending": 3}
    assert account.open == 6


def test_the_account_adds_up_after_each_step_of_a_hard_life(any_database: Database) -> None:
    campaign = making.submitted(any_database, [*making.numbers(12), making.FIRST], batch_size=2, lookup=True)
    assert account_of(any_database, campaign).excluded == {"duplicate": 1}
    making.fund(any_database)
    looked_up = [making.claimed(any_database, campaign) for _ in range(6)]
    for found in looked_up:
        account_of(any_database, campaign)
        settling.accept(any_database, found, making.acceptance(found, left_out=[found.payload.numbers[0]]))
        lookups.clean(any_database, found.batch_id, Prices({"": Decimal(1)}))
        account_of(any_database, campaign)
    making.advance(any_database)
    sent = [making.claimed(any_database, campaign) for _ in range(5)]
    settling.accept(any_database, sent[0], making.acceptance(sent[0]))
    settling.refuse(any_database, sent[1], -9, "no")
    settling.doubt(any_database, sent[2], "timed out")
    settling.release(any_database, sent[3], "connection refused")
    account = account_of(any_database, campaign)
    assert account.excluded == {"duplicate": 1, "unreachable": 6}
    assert account.by_status == {"pending": 2, "sending": 1, "in_flight": 1, "refused": 1, "in_doubt": 1}
    assert (account.credits_held, account.credits_posted, account.in_doubt_attempts) == (2, 7, 1)
    campaigns.cancel(campaign, database=any_database)
    assert account_of(any_database, campaign).by_status["voided"] == 2
    settling.accept(any_database, sent[4], making.acceptance(sent[4]))
    settling.accept(any_database, sent[2], making.acceptance(sent[2]))
    account_of(any_database, campaign)
    making.clock_goes_on(any_database, 60)
    silence.give_up(any_database, older_than=1)
    making.advance(any_database)

    account = account_of(any_database, campaign)
    assert account.by_status == {"unreported": 3, "refused": 1, "voided": 2}
    assert (account.finished, account.open, account.credits_held) == (True, 0, 0)


def test_progress_is_of_one_moment_while_everything_moves(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(60), batch_size=2)
    done = threading.Event()

    def move() -> None:
        try:
            for found in making.all_accepted(any_database, campaign):
                making.reported(any_database, making.report(found, (0, S.DELIVERED), (1, S.UNDELIVERED)))
        finally:
            done.set()

    def look() -> int:
        looks = 0
        while not done.is_set():
            account_of(any_database, campaign)
            looks += 1
        return looks

    _, looks = making.at_once(move, look)

    assert looks > 0
    assert account_of(any_database, campaign).by_status == {"delivered": 30, "undelivered": 30}


def test_rows_that_are_not_yet_expanded_are_in_their_place(any_database: Database) -> None:
    rows = [{"numero": str(number)} for number in making.numbers(5)]
    made = campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 2}, rows, database=any_database)

    account = campaigns.progress(made.id, database=any_database)

    assert (account.recipients, account.expanded, account.messages, account.adds_up) == (5, 0, 0, True)


def test_credits_are_estimated_held_posted_and_refunded(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(4), batch_size=2)
    estimated = account_of(any_database, campaign)
    making.fund(any_database)
    held = account_of(any_database, campaign)
    found = making.accepted(any_database, campaign)
    posted = account_of(any_database, campaign)
    making.reported(any_database, making.report(found, (0, S.NOT_SENT)))
    refunded = account_of(any_database, campaign)

    assert (estimated.credits_estimated, estimated.credits_held) == (4, 0)
    assert held.credits_held == 4
    assert (posted.credits_held, posted.credits_posted, posted.credits_spent) == (2, 2, 2)
    assert (refunded.credits_refunded, refunded.credits_spent) == (1, 1)


def test_a_lookup_that_was_made_is_not_held_for_any_more(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(2), lookup=True)
    making.fund(any_database)
    before = account_of(any_database, campaign).credits_held
    making.accepted(any_database, campaign)

    assert (before, account_of(any_database, campaign).credits_held) == (4, 2)


def test_a_campaign_is_found_by_its_key(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(1), key="promo-12")

    assert campaigns.find("promo-12", database=any_database).id == campaign
    with pytest.raises(campaigns.UnknownCampaignError, match="has the key 'promo-13'"):
        campaigns.find("promo-13", database=any_database)
    with pytest.raises(campaigns.UnknownCampaignError, match="no campaign has the id 99"):
        campaigns.progress(99, database=any_database)


def test_no_number_and_no_text_is_in_the_account(any_database: Database) -> None:
    account = account_of(any_database, making.submitted(any_database, [*making.numbers(2), making.FIRST]))

    shown = " ".join(str(getattr(account, field.name)) for field in fields(account))
    assert str(making.FIRST) not in shown
    assert "Bonjour" not in shown
