"""Credits are promised once: to the oldest campaign first, and never more than the account has."""

from decimal import Decimal

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

import campaigns
from campaigns import accounts as locked_accounts
from campaigns import balances, lookups, settling, witness
from campaigns import credits as ledger
from campaigns.balances import Balance
from campaigns.database import Database
from campaigns.models import accounts, holds
from campaigns.models import campaigns as campaigns_table
from campaigns.prices import Prices
from campaigns.states import CampaignState
from tests.campaigns import making

SENDING, AWAITING = CampaignState.SENDING, CampaignState.AWAITING_CREDITS


def free(database: Database, balance: Balance) -> Decimal:
    with database.transaction() as connection:
        return ledger.available(connection, making.ACCOUNT, balance)


def held(database: Database) -> dict[int, Decimal]:
    with database.reading() as connection:
        found = connection.execute(select(holds.c.campaign_id, holds.c.credits)).all()
        return {row.campaign_id: row.credits for row in found}


def test_the_oldest_campaign_is_paid_for_first_and_a_smaller_one_may_pass(any_database: Database) -> None:
    made = [making.submitted(any_database, making.numbers(count)) for count in (5, 10, 3)]

    assert making.fund(any_database, 8) == 2

    assert [making.state(any_database, campaign) for campaign in made] == [SENDING, AWAITING, SENDING]
    assert held(any_database) == {made[0]: 5, made[2]: 3}


def test_those_who_wait_for_the_same_are_not_written_again(any_database: Database) -> None:
    for _ in range(3):
        making.submitted(any_database, making.numbers(10))
    written: list[str] = []
    event.listen(any_database.engine, "before_cursor_execute", lambda *call: written.append(call[2]))
    counts = []

    for balance in (2, 2, 5):
        written.clear()
        making.fund(any_database, balance)
        counts.append(len([statement for statement in written if statement.startswith("UPDATE campaigns")]))

    assert counts == [3, 0, 3]


def test_the_shortfall_is_named(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(10))

    making.fund(any_database, "2.5")

    account = making.account(any_database, campaign)
    assert account.reason == account.waits_for
    assert account.reason is not None
    assert "needs 10" in account.reason.replace(".0000", "")
    assert "7.5" in account.reason
    with any_database.reading() as connection:
        assert connection.execute(select(campaigns_table.c.shortfall)).scalar_one() == Decimal("7.5")


def test_a_campaign_that_shall_not_wait_fails_and_says_what_is_missing(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(10), on_insufficient_credits="fail")

    making.fund(any_database, 9)

    account = making.account(any_database, campaign)
    assert (account.state, account.finished, account.adds_up) == (CampaignState.FAILED, True, True)
    assert account.by_status == {"voided": 10}
    assert "1" in (account.reason or "")


def test_a_campaign_that_waits_goes_on_when_the_balance_has_risen(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(10))
    making.fund(any_database, 9)
    assert ledger.waiting(any_database, making.ACCOUNT)
    assert not ledger.waiting(any_database, making.ACCOUNT, only_new=True)

    assert making.fund(any_database, 10) == 1

    assert making.state(any_database, campaign) == SENDING
    assert making.account(any_database, campaign).reason is None
    assert not ledger.waiting(any_database, making.ACCOUNT)


def test_what_other_campaigns_hold_is_not_free(any_database: Database) -> None:
    making.submitted(any_database, making.numbers(6))
    making.fund(any_database, 10)
    late = making.submitted(any_database, making.numbers(5))

    making.fund(any_database, 10)

    assert making.state(any_database, late) == AWAITING


@pytest.mark.parametrize("end", [campaigns.cancel, None], ids=["cancelled", "sent"])
def test_a_hold_ends_with_what_it_was_for(any_database: Database, end: object) -> None:
    first = making.submitted(any_database, making.numbers(6))
    making.fund(any_database, 10)
    if end:
        campaigns.cancel(first, database=any_database)
    else:
        making.accepted(any_database, first)
        making.clock_goes_on(any_database, 1)

    assert free(any_database, making.balance(any_database, 10)) == 10


@pytest.mark.parametrize("settled", ["open", "in doubt", "accepted since", "accepted before", "not sent", "refused"])
def test_attempts_that_were_unsettled_when_the_balance_was_asked_are_not_free(
    any_database: Database, settled: str
) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(4)))
    balance = making.balance(any_database, 10)
    if settled == "in doubt":
        settling.doubt(any_database, found, "timed out")
    elif settled.startswith("accepted"):
        settling.accept(any_database, found, making.acceptance(found))
    elif settled == "refused":
        settling.refuse(any_database, found, -9, "no valid recipient")
    elif settled == "not sent":
        settling.release(any_database, found, "connection refused")  # held again
    if settled == "accepted before":
        making.clock_goes_on(any_database, 60)

    assert free(any_database, balance) == (10 if settled in ("accepted before", "refused") else 6)


@pytest.mark.parametrize("count", [2, 4])
def test_funders_at_once_cannot_promise_the_same_credits(any_database: Database, count: int) -> None:
    for _ in range(4):
        making.submitted(any_database, making.numbers(5))
    balance = making.balance(any_database, 12)

    def fund() -> int:
        return ledger.fund(
            any_database,
            making.ACCOUNT,
            balance,
            senders=[making.SENDER],
            default_sender=None,
        )

    assert sum(making.at_once(*[fund] * count)) == 2
    assert sum(held(any_database).values()) == 10


def test_whoever_funds_waits_for_the_account_whatever_campaigns_he_would_find(database_url: str) -> None:
    impatient = Database(database_url + ("&" if "?" in database_url else "?") + "options=-c%20lock_timeout%3D100")
    with impatient.transaction() as connection:
        locked_accounts.lock(connection, making.ACCOUNT)

        with pytest.raises(OperationalError, match="lock timeout"):
            making.fund(impatient)
    impatient.close()


def test_an_unknown_sender_pauses_the_campaign_before_it_costs_anything(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), sender="INCONNU")

    assert making.fund(any_database) == 0

    account = making.account(any_database, campaign)
    assert account.paused_at is not None
    assert "'INCONNU' is not registered" in (account.waits_for or "")
    assert held(any_database) == {}
    assert not ledger.waiting(any_database, making.ACCOUNT)


def test_a_campaign_with_no_sender_uses_its_accounts_own(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), sender=None)

    assert making.fund(any_database, default_sender=making.SENDER) == 1
    assert making.state(any_database, campaign) == SENDING


def test_a_campaign_with_no_sender_at_all_is_paused(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), sender=None)

    assert making.fund(any_database) == 0
    assert "names no sender" in (making.account(any_database, campaign).waits_for or "")


def test_a_paused_campaign_is_funded_once_it_is_resumed(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), sender="NOUVEAU")
    making.fund(any_database)
    campaigns.resume(campaign, database=any_database)

    assert making.fund(any_database, senders=["NOUVEAU"]) == 1


def test_lookups_are_paid_for_as_well(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), lookup=True)

    making.fund(any_database, 5)
    short = making.state(any_database, campaign)
    making.fund(any_database, 6)

    assert (short, making.state(any_database, campaign)) == (AWAITING, CampaignState.CLEANING)
    assert held(any_database) == {campaign: 6}
    assert making.account(any_database, campaign).credits_held == 6


LONG = witness.LINGERING.total_seconds() + 1


def test_a_lookup_in_doubt_counts_until_its_batch_went_on_and_the_gateway_will_not_take_it_any_more(
    any_database: Database,
) -> None:
    campaign = making.funded(any_database, making.numbers(4), lookup={"unknown": "send"})
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    waiting = free(any_database, making.balance(any_database, 100))

    lookups.clean(any_database, found.batch_id, Prices({"": Decimal(1)}))
    without_it = free(any_database, making.balance(any_database, 100))
    making.clock_goes_on(any_database, LONG)

    assert (waiting, without_it) == (100 - 4 - 4, 100 - 4 - 4)
    assert free(any_database, making.balance(any_database, 100)) == 100 - 4


def test_lookups_that_were_all_made_get_no_more_time(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), lookup=True)
    making.accepted(any_database, campaign)
    making.change(any_database, update(campaigns_table).values(state=AWAITING))
    making.clock_goes_on(any_database, 700)

    making.fund(any_database)

    assert len(lookups.hopeless(any_database, deadline=600)) == 1


def test_no_campaign_is_passed_over_however_many_wait(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CAMPAIGNS_AT_ONCE", 2)
    for _ in range(4):
        making.submitted(any_database, making.numbers(9))
    small = [making.submitted(any_database, making.numbers(1)) for _ in range(3)]

    assert making.fund(any_database, 3) == 3
    assert set(held(any_database)) == set(small)


def test_an_older_balance_does_not_replace_a_newer_one(any_database: Database) -> None:
    older = making.balance(any_database, 5)
    making.clock_goes_on(any_database, 0)
    newer = Balance(Decimal(7), Decimal(3), None, any_database.clock())

    balances.note_balance(any_database, making.ACCOUNT, newer)
    balances.note_balance(any_database, making.ACCOUNT, older)

    with any_database.reading() as connection:
        kept = connection.execute(select(accounts.c.balance, accounts.c.consumed)).one()
    assert tuple(kept) == (7, 3)


@pytest.mark.parametrize(
    ("amount", "written"),
    [("600000.0000", "600,000"), ("1234567.5000", "1,234,567.5"), ("300.0000", "300"), ("0.5000", "0.5"), ("0", "0")],
)
def test_credits_in_a_sentence_are_written_as_all_figures_are(amount: str, written: str) -> None:
    assert ledger.plain(Decimal(amount)) == written
