"""The sweep wakes whoever has something to do, whatever else is broken."""

import pytest
from sqlalchemy import delete

from campaigns import accounts, balances, bells, models, reports, settling, unapplied
from campaigns.database import Database
from campaigns.reports import Reports
from campaigns.states import MessageStatus
from tests.campaigns.making import change, claimed, clock_goes_on, fund, funded, numbers, stored, submitted
from tests.worker.workshop import ACCOUNTS, ScriptedGateway, Workshop
from worker import sending, sweeping


def test_a_look_that_breaks_keeps_no_other_from_being_made(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_resources: object) -> int:
        raise RuntimeError("one bad batch")

    monkeypatch.setitem(sweeping.LOOKS, "batches cleaned", broken)
    submitted(any_database, numbers(3))
    workshop = Workshop(any_database, ScriptedGateway())
    with pytest.raises(RuntimeError, match="one bad batch"):
        sweeping.sweep(workshop)
    assert [bell.key for bell in workshop.rung] == ["fund:default"]


def test_a_lane_that_is_taken_is_passed_over(any_database: Database) -> None:
    submitted(any_database, numbers(3))
    fund(any_database)
    bells.ring(any_database, bells.send("default", 1), lambda *_: None)
    workshop = Workshop(any_database, ScriptedGateway())
    sending.wake_lanes(workshop, "default")
    assert [bell.key for bell in workshop.rung] == ["send:default:2"]


def test_the_poller_is_woken_at_once_for_a_body_that_nobody_applied_and_not_for_a_parked_one(
    any_database: Database,
) -> None:
    claimed(any_database, funded(any_database, numbers(1)))
    poll = stored(any_database)
    workshop = Workshop(any_database, ScriptedGateway())

    sweeping.sweep(workshop)
    woken = [bell.key for bell in workshop.rung]
    reports.apply(any_database, poll, Reports(["unknown"], ["x"], ["22507"], [MessageStatus.DELIVERED]))
    change(any_database, delete(models.bells))
    workshop.rung.clear()
    sweeping.sweep(workshop)

    assert "poll:default" in woken
    assert [each.id for each in unapplied.parked(any_database, "default", no_older_than=60)] == [poll]
    assert "poll:default" not in [bell.key for bell in workshop.rung]


def test_soon_after_a_request_fell_in_doubt_the_balance_is_asked_for(any_database: Database) -> None:
    found = claimed(any_database, funded(any_database, numbers(1)))
    settling.doubt(any_database, found, "timed out")
    clock_goes_on(any_database, balances.AGAIN_SECONDS + 1, models.accounts.c.balance_asked_at)
    workshop = Workshop(any_database, ScriptedGateway())

    sweeping.sweep(workshop)

    assert "fund:default" in [bell.key for bell in workshop.rung]


def test_it_says_through_which_accounts_nobody_else_sends(any_database: Database) -> None:
    its = ACCOUNTS["default"]
    known = {"shared": its, "ours": {**its, "exclusive": True}}
    sweeping.sweep(Workshop(any_database, ScriptedGateway(), accounts=known))
    with any_database.reading() as connection:
        assert accounts.exclusive(connection) == ["ours"]
