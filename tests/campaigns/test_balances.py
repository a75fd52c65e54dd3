"""What the gateway says is kept beside what our ledger says, and the difference is known or is not said."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from campaigns import accounts, balances, corrections, doubts, reports, settling
from campaigns.balances import Balance
from campaigns.database import Database
from campaigns.models import accounts as table
from campaigns.models import attempts, balance_readings
from campaigns.resolving import resolve
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.gateways import Count, last_reading, later


def figures(database: Database, *names: str) -> list[Any]:
    row = last_reading(database)
    return [row[name] for name in names]


def rows(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(balance_readings)).scalar_one()


def test_a_reading_holds_the_gateways_figures_and_our_own(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    later(any_database)
    campaign = making.funded(any_database, making.numbers(9), batch_size=3)
    gateway.accept(making.claimed(any_database, campaign))
    claim = making.claimed(any_database, campaign)
    gateway.accept(claim)
    making.reported(any_database, making.report(claim, (0, MessageStatus.REJECTED)))
    gateway.take(-1)
    gateway.lose(making.claimed(any_database, campaign), taken=False)
    later(any_database)

    gateway.read()

    assert figures(any_database, "credits", "consumed") == [995, 5005]
    assert figures(any_database, "posted", "refunded", "unsettled") == [6, 1, 3]
    assert figures(any_database, "still", "drift") == [True, 0]


def test_what_was_asked_again_and_is_the_same_takes_no_row(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    first = last_reading(any_database)
    later(any_database, 60)

    gateway.read()

    again = last_reading(any_database)
    assert rows(any_database) == 1
    assert again["confirmed_at"] > first["confirmed_at"]  # type: ignore[operator]
    assert again["asked_at"] < again["confirmed_at"]  # type: ignore[operator]


def test_another_program_shows_as_drift_and_a_top_up_does_not(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    gateway.left += 500
    later(any_database)
    gateway.read()
    topped_up = last_reading(any_database)
    gateway.take(12)
    later(any_database)
    gateway.read()

    assert topped_up["drift"] == 0
    assert figures(any_database, "drift", "credits") == [12, 1488]


def test_a_price_that_is_not_ours_is_no_drift_for_the_receipt_names_it(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    gateway.take(6)
    taken = making.acceptance(claim)
    settling.accept(any_database, claim, settling.Acceptance(taken.msgfid, Decimal(6), taken.lines))
    later(any_database)

    gateway.read()

    assert figures(any_database, "posted", "drift") == [6, 0]


def test_what_was_posted_is_not_corrected_while_the_balance_is_being_noted(postgresql: Database) -> None:
    Count(postgresql).read()
    entry: Any = SimpleNamespace(account=making.ACCOUNT, entered_at=postgresql.clock())

    with postgresql.transaction() as noting, postgresql.engine.connect() as correcting:
        accounts.lock(noting, making.ACCOUNT)
        correcting.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            corrections.restate(correcting, entry, posted=1)


@pytest.mark.parametrize("under_way", ["open", "accepted", "in doubt", "reports"])
def test_while_anything_is_under_way_the_drift_is_not_known(any_database: Database, under_way: str) -> None:
    gateway = Count(any_database)
    gateway.read()
    later(any_database)
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    balance = gateway.balance()
    if under_way == "accepted":
        gateway.accept(claim)
    elif under_way == "in doubt":
        gateway.lose(claim)
    elif under_way == "reports":
        gateway.accept(claim)
        later(any_database)
        making.stored(any_database)
        balance = gateway.balance()

    balances.note_balance(any_database, making.ACCOUNT, balance)

    assert figures(any_database, "still", "drift") == [False, None]


def test_a_refused_request_in_the_air_costs_nothing_and_hides_no_drift(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    balance = gateway.balance()
    settling.refuse(any_database, claim, -9, "no valid recipient")

    balances.note_balance(any_database, making.ACCOUNT, balance)

    assert figures(any_database, "still", "drift") == [True, 0]


def test_reports_that_nobody_here_claims_do_not_keep_the_drift_unknown(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.lose(making.claimed(any_database, making.funded(any_database, making.numbers(3))))
    making.reported(any_database, reports.Reports(["foreign"], ["s"], [str(making.FIRST)], [MessageStatus.DELIVERED]))
    later(any_database)

    gateway.read()

    assert figures(any_database, "still") == [True]


def test_a_gateway_without_a_count_has_readings_and_no_drift(any_database: Database) -> None:
    balances.note_balance(any_database, making.ACCOUNT, making.balance(any_database, 7))

    assert figures(any_database, "credits", "consumed", "drift") == [7, None, None]


def test_what_is_posted_while_a_busy_reading_is_made_is_in_the_next_still_one(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    first, second = making.claimed(any_database, campaign), making.claimed(any_database, campaign)
    gateway.accept(first)
    later(any_database)
    gateway.read()
    busy = figures(any_database, "still", "posted")
    gateway.accept(second)
    later(any_database)

    gateway.read()

    assert busy == [False, 3]
    assert figures(any_database, "posted", "drift") == [6, 0]


def test_what_was_settled_before_a_busy_reading_and_committed_after_it_is_in_the_next_still_one(
    any_database: Database,
) -> None:
    gateway = Count(any_database)
    gateway.read()
    campaign = making.funded(any_database, making.numbers(3))
    later(any_database)
    claim = making.claimed(any_database, campaign)
    gateway.read()
    gateway.accept(claim)
    making.clock_goes_on(any_database, 0.5, attempts.c.settled_at)  # its own clock was read before that reading
    later(any_database)

    gateway.read()

    assert figures(any_database, "posted", "drift") == [3, 0]


def test_what_came_back_is_counted_once_however_often_it_is_read(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    gateway.accept(claim := making.claimed(any_database, campaign))
    making.reported(any_database, making.report(claim, (0, MessageStatus.REJECTED)))
    gateway.take(-1)
    later(any_database)
    gateway.read()
    later(any_database)
    gateway.accept(making.claimed(any_database, campaign))
    later(any_database)

    gateway.read()

    assert figures(any_database, "posted", "refunded", "drift") == [4, 1, 0]


def test_a_doubt_that_was_taken_drifts_until_it_is_proven(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    gateway.lose(claim)
    later(any_database)
    gateway.read()
    in_doubt = figures(any_database, "unsettled", "drift")
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, claim), "f")
    later(any_database)

    gateway.read()

    assert in_doubt == [3, 3]
    assert figures(any_database, "posted", "unsettled", "drift") == [3, 0, 0]


def test_a_late_reply_that_names_another_price_corrects_what_was_read(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    gateway.take(2)
    gateway.lose(claim, taken=False)
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, claim), "f")
    later(any_database)
    gateway.read()
    assumed = figures(any_database, "posted", "drift")

    reply = making.acceptance(claim, "f", left_out=[making.FIRST])
    settling.accept(any_database, claim, reply)

    assert assumed == [3, -1]
    assert figures(any_database, "posted", "drift") == [2, 0]
    later(any_database)
    gateway.read()
    assert figures(any_database, "posted", "drift") == [2, 0]


def test_the_reply_to_what_was_declared_accepted_corrects_what_was_read(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    gateway.take(2)
    gateway.lose(claim, taken=False)
    resolve(claim.attempt_id, "accepted", by="awa", reason="it is in their log", database=any_database)
    later(any_database)
    gateway.read()
    assumed = figures(any_database, "posted", "drift")

    settling.accept(any_database, claim, making.acceptance(claim, "f", left_out=[making.FIRST]))

    assert (assumed, figures(any_database, "posted", "drift")) == ([3, -1], [2, 0])


def test_what_the_gateway_says_of_one_account_is_noted_of_no_other(any_database: Database) -> None:
    here, there = Count(any_database), Count(any_database, Decimal(7), Decimal(70), "other")
    here.read()
    there.read()
    there.take(5)
    later(any_database)
    there.read()

    with any_database.reading() as connection:
        known = connection.execute(select(table.c.name, table.c.balance, table.c.consumed)).all()
    assert sorted(map(tuple, known)) == [(making.ACCOUNT, 1000, 5000), ("other", 2, 75)]
    assert last_reading(any_database, "other")["drift"] == 5
    assert last_reading(any_database)["drift"] == 0


def test_a_refund_that_was_none_is_taken_out_of_what_was_read(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    gateway.accept(claim)
    making.reported(any_database, making.report(claim, (0, MessageStatus.REJECTED)))
    later(any_database)
    gateway.read()
    believed = figures(any_database, "refunded", "drift")

    making.reported(any_database, making.report(claim, (0, MessageStatus.DELIVERED)))

    assert believed == [1, 1]
    assert figures(any_database, "refunded", "drift") == [0, 0]


def test_accounts_are_read_apart(any_database: Database) -> None:
    shop, other = Count(any_database, account="shop"), Count(any_database, account="other")
    shop.read()
    other.read()
    campaign = making.funded(any_database, making.numbers(3), account="shop")
    shop.accept(making.claimed(any_database, campaign))
    later(any_database)

    other.read()

    read = last_reading(any_database, "other")
    assert (read["posted"], read["drift"]) == (0, 0)


def test_after_a_doubt_the_balance_is_asked_until_a_still_moment_was_read(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.read()
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    lost, open_ = making.claimed(any_database, campaign), making.claimed(any_database, campaign)
    at_first = balances.wanted(any_database, making.ACCOUNT)
    gateway.lose(lost)
    just_asked = balances.wanted(any_database, making.ACCOUNT)

    def asked_five_seconds_ago() -> bool:
        making.clock_goes_on(any_database, 5, balances.accounts_table.c.balance_asked_at)
        later(any_database)
        return balances.wanted(any_database, making.ACCOUNT)

    unread = asked_five_seconds_ago()
    gateway.read()
    read_while_another_was_in_the_air = asked_five_seconds_ago()
    gateway.accept(open_)
    later(any_database)
    gateway.read()

    assert (at_first, just_asked, unread, read_while_another_was_in_the_air) == (False, False, True, True)
    assert not asked_five_seconds_ago()


def test_a_doubt_on_an_account_of_which_nothing_was_read_yet_has_its_balance_asked(any_database: Database) -> None:
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    making.change(any_database, delete(balance_readings))
    making.clock_goes_on(any_database, 60, table.c.balance_asked_at)
    settling.doubt(any_database, claim, "timed out")

    assert balances.wanted(any_database, making.ACCOUNT)
    assert not balances.wanted(any_database, "other")


def test_a_doubt_of_ten_minutes_ago_has_nobody_asked(any_database: Database) -> None:
    gateway = Count(any_database)
    gateway.lose(making.claimed(any_database, making.funded(any_database, making.numbers(3))))
    making.clock_goes_on(any_database, 600)
    making.clock_goes_on(any_database, 60, balances.accounts_table.c.balance_asked_at)

    assert not balances.wanted(any_database, making.ACCOUNT)


@pytest.mark.parametrize("busy", [False, True], ids=["still", "while a request is in the air"])
def test_figures_that_two_accounts_share_are_noted_of_each(any_database: Database, busy: bool) -> None:
    names = [making.ACCOUNT, "other"]
    for name in names if busy else []:
        making.claimed(any_database, making.funded(any_database, making.numbers(3), account=name))
    making.change(any_database, delete(balance_readings))
    for name in names * 2:
        later(any_database)
        Count(any_database, account=name).read()

    assert rows(any_database) == 2
    assert [last_reading(any_database, name)["unsettled"] for name in names] == [3 * busy] * 2


def test_of_two_readings_of_one_moment_the_one_that_came_second_is_gone_on_from(any_database: Database) -> None:
    at = any_database.clock()
    for left, asked_at in [(10, at), (7, at), (7, at + timedelta(seconds=1))]:
        said = Balance(Decimal(left), Decimal(0), None, asked_at)
        balances.note_balance(any_database, making.ACCOUNT, said)

    assert rows(any_database) == 2
    assert figures(any_database, "credits", "confirmed_at") == [7, at + timedelta(seconds=1)]


def test_what_is_under_way_on_another_account_hides_no_drift_of_this_one(any_database: Database) -> None:
    here, there = Count(any_database), Count(any_database, account="other")
    here.read()
    later(any_database)
    campaign = making.funded(any_database, making.numbers(9), batch_size=3, account="other")
    taken, lost, _in_the_air = (making.claimed(any_database, campaign) for _ in range(3))
    balance = here.balance()
    there.accept(taken)
    there.lose(lost)
    making.stored(any_database, account="other")

    balances.note_balance(any_database, making.ACCOUNT, balance)

    assert figures(any_database, "still", "drift", "posted", "unsettled") == [True, 0, 0, 0]
