"""Schedules as a person makes, sees and stops them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from campaigns import schedules
from campaigns.database import Database
from campaigns.models import schedules as table
from campaigns.schedules import Schedule, ScheduleError, UnknownScheduleError
from campaigns.steering import StateError
from tests.campaigns.making import at_once, change

SPEC: dict[str, Any] = {"template": "Bonjour {{ nom }}", "audience": {"file": "clients.csv"}}


def added(database: Database, called: str = "rappel", cron: str = "0 9 * * mon", **spec: Any) -> Schedule:
    return schedules.add({**SPEC, **spec}, name=called, cron=cron, timezone="Africa/Lagos", database=database)


def test_it_is_due_next_when_the_clocks_of_its_zone_say_so(any_database: Database) -> None:
    made = added(any_database, cron="  0   9 * * mon ")
    assert (made.next_at.strftime("%a %H:%M"), made.cron) == ("Mon 08:00", "0 9 * * mon")
    assert timedelta() < made.next_at - any_database.clock() <= timedelta(days=7)


def test_its_campaigns_have_its_name_unless_they_have_one_of_their_own(any_database: Database) -> None:
    names = [added(any_database).spec["name"], added(any_database, "offre", name="Soldes").spec["name"]]
    assert names == ["rappel", "Soldes"]


def test_to_add_the_same_again_is_no_error_and_another_under_its_name_is(any_database: Database) -> None:
    first = added(any_database)
    assert added(any_database) == first
    with pytest.raises(ScheduleError, match="there is a schedule 'rappel' with another cron: remove it first"):
        added(any_database, cron="0 10 * * mon")
    assert added(any_database, account="shop").id != first.id


def test_of_those_who_add_the_same_at_once_all_have_the_same(postgresql: Database) -> None:
    assert len({made.id for made in at_once(*[lambda: added(postgresql)] * 4)}) == 1


def test_every_fault_is_named_at_a_time(any_database: Database) -> None:
    with pytest.raises(ScheduleError) as refused:
        schedules.add(
            {"template": "{{ 1 + 1 }}", "key": "mine", "scheduled_at": "2030-01-01T00:00Z", "colour": "red"},
            name="a{occurrence}",
            cron="often",
            timezone="Mars/Base",
            when_missed="weep",
            tolerance=0,
            database=any_database,
        )
    named = {fault.partition(":")[0] for fault in refused.value.faults}
    fields = {"key", "scheduled_at", "name", "cron", "timezone", "when_missed", "tolerance", "template", "colour"}
    assert named == fields | {"audience"}
    assert str(refused.value).startswith("the schedule is refused:")
    assert schedules.listing(database=any_database) == []


def test_numbers_are_no_name_of_an_audience_and_are_not_repeated(any_database: Database) -> None:
    with pytest.raises(ScheduleError, match="numbers do not travel") as refused:
        added(any_database, audience=[{"tel": "0700000001"}])
    assert "0700000001" not in str(refused.value)


def test_whichever_is_due_next_is_listed_first_and_paused_ones_last(any_database: Database) -> None:
    added(any_database, "in a week", cron="0 0 1 1 *")
    added(any_database, "soon", cron="* * * * *")
    added(any_database, "paused", cron="* * * * *")
    schedules.pause("paused", database=any_database)
    assert [each.name for each in schedules.listing(database=any_database)] == ["soon", "in a week", "paused"]
    assert schedules.listing(account="shop", database=any_database) == []


def test_a_resumed_one_goes_on_with_the_next_slot_that_is_to_come(any_database: Database) -> None:
    added(any_database, cron="* * * * *")
    schedules.pause("rappel", database=any_database)
    again = schedules.pause("rappel", database=any_database)
    change(any_database, update(table).values(next_at=any_database.clock() - timedelta(days=3)))
    resumed = schedules.resume("rappel", database=any_database)
    assert again.paused_at is not None
    assert resumed.paused_at is None
    assert resumed.next_at > any_database.clock() - timedelta(seconds=60)
    with pytest.raises(StateError, match="the schedule 'rappel' is not paused"):
        schedules.resume("rappel", database=any_database)


@pytest.mark.parametrize("deed", [schedules.find, schedules.pause, schedules.resume, schedules.remove, schedules.run])
def test_one_that_is_not_there_is_said_to_be_so(any_database: Database, deed: Any) -> None:
    added(any_database)
    schedules.remove("rappel", database=any_database)
    with pytest.raises(UnknownScheduleError, match="the account 'default' has no schedule 'rappel'"):
        deed("rappel", database=any_database)
