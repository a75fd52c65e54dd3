"""Times as people write them on a command line."""

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest

from worker.console.moments import moment

NINE = datetime(2030, 7, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "meant"),
    [
        ("2030-07-01T09:00+00:00", None, NINE),
        ("2030-07-01T09:00Z", None, NINE),
        ("2030-07-01 11:00+02:00", None, NINE),
        ("2030-07-01T09:00", "Africa/Abidjan", NINE),
        ("2030-07-01T11:00", "Europe/Paris", NINE),
        ("2030-07-01 11:00 +02:00", None, NINE),
        ("2030-07-01 11:00 Europe/Paris", None, NINE),
        ("2030-07-01T10:00  Africa/Lagos", None, NINE),
        ("2030-07-01 09:00 UTC", None, NINE),
        ("2030-01-01 Africa/Abidjan", None, datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01", "Africa/Ouagadougou", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01T10:00", "Europe/Paris", datetime(2030, 1, 1, 10, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_a_moment_is_told_by_its_offset_or_its_zone(text: str, zone: str | None, meant: datetime) -> None:
    assert moment(text, zone) == meant


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        pytest.param("2030-07-01", None, r"write 2030-07-01T00:00\+00:00", id="no zone"),
        pytest.param("2030-07-01T09:00Z", "Africa/Abidjan", "leave it out, or --timezone", id="two zones"),
        pytest.param("2030-07-01 09:00", None, r"write 2030-07-01T09:00\+00:00", id="a naive one"),
        pytest.param("2030-07-01T09:00Z Africa/Lagos", None, "leave it out, or the time zone", id="offset and name"),
        pytest.param("2030-07-01 09:00 Africa/Lagos", "Africa/Abidjan", "leave it out, or --timezone", id="two names"),
        pytest.param("2030-07-01 09:00 Mars/Base", None, "no time zone is named 'Mars/Base'", id="unknown name"),
        pytest.param("2030-03-31 02:30 Europe/Paris", None, "the clocks of Europe/Paris change", id="named, skipped"),
        pytest.param("1 juillet", None, "is no time", id="words"),
        pytest.param("2030-07-01T09:00", "Mars/Base", "no time zone is named 'Mars/Base'", id="unknown zone"),
        pytest.param("2030-07-01T09:00", "../etc/passwd", "no time zone is named", id="a path"),
        pytest.param("2030-03-31T02:30", "Europe/Paris", "the clocks of Europe/Paris change then", id="skipped"),
        pytest.param("2030-10-27T02:30", "Europe/Paris", "the clocks of Europe/Paris change then", id="twice"),
    ],
)
def test_what_could_mean_another_moment_is_refused(text: str, zone: str | None, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        moment(text, zone)
