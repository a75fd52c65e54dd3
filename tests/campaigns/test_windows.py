"""Days and hours in people's words, and when they are open by the clocks of a zone that may change."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.windows import DAYS, LONGEST, Window

ABIDJAN, PARIS, NEW_YORK, LORD_HOWE = map(
    ZoneInfo, ["Africa/Abidjan", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"]
)
ZONES = [ABIDJAN, PARIS, NEW_YORK, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Africa/Casablanca")]


def at(text: str, zone: ZoneInfo = ABIDJAN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def opening(said: str, after: datetime, *zones: ZoneInfo) -> tuple[str, str] | None:
    """As the clocks of the first zone show it."""
    found = Window.parse(said).opening(after, zones)
    if found is None:
        return None
    opens, closes = (moment.astimezone(zones[0]) for moment in (found.opens_at, found.closes_at))
    return f"{opens:%a %m-%d %H:%M}", f"{closes:%a %m-%d %H:%M}"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("mon-fri 08:00-20:00, sat 09:00-13:00", "mon-fri 08:00-20:00, sat 09:00-13:00"),
        ("  Monday-FRIDAY 8:00 – 20:00;Sat 9-13 ", "mon-fri 08:00-20:00, sat 09:00-13:00"),
        ("08:00-20:00", "mon-sun 08:00-20:00"),
        ("8h-20h30", "mon-sun 08:00-20:30"),
        ("mon-fri 08:00-12:00, 14:00-18:00", "mon-fri 08:00-12:00 14:00-18:00"),
        ("mon, wed 14-18 8-12", "mon 08:00-12:00 14:00-18:00, wed 08:00-12:00 14:00-18:00"),
        ("fri 20:00-02:00", "fri 20:00-02:00"),
        ("sat-mon 10-11", "mon 10:00-11:00, sat-sun 10:00-11:00"),
        ("sun 20:00-24:00, mon 00:00-24:00", "mon 00:00-24:00, sun 20:00-24:00"),
        ("tue 20:00-00:00", "tue 20:00-24:00"),
        ("mon 20:00-06:00, tue 06:00-08:00", "mon 20:00-06:00, tue 06:00-08:00"),
    ],
)
def test_a_window_is_read_as_people_write_it_and_has_one_form(said: str, meant: str) -> None:
    assert str(Window.parse(said)) == meant
    assert Window.parse(meant) == Window.parse(said)


@pytest.mark.parametrize(
    ("said", "taught"),
    [
        ("", "it names no days and no hours: write it as in"),
        (" , ", "it names no days and no hours"),
        ("mon-fri", "'mon-fri' has no hours: write it as in"),
        ("mon 08:00-20:00 fri", "'fri' has no hours"),
        ("mon 08:00", "'08:00' in 'mon 08:00' is neither days nor hours: write it as in"),
        ("weekdays 8-9", "'weekdays' is no day of the week; there are mon, tue, wed, thu, fri, sat, sun"),
        ("lundi 8-9", "'lundi' is no day of the week"),
        ("mon-fry 8-9", "'fry' is no day of the week"),
        ("mon 8-25", "'8-25' are no hours of a day: from 00:00 to 24:00"),
        ("mon 24:00-02:00", "are no hours of a day"),
        ("mon 8:60-9", "are no hours of a day"),
        ("mon 23:30-24:30", "are no hours of a day"),
        ("mon 08:00-8:00", "ends when it begins: write 00:00-24:00 for a whole day"),
        ("8-20, sat 9-13", "8-20 without days is for every day, so for sat as well: name its days, too"),
        ("mon-fri 8-20, fri 8-12", "fri has both 08:00-12:00 and 08:00-20:00, which overlap: give each day"),
        ("fri 8-20, fri 20-8, fri 23-24", "fri has both 20:00-08:00 and 23:00-24:00, which overlap"),
    ],
)
def test_a_window_that_is_none_says_how_to_write_one(said: str, taught: str) -> None:
    with pytest.raises(ValueError, match=re.escape(taught)):
        Window.parse(said)


@pytest.mark.parametrize(
    ("said", "after", "zone", "expected"),
    [
        pytest.param("mon-fri 8-20", "2026-11-27T21:00", ABIDJAN, ("Mon 11-30 08:00", "Mon 11-30 20:00"), id="weekend"),
        pytest.param("mon-fri 8-20", "2026-11-27T12:34", ABIDJAN, ("Fri 11-27 12:34", "Fri 11-27 20:00"), id="open"),
        pytest.param("mon-fri 8-20", "2026-11-27T08:00", ABIDJAN, ("Fri 11-27 08:00", "Fri 11-27 20:00"), id="begins"),
        pytest.param("mon-fri 8-20", "2026-11-27T20:00", ABIDJAN, ("Mon 11-30 08:00", "Mon 11-30 20:00"), id="ends"),
        pytest.param("fri 20-2", "2026-11-27T12:00", ABIDJAN, ("Fri 11-27 20:00", "Sat 11-28 02:00"), id="midnight"),
        pytest.param("fri 20-2", "2026-11-28T01:59", ABIDJAN, ("Sat 11-28 01:59", "Sat 11-28 02:00"), id="after it"),
        pytest.param("fri 20-2", "2026-11-27T01:00", ABIDJAN, ("Fri 11-27 20:00", "Sat 11-28 02:00"), id="its own day"),
        pytest.param("sun 20-2", "2026-11-30T01:00", ABIDJAN, ("Mon 11-30 01:00", "Mon 11-30 02:00"), id="a new week"),
        pytest.param("sun 20-24, mon 0-6", "2026-11-28T12:00", ABIDJAN, ("Sun 11-29 20:00", "Mon 11-30 06:00"),
                     id="adjacent ones are one"),
        pytest.param("mon 8-20", "2026-11-30T07:30", PARIS, ("Mon 11-30 08:00", "Mon 11-30 20:00"), id="an hour east"),
        # In Paris, 2026: 02:00 becomes 03:00 on 29 March, and 03:00 becomes 02:00 on 25 October.
        pytest.param("8-20", "2026-03-29T00:00", PARIS, ("Sun 03-29 08:00", "Sun 03-29 20:00"), id="in spring"),
        pytest.param("8-20", "2026-10-25T00:00", PARIS, ("Sun 10-25 08:00", "Sun 10-25 20:00"), id="in autumn"),
        pytest.param("2:30-5", "2026-03-29T00:00", PARIS, ("Sun 03-29 03:00", "Sun 03-29 05:00"), id="begins skipped"),
        pytest.param("1-2:30", "2026-03-29T00:00", PARIS, ("Sun 03-29 01:00", "Sun 03-29 03:00"), id="ends skipped"),
        pytest.param("2-2:30", "2026-03-29T00:00", PARIS, ("Mon 03-30 02:00", "Mon 03-30 02:30"), id="skipped whole"),
        pytest.param("1-2:30", "2026-10-25T00:00", PARIS, ("Sun 10-25 01:00", "Sun 10-25 02:30"), id="ends twice"),
        pytest.param("2:30-5", "2026-10-25T00:00", PARIS, ("Sun 10-25 02:30", "Sun 10-25 02:00"), id="begins twice"),
    ],
)  # fmt: skip
def test_it_opens_and_closes_as_the_clocks_of_its_zone_show_it(
    said: str, after: str, zone: ZoneInfo, expected: tuple[str, str]
) -> None:
    assert opening(said, at(after, zone), zone) == expected


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    window, first = Window.parse("02:00-02:30"), at("2026-10-25T00:30:00", ZoneInfo("UTC"))

    found = window.opening(first, [PARIS])

    assert found is not None
    assert (found.opens_at, found.closes_at) == (first + timedelta(minutes=30), first + timedelta(minutes=60))


def test_of_several_zones_all_must_be_open() -> None:
    sunday = at("2026-11-29T12:00", PARIS)
    assert opening("mon-fri 8-20", sunday, PARIS, NEW_YORK) == ("Mon 11-30 14:00", "Mon 11-30 20:00")
    assert opening("mon-fri 8-9", sunday, PARIS, NEW_YORK) is None
    # For three weeks in spring, and one in autumn, they are five hours apart and not six.
    assert opening("8-13:30", sunday, PARIS, NEW_YORK) == ("Sun 03-14 13:00", "Sun 03-14 13:30")


def test_one_that_never_closes_is_cut_and_goes_on() -> None:
    window, now = Window.parse("00:00-24:00"), at("2026-11-29T12:00")

    first = window.opening(now, [PARIS])

    assert first is not None
    assert (first.opens_at, first.closes_at) == (now, now + LONGEST)
    second = window.opening(first.closes_at, [PARIS])
    assert second is not None
    assert second.opens_at == first.closes_at


class Counted(tzinfo):
    """A clock that shows UTC, and counts how often it is looked at."""

    looks = 0

    def utcoffset(self, _: datetime | None) -> timedelta:
        self.looks += 1
        return timedelta(0)

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta(0)


@pytest.mark.parametrize("asked", ["a second later", "an hour earlier"])
def test_what_never_opens_is_looked_for_once_a_day_however_often_it_is_asked_for(asked: str) -> None:
    never, clock, later = Window.parse("mon-fri 8-9"), Counted(), at("2026-11-29T12:00:00", UTC)
    again = later + (timedelta(seconds=1) if asked == "a second later" else timedelta(hours=-1))
    zones = [clock, ZoneInfo("Etc/GMT-12")]

    first = never.opening(later, zones)
    once, clock.looks = clock.looks, 0
    second = never.opening(again, zones)

    assert (first, second) == (None, None)
    assert once > 370
    assert clock.looks <= 1


def test_one_that_opens_again_in_months_is_looked_for_once_too_be_it_after_an_opening_of_today() -> None:
    # Paris and New York are five hours apart, and not six, until the next day.
    clock, window, after = Counted(), Window.parse("8-13:30"), at("2026-03-28T15:00:00", UTC)
    zones = [clock, PARIS, NEW_YORK]

    first = window.opening(after, zones)
    once, clock.looks = clock.looks, 0
    second = window.opening(after + timedelta(seconds=1), zones)

    assert first == second
    assert first is not None
    assert first.opens_at == at("2026-10-25T12:00:00", UTC)
    assert once > 200
    assert clock.looks <= 1


MINUTES = st.integers(0, 24 * 60 - 1)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """One stretch of hours on each of some days; on some it runs over midnight."""
    parts = []
    for day in draw(st.sets(st.sampled_from(DAYS), min_size=1)):
        start, length = draw(MINUTES), draw(st.integers(1, 24 * 60 - 1))
        end = (start + length) % (24 * 60)
        parts.append(f"{day} {start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}")
    return Window.parse(", ".join(parts))


def shows(window: Window, moment: datetime, zone: ZoneInfo) -> bool:
    """Told in the plainest way: today's hours, or those of yesterday that run over midnight."""
    clock = moment.astimezone(zone)
    minute = clock.hour * 60 + clock.minute
    today = [span for span in window.spans if span.day == clock.weekday()]
    yesterday = [span for span in window.spans if span.day == (clock.weekday() - 1) % 7]
    return any(span.start <= minute < span.end for span in today) or any(
        minute < span.end - 24 * 60 for span in yesterday
    )


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=730)).map(lambda away: at("2026-01-01") + away)
AROUND_CHANGES = st.sampled_from([at("2026-03-29T01:00", ZoneInfo("UTC")), at("2026-10-25T01:00", ZoneInfo("UTC"))])
SOME_ZONES = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)


@given(windows(), MOMENTS | AROUND_CHANGES.flatmap(
    lambda change: st.timedeltas(timedelta(days=-1), timedelta(days=1)).map(lambda away: change + away)
), SOME_ZONES, st.data())  # fmt: skip
def test_an_opening_is_the_first_open_instant_and_open_all_along(
    window: Window, moment: datetime, zones: Sequence[ZoneInfo], data: st.DataObject
) -> None:
    def is_open(instant: datetime) -> bool:
        return all(shows(window, instant, zone) for zone in zones)

    found = window.opening(moment, zones)

    if found is None:
        instant = moment + data.draw(st.timedeltas(timedelta(0), timedelta(days=360)))
        assert not is_open(instant)
        return
    assert moment <= found.opens_at < found.closes_at
    for edge in (found.opens_at, found.closes_at):
        assert is_open(edge) is (edge == found.opens_at) or found.closes_at - found.opens_at == LONGEST
    before = data.draw(st.timedeltas(timedelta(0), found.opens_at - moment))
    assert is_open(moment + before) is (moment + before == found.opens_at)
    within = data.draw(st.timedeltas(timedelta(0), found.closes_at - found.opens_at - timedelta(microseconds=1)))
    assert is_open(found.opens_at + within)
    assert window.is_open(moment, zones) is is_open(moment)


@given(windows())
def test_what_a_window_says_is_the_same_window(window: Window) -> None:
    assert Window.parse(str(window)) == window
