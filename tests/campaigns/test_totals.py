"""What was posted and refunded since the beginning: the last sums that are written down, and what came since."""

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns import totals
from campaigns.balances import note_balance
from campaigns.database import Database, forbid_scans
from campaigns.models import attempts, balance_readings, refunds
from campaigns.states import MessageStatus
from campaigns.totals import Totals
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


def look(database: Database, who: Totals) -> tuple[Decimal, Decimal]:
    with database.snapshot() as connection:
        forbid_scans(connection)
        found = who.look(connection, ACCOUNT)
    return found.posted, found.refunded


def rejected(database: Database, made: int) -> None:
    making.reported(database, making.report(making.accepted(database, made), (0, MessageStatus.REJECTED)))


@pytest.mark.parametrize("read", [False, True], ids=["never read", "read in between"])
@pytest.mark.parametrize("overlap", [0, 60])
def test_they_are_the_same_whoever_tells_them_and_only_grow(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, *, read: bool, overlap: int
) -> None:
    monkeypatch.setattr(totals, "OVERLAP", timedelta(seconds=overlap))
    made = making.funded(any_database, making.numbers(12), batch_size=3)
    who = Totals()
    for count in range(1, 5):
        rejected(any_database, made)
        if read and count == 2:
            note_balance(any_database, ACCOUNT, making.balance(any_database))
        assert look(any_database, who) == look(any_database, Totals()) == (3 * count, count)


def test_what_is_seen_later_than_it_was_written_down_is_not_missed(any_database: Database) -> None:
    who, made = Totals(), making.funded(any_database, making.numbers(3))
    making.clock_goes_on(any_database, 100, balance_readings.c.asked_at, balance_readings.c.confirmed_at)
    assert look(any_database, who) == (0, 0)
    rejected(any_database, made)
    making.clock_goes_on(any_database, 30, attempts.c.settled_at, refunds.c.refunded_at)
    assert look(any_database, who) == (3, 1)


def test_of_an_account_without_a_request_they_are_nought(any_database: Database) -> None:
    assert look(any_database, Totals()) == (0, 0)


def test_of_a_long_history_only_what_came_since_the_last_sums_is_read(any_database: Database) -> None:
    old_history(any_database)
    with plans_of(any_database, "attempts") as plans:
        look(any_database, Totals())
    assert plans
    assert all("attempts_settled" in plan and "Seq Scan" not in plan for plan in plans)
