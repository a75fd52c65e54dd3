"""A schedule's occurrences: each is made once, whatever looks at it; what was missed goes by the schedule's policy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns import bells, occurrences, schedules, setbacks
from campaigns.bells import Ring
from campaigns.database import Database
from campaigns.models import schedules as table
from campaigns.schedules import Schedule
from tests.campaigns.making import at_once, change, clock_steps
from tests.campaigns.plans import plans_of

HOUR = 3600.0
SPEC = {"template": "Bonjour {{ nom }}", "audience": {"file": "clients.csv"}}
NAME = "rappel"


def added(database: Database, *, cron: str = "0 9 * * mon", **terms: Any) -> Schedule:
    return schedules.add(SPEC, name=NAME, cron=cron, timezone="Africa/Abidjan", database=database, **terms)


def late(database: Database, minutes: float) -> Schedule:
    """Its next slot fell due so many minutes ago."""
    slot = (database.clock() - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    change(database, update(table).values(next_at=slot))
    return schedules.find(NAME, database=database)


def found(database: Database) -> Schedule:
    return schedules.find(NAME, database=database)


NINE = datetime(2026, 12, 7, 9, tzinfo=UTC)


def days(count: int) -> list[datetime]:
    return [NINE + timedelta(days=day) for day in range(count)]


@pytest.mark.parametrize(
    ("slots", "minutes_after", "when_missed", "expected"),
    [
        pytest.param(1, 0, "skip", (0, 0), id="in time"),
        pytest.param(1, 15, "skip", (0, 0), id="just in time"),
        pytest.param(1, 16, "skip", (None, 1), id="too late"),
        pytest.param(3, 5, "skip", (2, 2), id="the last of three is in time"),
        pytest.param(3, 60, "skip", (None, 3), id="all of them are missed"),
        pytest.param(3, 60, "catch_up", (0, 0), id="the oldest first"),
        pytest.param(12, 60, "catch_up", (2, 2), id="the last ten of twelve"),
    ],
)
def test_what_is_missed_is_skipped_or_caught_up_with(
    slots: int, minutes_after: int, when_missed: str, expected: tuple[int | None, int]
) -> None:
    clock = days(slots)[-1] + timedelta(minutes=minutes_after)
    wanted, passed = occurrences.pick(days(slots), clock, when_missed, 15)
    place = None if wanted is None else days(slots).index(wanted)
    assert (place, passed) == expected


def test_of_a_schedule_whose_slot_has_not_come_nothing_is_made(any_database: Database) -> None:
    made = added(any_database)
    assert occurrences.due(any_database, 9) == []
    assert occurrences.begin(any_database, made.id) is None


def test_an_occurrence_is_begun_and_ended_once_and_the_next_slot_follows(any_database: Database) -> None:
    made = added(any_database, cron="* * * * *")
    slot = late(any_database, 1).next_at
    assert occurrences.due(any_database, 9) == [made.id]
    begun = occurrences.begin(any_database, made.id)
    again = occurrences.begin(any_database, made.id)
    assert begun is not None
    assert again is not None
    assert begun.key == again.key == f"schedule:rappel:{slot:%Y-%m-%dT%H:%M}Z"
    occurrences.end(any_database, begun, "campaign 7 submitted")
    occurrences.end(any_database, again, "campaign 7 was there already")
    after = found(any_database)
    assert (after.last_at, after.last_outcome, after.missed) == (slot, "campaign 7 submitted", 0)
    assert after.next_at == slot + timedelta(minutes=1)


def test_what_was_missed_is_counted_and_the_next_slot_is_to_come(any_database: Database) -> None:
    made = added(any_database, cron="0 * * * *")
    slot = any_database.clock().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    change(any_database, update(table).values(next_at=slot, tolerance=1))
    begun = occurrences.begin(any_database, made.id)
    after = found(any_database)
    # In the first minute of an hour its own occurrence is made; the three before it are missed all the same.
    assert after.missed == (4 if begun is None else 3)
    assert after.next_at > slot + timedelta(hours=2)


def test_what_has_begun_is_not_missed_however_long_its_audience_takes_to_come(any_database: Database) -> None:
    made = added(any_database)
    late(any_database, 14)
    begun = occurrences.begin(any_database, made.id)
    change(any_database, update(table).values(begun_at=any_database.clock() - timedelta(minutes=50)))
    later = occurrences.begin(any_database, made.id)
    assert begun is not None
    assert later is not None
    assert later.slot == begun.slot
    assert later.tried_for >= 50 * 60


def test_what_was_begun_and_left_lying_for_hours_is_missed_after_all(any_database: Database) -> None:
    made = added(any_database)
    late(any_database, 180)
    change(any_database, update(table).values(begun_at=any_database.clock() - timedelta(minutes=179)))
    assert occurrences.begin(any_database, made.id) is None
    assert found(any_database).missed == 1


def test_a_paused_one_makes_nothing_but_what_a_person_asks_for(any_database: Database) -> None:
    made = added(any_database)
    slot = late(any_database, 1).next_at
    schedules.pause(NAME, database=any_database)
    assert occurrences.due(any_database, 9) == []
    key = schedules.run(NAME, database=any_database)
    begun = occurrences.begin(any_database, made.id)
    assert begun is not None
    assert begun.key == key
    assert begun.by_hand
    occurrences.end(any_database, begun, "campaign 1 submitted")
    assert occurrences.begin(any_database, made.id) is None
    assert found(any_database).next_at == slot


def test_an_occurrence_of_a_schedule_that_is_removed_meanwhile_ends_without_a_trace(any_database: Database) -> None:
    made = added(any_database)
    late(any_database, 1)
    begun = occurrences.begin(any_database, made.id)
    assert begun is not None
    schedules.remove(NAME, database=any_database)
    occurrences.end(any_database, begun, "campaign 1 submitted")
    assert schedules.listing(database=any_database) == []


def test_of_tasks_that_begin_at_once_each_has_the_same_occurrence(postgresql: Database) -> None:
    made = added(postgresql)
    slot = late(postgresql, 1).next_at
    begun = at_once(*[lambda: occurrences.begin(postgresql, made.id)] * 4)
    assert {(each.slot, each.key) for each in begun} == {(slot, occurrences.key_of(NAME, slot))}


def test_a_clock_that_is_set_back_holds_up_no_schedule(any_database: Database) -> None:
    added(any_database, cron="*/5 * * * *")
    clock_steps(any_database, -30 * 24 * HOUR)
    assert found(any_database).next_at > any_database.clock() + timedelta(days=29)
    assert setbacks.mend(any_database) > 0
    assert found(any_database).next_at <= any_database.clock() + timedelta(minutes=5)
    assert setbacks.mend(any_database) == 0


def test_its_bell_is_rung_by_its_id_alone(any_database: Database) -> None:
    sent: list[Any] = []
    ring: Ring = lambda bell, _serial, _after: sent.append((bell.task, bell.args))  # noqa: E731
    made = added(any_database)
    bells.ring(any_database, bells.occur(made.id), ring)
    assert sent == [("campaigns.occur", (made.id,))]


@pytest.mark.parametrize("when_missed", ["skip", "catch_up"])
@pytest.mark.parametrize("at_once", [11, 12, 40, 41, 42])
def test_what_was_missed_for_long_is_passed_over_in_slices_with_the_same_end(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, when_missed: str, at_once: int
) -> None:
    made = added(any_database, cron="* * * * *", when_missed=when_missed, tolerance=5)
    slot = late(any_database, 40).next_at
    monkeypatch.setattr(occurrences, "SLOTS_AT_ONCE", at_once)
    with plans_of(any_database, "schedules") as plans:
        begun = occurrences.begin(any_database, made.id)
    with any_database.reading() as connection:
        row = connection.execute(select(table)).one()
    come = [slot + minute * timedelta(minutes=1) for minute in range(50)]
    come = [each for each in come if each <= row.begun_at]
    wanted, passed = occurrences.pick(come, row.begun_at, when_missed, 5)
    assert begun is not None
    assert (begun.slot, row.next_at, row.missed) == (wanted, wanted, passed)
    assert passed >= 31
    assert (len(plans) > 3) == (at_once <= len(come))


def test_a_year_of_missed_minutes_holds_its_row_for_a_moment_at_a_time(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = added(sqlite, cron="* * * * *", tolerance=1)
    late(sqlite, 3 * 24 * 60)
    monkeypatch.setattr(occurrences, "SLOTS_AT_ONCE", 500)
    held: list[int] = []
    whole = occurrences._pass_over

    def counted(connection: Any, row: Any, wanted: Any, passed: int, **more: Any) -> None:
        held.append(passed)
        whole(connection, row, wanted, passed, **more)

    monkeypatch.setattr(occurrences, "_pass_over", counted)
    occurrences.begin(sqlite, made.id)
    assert max(held) < 500
    assert sum(held) == found(sqlite).missed >= 3 * 24 * 60 - 2
