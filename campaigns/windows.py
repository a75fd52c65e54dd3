"""Sending windows: days and hours in the words of people, and when they are open by the clocks of some time zones.

    mon-fri 08:00-20:00, sat 09:00-13:00

A window is open while a clock shows a time within it. One over midnight (`fri 20:00-02:00`) belongs to the day that it
begins on: it ends on Saturday. Where the clocks of a zone change, what they show decides: hours that they skip are not
there, and hours that they show twice count twice. Of several zones, all must be open.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from campaigns.language import N_, _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_IN_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOW = N_("write it as in 'mon-fri 08:00-20:00, sat 09:00-13:00'")

A_DAY = 24 * 60
"""Minutes."""

LOOKED_AHEAD = timedelta(days=370)
"""A window that is not open within this never is: by then, each change of the clocks has come once."""

LONGEST = timedelta(days=8)
"""An opening that would last longer is cut here; the next one begins where it ends."""

_HYPHENS = re.compile(r"\s*[-\u2010-\u2015]\s*")
_HOURS = re.compile(r"(\d{1,2})(?:[:h](\d{2}))?h?-(\d{1,2})(?:[:h](\d{2}))?h?", re.ASCII)
_SOME_DAYS = re.compile(r"([a-z]+)(?:-([a-z]+))?")


@dataclass(frozen=True, order=True)
class Span:
    """Hours of one day of the week: 0 is Monday; minutes since its midnight, of which the end may be on the next."""

    day: int
    start: int
    end: int

    def shows(self, weekday: int, minute: int) -> bool:
        """Whether a clock that shows this shows a time within it."""
        if weekday == self.day:
            return self.start <= minute < self.end
        return weekday == (self.day + 1) % 7 and minute + A_DAY < self.end


@dataclass(frozen=True)
class Opening:
    """A time without a break in which messages may leave: from its beginning on, and before its end."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True)
class Window:
    """When a campaign may send, by a clock; `parse` makes one that is known to be right."""

    spans: tuple[Span, ...]

    @classmethod
    def parse(cls, said: str) -> Window:
        """What people write; raises ValueError, which says how.

        Days are single or from one to another (`fri-mon`), and each group of days is followed by its hours, once or
        several times: `mon wed 08:00-12:00 14:00-18:00`. Hours alone are those of every day.
        """
        window = cls(tuple(sorted(_spans(said))))
        for one, other in zip(window.spans, window.spans[1:], strict=False):
            if one.day == other.day and other.start < one.end:
                told = _("{day} has both {hours} and {others}, which overlap: give each day its hours once")
                raise ValueError(told.format(day=DAYS[one.day], hours=_hours(one), others=_hours(other)))
        return window

    def __str__(self) -> str:
        hours = [" ".join(_hours(span) for span in self.spans if span.day == day) for day in range(7)]
        parts: list[str] = []
        first = 0
        for day in range(7):
            if day == 6 or hours[day + 1] != hours[day]:
                if hours[day]:
                    days = DAYS[day] if first == day else f"{DAYS[first]}-{DAYS[day]}"
                    parts.append(f"{days} {hours[day]}")
                first = day + 1
        return ", ".join(parts)

    def is_open(self, moment: datetime, zones: Collection[tzinfo]) -> bool:
        """Whether the clocks of all these zones show a time within it."""
        return all(self._shows(moment.astimezone(zone)) for zone in zones)

    def _shows(self, clock: datetime) -> bool:
        weekday, minute = clock.weekday(), clock.hour * 60 + clock.minute
        return any(span.shows(weekday, minute) for span in self.spans)

    def opening(self, moment: datetime, zones: Collection[tzinfo]) -> Opening | None:
        """The opening at a moment, which then begins with it, or the next one; None if it never opens in all zones."""
        moment = moment.astimezone(UTC)
        if self.is_open(moment, zones):
            return self._first(moment, zones)
        # From the day's beginning on, or nothing that was reckoned before would be of use to a later moment.
        found = _remembered(self, datetime.combine(moment, time(), UTC), tuple(zones))
        while found is not None and found.closes_at <= moment:
            found = _remembered(self, found.closes_at, tuple(zones))
        return found

    def _first(self, moment: datetime, zones: Collection[tzinfo]) -> Opening | None:
        """The same, looked for."""
        opens_at = moment if self.is_open(moment, zones) else None
        for change in self._changes(moment, zones):
            if opens_at is None:
                opens_at = change if self.is_open(change, zones) else None
            elif change - opens_at > LONGEST:
                return Opening(opens_at, opens_at + LONGEST)
            elif not self.is_open(change, zones):
                return Opening(opens_at, change)
        return None

    def _changes(self, after: datetime, zones: Collection[tzinfo]) -> Iterator[datetime]:
        """The moments after this one at which it may open or close, in order, UTC."""
        edges = sorted({minute % A_DAY for span in self.spans for minute in (span.start, span.end)})
        times = [time(edge // 60, edge % 60) for edge in edges]
        begin = datetime.combine(after.date(), time(), UTC)
        while begin < after + LOOKED_AHEAD:
            end = begin + timedelta(days=1)
            found = {change for zone in zones for change in _changes_of(zone, times, begin, end)}
            yield from sorted(change for change in found if change > after)
            begin = end


@lru_cache(maxsize=2_000)  # one that never opens is looked for through a year, and asked for each second
def _remembered(window: Window, moment: datetime, zones: tuple[tzinfo, ...]) -> Opening | None:
    return window._first(moment, zones)  # noqa: SLF001  its own, of which only openings that are to come are remembered


def _changes_of(zone: tzinfo, times: Sequence[time], begin: datetime, end: datetime) -> Iterator[datetime]:
    """When a clock shows one of these times within a day of UTC, however often; and when it is put forward or back."""
    first, last = begin.astimezone(zone), end.astimezone(zone)
    for day in _days(first.date(), last.date()):
        for shown in times:
            for fold in (0, 1):
                moment = datetime.combine(day, shown, zone).replace(fold=fold).astimezone(UTC)
                if begin <= moment < end:
                    yield moment
    if first.utcoffset() != last.utcoffset():
        yield _change_of_clocks(zone, begin, end)


def _days(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def _change_of_clocks(zone: tzinfo, begin: datetime, end: datetime) -> datetime:
    """The first second at which the zone's offset is that of the end, and not that of the beginning."""
    before = begin.astimezone(zone).utcoffset()
    while end - begin > timedelta(seconds=1):
        middle = begin + timedelta(seconds=(end - begin) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return end


# --- The words ------------------------------------------------------------------------------------------------------


def _spans(said: str) -> Iterator[Span]:
    """Each day with its hours, in the order of the words."""
    words = re.split(r"[\s,;]+", _HYPHENS.sub("-", said.strip().lower()).strip(",; "))
    if words == [""]:
        raise ValueError(_("it names no days and no hours: {how}").format(how=_(_HOW)))
    days: list[int] = []
    has_hours, every_day = False, False
    for word in words:
        if hours := _HOURS.fullmatch(word):
            every_day = every_day or not days
            yield from (Span(day, *_minutes(word, hours)) for day in days or range(7))
            has_hours = True
        else:
            days = _weekdays(word, said) if has_hours else days + _weekdays(word, said)
            has_hours = False
            if every_day:
                told = _("{hours} without days is for every day, so for {day} as well: name its days, too")
                raise ValueError(told.format(hours=words[0], day=word))
    if not has_hours:
        raise ValueError(_("{day!r} has no hours: {how}").format(day=words[-1], how=_(_HOW)))


def _weekdays(word: str, said: str) -> list[int]:
    match = _SOME_DAYS.fullmatch(word)
    if match is None:
        told = _("{word!r} in {window!r} is neither days nor hours: {how}")
        raise ValueError(told.format(word=word, window=said, how=_(_HOW)))
    first = _weekday(match[1])
    last = first if match[2] is None else _weekday(match[2])
    return [(first + more) % 7 for more in range((last - first) % 7 + 1)]


def _weekday(name: str) -> int:
    for place, (short, full) in enumerate(zip(DAYS, _IN_FULL, strict=True)):
        if name.startswith(short) and full.startswith(name):
            return place
    raise ValueError(_("{name!r} is no day of the week; there are {days}").format(name=name, days=", ".join(DAYS)))


def _minutes(word: str, hours: re.Match[str]) -> tuple[int, int]:
    start, end = (int(hours[hour]) * 60 + int(hours[hour + 1] or 0) for hour in (1, 3))
    if any(int(hours[minute] or 0) > 59 for minute in (2, 4)) or start >= A_DAY or end > A_DAY:
        raise ValueError(_("{hours!r} are no hours of a day: from 00:00 to 24:00").format(hours=word))
    if start == end:
        raise ValueError(_("{hours!r} ends when it begins: write 00:00-24:00 for a whole day").format(hours=word))
    return start, end if end > start else end + A_DAY


def _hours(span: Span) -> str:
    end = span.end if span.end <= A_DAY else span.end - A_DAY
    return f"{span.start // 60:02}:{span.start % 60:02}-{end // 60:02}:{end % 60:02}"
