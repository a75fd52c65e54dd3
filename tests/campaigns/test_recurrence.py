"""When a cron expression falls due, in a time zone whose clocks may change."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.recurrence import Recurrence
from campaigns.spec import SpecError

PARIS = "Europe/Paris"
NO_WONDERS = "0123456789*/,-#LWmontue "


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(cron: str, timezone: str, after: str, most: int) -> list[str]:
    """As UTC, to the minute."""
    found = Recurrence.parse(cron, timezone).after(at(after))
    return [f"{slot:%m-%d %H:%M}" for slot in islice(found, most)]


@pytest.mark.parametrize(
    ("cron", "timezone", "after", "expected"),
    [
        pytest.param("0 9 * * mon", "Africa/Abidjan", "2026-12-01T00:00", ["12-07 09:00", "12-14 09:00"], id="mondays"),
        pytest.param("0 9 * * mon", "Africa/Lagos", "2026-12-01T00:00", ["12-07 08:00"], id="an hour east"),
        pytest.param("30 8 1,15 * *", "UTC", "2026-12-01T08:30", ["12-15 08:30", "01-01 08:30"], id="not again"),
        pytest.param("0 9 * * *", "UTC", "2026-12-01T08:59:59.999", ["12-01 09:00"], id="a moment before"),
        pytest.param("0 9 13 * fri", "UTC", "2026-12-01T00:00", ["12-04 09:00", "12-11 09:00", "12-13 09:00"], id="or"),
        pytest.param("0 12 29 2 *", "UTC", "2026-12-01T00:00", ["02-29 12:00"], id="in a leap year"),
        pytest.param("0 9 L * *", "UTC", "2026-12-01T00:00", ["12-31 09:00", "01-31 09:00"], id="last of a month"),
        pytest.param("30 2 * * *", PARIS, "2026-03-28T12:00", ["03-29 01:00", "03-30 00:30"], id="skipped: moved on"),
        pytest.param("30 2 * * *", PARIS, "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30"], id="twice: once"),
        pytest.param("30 2 * * *", PARIS, "2026-10-25T01:10", ["10-26 01:30"], id="in the second of two hours"),
        pytest.param("0 * * * *", PARIS, "2026-10-24T23:30", ["10-25 00:00", "10-25 01:00"], id="hourly: each hour"),
        pytest.param("0 * * * *", PARIS, "2026-03-29T00:30", ["03-29 01:00", "03-29 02:00"], id="hourly in spring"),
    ],
)
def test_it_falls_due_as_the_clocks_of_its_zone_show_it(
    cron: str, timezone: str, after: str, expected: list[str]
) -> None:
    assert slots(cron, timezone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "timezone", "said"),
    [
        pytest.param("0 9 *", "UTC", "has not five fields", id="three fields"),
        pytest.param("0 0 9 * * mon", "UTC", "has not five fields", id="with seconds"),
        pytest.param("@daily", "UTC", "has not five fields", id="a name"),
        pytest.param("61 9 * * *", "UTC", "is wrong in its minute", id="minute 61"),
        pytest.param("0 9 * * lundi", "UTC", "is wrong in its day-of-week", id="in French"),
        pytest.param("0 9 * * mon#1/2", "UTC", "is wrong in its day-of-week", id="a step of one day"),
        pytest.param("0 0 30 2 *", "UTC", "is wrong in its day-of-month", id="a 30th of February"),
        pytest.param("0 0 29 2 mon#5,tue#1", "UTC", None, id="or one of the others"),
        pytest.param("0 9 * * *", "Mars/Base", "no time zone is named 'Mars/Base'", id="no zone"),
        pytest.param("0 9 * * *", "../etc/passwd", "no time zone is named", id="a path"),
    ],
)
def test_what_never_falls_due_is_refused_with_what_to_write(cron: str, timezone: str, said: str | None) -> None:
    if said is None:
        assert Recurrence.parse(cron, timezone)
        return
    with pytest.raises(SpecError, match=said):
        Recurrence.parse(cron, timezone)


def test_every_fault_is_named_at_a_time() -> None:
    with pytest.raises(SpecError) as refused:
        Recurrence.parse("often", "Mars/Base")
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["cron", "timezone"]


@given(st.lists(st.text(NO_WONDERS.strip(), min_size=1, max_size=5), min_size=5, max_size=5))
def test_whatever_is_written_is_refused_or_falls_due(fields: list[str]) -> None:
    try:
        recurrence = Recurrence.parse(" ".join(fields), PARIS)
    except SpecError:
        return
    assert recurrence.next_after(at("2026-03-29T00:30")) > at("2026-03-29T00:30")


@given(st.integers(0, 730 * 24 * 60), st.sampled_from(["30 2 * * *", "*/20 * * * *"]))
def test_slots_come_in_order_and_whoever_begins_later_finds_the_same(minutes: int, cron: str) -> None:
    recurrence, moment = Recurrence.parse(cron, PARIS), at("2026-01-01T00:00") + timedelta(minutes=minutes)
    found = list(islice(recurrence.after(moment), 5))
    assert found == sorted(set(found))
    assert found[0] > moment
    for earlier, later in pairwise(found):
        assert recurrence.next_after(earlier) == later
        assert recurrence.next_after(later - timedelta(seconds=1)) == later
