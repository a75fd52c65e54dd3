"""Whose clocks a window goes by: those of a zone, or of all zones of a number's country."""

import zoneinfo
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from campaigns.clocks import RECIPIENT, Hours, country_of, zone, zones_of
from campaigns.windows import Window

SUNDAY = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "country", "zones"),
    [
        (2250700000000, "CI", {"Africa/Abidjan"}),
        (22670000000, "BF", {"Africa/Ouagadougou"}),
        (33612345678, "FR", {"Europe/Paris"}),
        (2348012345678, "NG", {"Africa/Lagos"}),
        (447400123456, "GB", {"Europe/London", "Europe/Jersey", "Europe/Guernsey", "Europe/Isle_of_Man"}),
        (18765550123, "JM", {"America/Jamaica"}),
        (16715550123, "GU", {"Pacific/Guam"}),
        (77011234567, "KZ", {"Asia/Almaty", "Asia/Aqtobe"}),
    ],
)
def test_a_number_has_the_zones_of_its_country(number: int, country: str, zones: set[str]) -> None:
    assert country_of(number) == country
    assert {str(its) for its in zones_of(country)} == zones


@pytest.mark.parametrize(
    ("number", "among"),
    [
        (12125550123, {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "America/Anchorage"}),
        (14165550123, {"America/Toronto", "America/Vancouver", "America/St_Johns"}),
        (79161234567, {"Europe/Moscow", "Asia/Kamchatka", "Asia/Yekaterinburg"}),
        (5511987654321, {"America/Sao_Paulo", "America/Manaus"}),
    ],
)
def test_a_large_country_has_all_of_its_zones_for_a_number_says_not_in_which_its_phone_is(
    number: int, among: set[str]
) -> None:
    assert {str(its) for its in zones_of(country_of(number))} >= among


def test_countries_that_share_a_code_half_a_world_long_have_their_own_zones() -> None:
    assert "Pacific/Guam" not in {str(its) for its in zones_of("US")}
    assert "America/Toronto" not in {str(its) for its in zones_of("US")}


@pytest.mark.parametrize("number", [881612345678, 870773110000, 999123456789])
def test_a_number_of_no_country_goes_by_utc(number: int) -> None:
    assert zones_of(country_of(number)) == (UTC,)


def test_a_country_is_open_while_it_is_open_in_all_of_its_zones() -> None:
    hours = Hours.of("mon-fri 08:00-20:00", RECIPIENT)
    assert hours is not None

    found = hours.opening("US", SUNDAY)

    assert found is not None
    assert found.opens_at == datetime(2026, 11, 30, 18, tzinfo=UTC)  # Honolulu's eight, and Adak's
    assert found.closes_at == datetime(2026, 12, 1, 1, tzinfo=UTC)  # New York's eight


def test_each_country_opens_by_its_own_clock() -> None:
    hours = Hours(Window.parse("mon-fri 08:00-20:00"), RECIPIENT)
    opens = [found.opens_at.hour for place in ("NG", "CI") if (found := hours.opening(place, SUNDAY))]
    assert opens == [7, 8]
    assert [(b - a) for a, b in pairwise(opens)] == [1]


def test_one_zone_is_every_numbers_whatever_its_country() -> None:
    hours = Hours.of("mon-fri 08:00-20:00", "Europe/Paris")
    assert hours is not None
    assert {hours.place(number) for number in (2250700000000, 33612345678)} == {"Europe/Paris"}


def test_a_zone_that_there_is_not_is_refused_with_one_that_there_is() -> None:
    with pytest.raises(ValueError, match="no time zone is named 'Abidjan': try Africa/Abidjan"):
        zone("Abidjan")


def test_all_zones_of_countries_are_there_on_a_host_that_has_none() -> None:
    names = {name for some in TIMEZONE_DATA.values() for name in some}
    zoneinfo.reset_tzpath(to=[])
    try:
        found = {str(zoneinfo.ZoneInfo.no_cache(name)) for name in names}
    finally:
        zoneinfo.reset_tzpath()
    assert found == names
