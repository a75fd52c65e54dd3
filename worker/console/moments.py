"""A time as it is written on a command line → a moment."""

from __future__ import annotations

from datetime import datetime

import click

from worker.language import _

ZONED = "2026-12-24T18:00+00:00"
_A_DAY = len("2026-12-24")


def written(text: str, *, example: str = ZONED, option: str | None = None) -> datetime:
    """The time that `text` (ISO 8601) says, with a zone or without. Raises BadParameter, of the `option` if named."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        wrong = _("{text!r} is no time: write it as {example}").format(text=text, example=example)
        raise click.BadParameter(wrong, param_hint=option) from None


def moment(text: str, zone: str | None) -> datetime:
    """The moment that `text` means: a time (ISO 8601) with its offset, or followed by the name of a time zone.

    `2026-12-01T09:00+01:00`, `2026-12-01 09:00 +01:00` and `2026-12-01 09:00 Africa/Lagos` are the same; one that has
    neither is read as a clock in `zone` shows it.

    Raises BadParameter: not a time; a time without any zone, or with two; an unknown zone; a time that a change of the
    clocks skips or repeats.
    """
    time, named = _parts(text)
    read = written(time, option="--at")
    if read.tzinfo is not None:
        if zone is not None or named is not None:
            twice = _("{text!r} has its own offset: leave it out, or the time zone")
            twice = _("{text!r} has its own offset: leave it out, or --timezone") if zone else twice
            raise _wrong(twice.format(text=text))
        return read
    if named is not None:
        if zone is not None:
            raise _wrong(_("{text!r} names its time zone: leave it out, or --timezone").format(text=text))
        return _in_zone(read, named, option="--at")
    if zone is None:
        unsaid = _(
            "{text!r} does not say in which time zone, and this host's may not be yours: "
            "write {time}+00:00 (Abidjan, Ouagadougou), or add --timezone Africa/Abidjan"
        )
        raise _wrong(unsaid.format(text=text, time=read.isoformat(timespec="minutes")))
    return _in_zone(read, zone, option="--timezone")


def _parts(text: str) -> tuple[str, str | None]:
    """The time, with its offset if it has one, and the name of the time zone that follows it."""
    time, _blank, last = text.strip().rpartition(" ")
    if time and last[0] in "+-":
        return time.rstrip() + last, None
    if time and last[0].isalpha() and len(time) >= _A_DAY:
        return time.rstrip(), last
    return text.strip(), None


def _in_zone(read: datetime, name: str, *, option: str) -> datetime:
    from campaigns.clocks import zone as zone_named  # late: most commands that read a time need no zone

    try:
        zone = zone_named(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    first, second = read.replace(tzinfo=zone, fold=0), read.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        twice = _("the clocks of {zone} change then: say which moment is meant, as in {example}")
        raise _wrong(twice.format(zone=name, example=first.isoformat()))
    return first


def _wrong(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--at")
