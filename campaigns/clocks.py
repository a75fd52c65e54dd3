"""Whose clocks a campaign's window goes by: those of one time zone, or of each number's country.

Which zones a country has is told by `phonenumbers`. A number says nothing of where in a large country its phone is, and
whoever moves takes it along: so a country's window is open only while it is open in all of its zones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaigns.language import _
from campaigns.windows import Opening, Window

RECIPIENT = "recipient"
"""Stands for a zone where each number's country has its own."""

NO_COUNTRY = "001"
"""Numbers of satellite phones and the like, as `phonenumbers` has it; their clocks show UTC."""

_APART = (1, 7)
"""Country codes whose countries lie half a world apart; others that share one are of one zone or near it."""

_SOME_DIGITS = "2345678901"


class UnknownZoneError(ValueError):
    """This host knows no time zone of that name."""


def zone(name: str) -> ZoneInfo:
    """The time zone of this name, as in Africa/Abidjan; raises UnknownZoneError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZoneError(_("no time zone is named {name!r}: try Africa/Abidjan").format(name=name)) from None


@dataclass(frozen=True)
class Hours:
    """A window, and whose clocks it goes by.

    Attributes:
        window: days and hours.
        zone: the name of a time zone, or RECIPIENT.
    """

    window: Window
    zone: str

    @classmethod
    def of(cls, window: str | None, whose: str | None) -> Hours | None:
        """Those of a spec's two words, which were checked; None where it has no window."""
        return None if window is None or whose is None else cls(Window.parse(window), whose)

    @property
    def by_country(self) -> bool:
        """Whether numbers of different countries may have to wait for different moments."""
        return self.zone == RECIPIENT

    def place(self, number: int) -> str:
        """By which of its clocks a number's message leaves: the zone, or the number's country."""
        return country_of(number) if self.by_country else self.zone

    def opening(self, place: str, moment: datetime) -> Opening | None:
        """The opening of a place at a moment, or the next one; None if there is none.

        Raises UnknownZoneError if this host lacks a time zone of the place.
        """
        return self.window.opening(moment, self._zones(place))

    def shown(self, place: str, moment: datetime) -> str:
        """As a clock there shows it: `Mon 2026-11-30 08:00 Africa/Abidjan`; as UTC where there are several."""
        zones = self._zones(place)
        clock = zones[0] if len(zones) == 1 else UTC
        return f"{moment.astimezone(clock):%a %Y-%m-%d %H:%M} {clock}"

    def _zones(self, place: str) -> tuple[tzinfo, ...]:
        return zones_of(place) if self.by_country else (zone(self.zone),)


def country_of(number: int) -> str:
    """The country of an MSISDN, by its two letters; NO_COUNTRY where it has none.

    Countries that share a code and a clock, such as those of +44, are taken for the largest of them.
    """
    return _country_of(str(number)[:4])


@cache  # the first four digits of numbers: there are some thousands at most
def _country_of(start: str) -> str:
    # Imported here because it costs 70 ms, and most campaigns have no window.
    import phonenumbers

    codes = (int(start[:length]) for length in (1, 2, 3))
    code = next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
    if code is None:
        return NO_COUNTRY
    largest: str = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0]
    if code not in _APART:
        return largest
    national = int((start[1:] + _SOME_DIGITS)[:10])
    number = phonenumbers.PhoneNumber(country_code=code, national_number=national)
    return phonenumbers.region_code_for_number(number) or largest


@cache
def zones_of(country: str) -> tuple[tzinfo, ...]:
    """All time zones of a country; UTC for NO_COUNTRY. Raises UnknownZoneError if this host lacks one of them."""
    if country == NO_COUNTRY:
        return (UTC,)
    import phonenumbers
    from phonenumbers.tzdata import TIMEZONE_DATA

    code = str(phonenumbers.country_code_for_region(country))
    names = set(TIMEZONE_DATA[code])
    if int(code) in _APART:
        prefixes = (prefix for prefix in TIMEZONE_DATA if prefix.startswith(code) and prefix != code)
        its_own = [prefix for prefix in prefixes if _country_of((prefix + _SOME_DIGITS)[:4]) == country]
        names = {name for prefix in its_own for name in TIMEZONE_DATA[prefix]} or names
    return tuple(zone(name) for name in sorted(names))
