"""A heartbeat is as old as the database says, is written now and then only, and outlives a clock that was set back."""

import math

from sqlalchemy import select

from campaigns import heartbeats
from campaigns.database import Database
from campaigns.models import heartbeats as table
from tests.campaigns import making


def test_what_never_went_round_has_no_heartbeat(any_database: Database) -> None:
    assert heartbeats.ages(any_database) == {}


def test_it_is_as_old_as_the_time_since_it_was_noted(any_database: Database) -> None:
    heartbeats.note(any_database, ["sweep", "other"])
    making.clock_goes_on(any_database, 90, table.c.beat_at)
    heartbeats.note(any_database, ["other"])
    ages = heartbeats.ages(any_database)
    assert 90 <= ages["sweep"] < 100
    assert ages["other"] < 5


def test_it_is_written_once_in_a_while_however_often_it_is_noted(any_database: Database) -> None:
    wrote = [heartbeats.note(any_database, ["a", "b"]) for _ in range(3)]
    making.clock_goes_on(any_database, heartbeats.WRITTEN_EVERY + 1, table.c.beat_at)
    assert [*wrote, heartbeats.note(any_database, ["a"])] == [2, 0, 0, 1]


def test_many_who_note_at_once_leave_one_row_each(any_database: Database) -> None:
    making.at_once(*[lambda: heartbeats.note(any_database, ["a", "b"]) for _ in range(6)])
    with any_database.reading() as connection:
        assert sorted(connection.execute(select(table.c.name)).scalars()) == ["a", "b"]


def test_one_of_before_the_clock_was_set_back_says_nothing_and_the_next_is_written_at_once(
    any_database: Database,
) -> None:
    heartbeats.note(any_database, ["sweep"])
    making.clock_goes_on(any_database, -3600, table.c.beat_at)
    assert heartbeats.ages(any_database) == {"sweep": math.inf}
    assert heartbeats.note(any_database, ["sweep"]) == 1
    assert heartbeats.ages(any_database)["sweep"] < 5
