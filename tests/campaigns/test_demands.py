"""What campaigns that may still send ask of their accounts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns import cancel, demands, lifecycle
from campaigns.database import Database
from campaigns.demands import Demand, Sender
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


def senders(database: Database) -> list[Sender]:
    with database.reading() as connection:
        return demands.senders(connection)


def asked(database: Database) -> list[Demand]:
    with database.reading() as connection:
        return demands.demands(connection)


def test_senders_are_counted_by_account_and_none_is_the_accounts_own(any_database: Database) -> None:
    first = making.submitted(any_database, making.numbers(1), sender="SHOP")
    second = making.submitted(any_database, making.numbers(1), sender=None)
    making.submitted(any_database, making.numbers(1), sender="SHOP")
    other = making.submitted(any_database, making.numbers(1), sender="SHOP", account="other")
    found = sorted(senders(any_database), key=lambda its: its.first)
    assert found == [
        Sender(ACCOUNT, "SHOP", 2, first),
        Sender(ACCOUNT, None, 1, second),
        Sender("other", "SHOP", 1, other),
    ]


def test_what_has_left_or_was_cancelled_asks_for_nothing_and_what_paused_itself_still_does(
    any_database: Database,
) -> None:
    sent = making.funded(any_database, making.numbers(3))
    making.accepted(any_database, sent)
    assert making.advanced(any_database, sent) == "tracking"
    cancel(making.submitted(any_database, making.numbers(3)), database=any_database)
    assert senders(any_database) == []

    halted = making.submitted(any_database, making.numbers(3))
    with any_database.transaction() as connection:
        lifecycle.halt(connection, halted, "its sender is unknown")

    assert [its.first for its in senders(any_database)] == [halted]


def test_what_waits_for_credits_is_summed_up_by_account_and_what_does_not_asks_for_none(any_database: Database) -> None:
    making.submitted(any_database, making.numbers(3))
    making.submitted(any_database, making.numbers(4))
    making.fund(any_database, 2)
    making.submitted(any_database, making.numbers(5), scheduled_at=any_database.clock() + timedelta(days=40))
    cancel(making.submitted(any_database, making.numbers(6)), database=any_database)
    assert asked(any_database) == [Demand(ACCOUNT, 2, Decimal(7))]


@pytest.mark.parametrize("ask", [senders, asked])
def test_it_is_found_by_the_index_of_what_is_at_work(any_database: Database, ask: object) -> None:
    old_history(any_database)
    with plans_of(any_database, "campaigns") as plans:
        ask(any_database)  # type: ignore[operator]
    assert any("campaigns_at_work" in plan for plan in plans)
    for plan in plans:
        assert "Seq Scan on campaigns" not in plan
        assert "SCAN campaigns" not in plan
