"""When all is sent at the earliest, by times, windows and rates; and whether the account is good for so long."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns import accounts, expected
from campaigns.awaited import Next
from campaigns.balances import Balance, note_balance
from campaigns.clocks import Hours
from campaigns.database import Database
from campaigns.expected import Expected
from campaigns.windows import Window
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT


@pytest.fixture
def database(any_database: Database) -> Database:
    accounts.serve(any_database, [ACCOUNT])
    return any_database


def look(database: Database) -> list[Expected]:
    with database.reading() as connection:
        return expected.ends(connection)


def hours_from_now(database: Database, found: Expected) -> float:
    return (found.ends_at - database.clock()).total_seconds() / 3600


def test_where_nothing_is_to_be_sent_no_end_is_expected(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(1)))
    assert look(database) == []


def test_what_may_leave_at_once_may_be_over_at_once(database: Database) -> None:
    made = making.funded(database, making.numbers(3))
    (found,) = look(database)
    assert (found.account, found.campaign_id) == (ACCOUNT, made)
    assert abs(hours_from_now(database, found)) < 0.01


@pytest.mark.parametrize(
    ("options", "hours"),
    [({"rate": 0.5}, 2.0), ({"scheduled_in": 5}, 5.0), ({"scheduled_in": 5, "rate": 1.0}, 6.0)],
    ids=["by its rate", "by its time", "by both"],
)
def test_it_ends_when_its_time_and_its_rate_allow(database: Database, options: dict[str, Any], hours: float) -> None:
    later = options.pop("scheduled_in", None)
    if later:
        options["scheduled_at"] = database.clock() + timedelta(hours=later)
    making.submitted(database, making.numbers(3600), **options)
    (found,) = look(database)
    assert hours_from_now(database, found) == pytest.approx(hours, abs=0.01)


def test_of_many_the_one_that_ends_last_is_told(database: Database) -> None:
    making.funded(database, making.numbers(3))
    slow = making.submitted(database, making.numbers(60, first=making.FIRST + 10), rate=0.1)
    assert [each.campaign_id for each in look(database)] == [slow]


def test_an_account_that_expires_before_is_too_late_and_one_of_which_that_is_not_known_is_not(
    database: Database,
) -> None:
    making.submitted(database, making.numbers(3600), rate=1.0)
    (found,) = look(database)
    assert (found.expires_at, found.too_late) == (None, False)
    for hours, too_late in ((0.5, True), (2.0, False)):
        expires = database.clock() + timedelta(hours=hours)
        note_balance(database, ACCOUNT, Balance(Decimal(9), None, expires, database.clock()))
        (found,) = look(database)
        assert found.too_late is too_late


class TestWithinAWindow:
    hours = Hours(Window.parse("mon-fri 08:00-10:00"), "UTC")
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)

    def end(self, hours: float) -> datetime | None:
        opening = self.hours.opening("UTC", self.monday)
        its = Next(self.hours, "UTC", opening, is_open=True)
        return expected._end_within(its, self.monday, timedelta(hours=hours))

    def test_what_fits_into_the_opening_ends_in_it(self) -> None:
        assert self.end(1) == self.monday + timedelta(hours=1)

    def test_what_does_not_goes_on_in_the_next_ones(self) -> None:
        assert self.end(3.5) == datetime(2026, 12, 2, 8, 30, tzinfo=UTC)

    def test_what_takes_years_is_not_followed_for_ever(self) -> None:
        end = self.end(24 * 365)
        assert end is not None
        assert end > self.monday + timedelta(days=500)

    def test_one_that_never_opens_has_no_end(self) -> None:
        its = Next(self.hours, "UTC", None, is_open=False)
        assert expected._end_within(its, self.monday, timedelta(0)) is None


def test_a_windowed_campaign_ends_in_its_window(database: Database) -> None:
    clock = database.clock()
    day = (clock + timedelta(days=2)).strftime("%a").lower()
    making.submitted(database, making.numbers(3600), rate=1.0, window=f"{day} 10:00-12:00", window_zone="UTC")
    (found,) = look(database)
    midnight = (clock + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert found.ends_at == midnight + timedelta(hours=11)
