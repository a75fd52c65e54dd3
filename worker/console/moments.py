"""A time as it is written on a command line → a moment."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

ZONED = "2026-12-24T18:00+00:00"


def written(text: str, *, example: str = ZONED, option: str | None = None) -> datetime:
    """The time that `text` (ISO 8601) says, with a zone or without. Raises BadParameter, of the `option` if named."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time: write it as {example}", param_hint=option) from None


def moment(text: str, zone: str | None) -> datetime:
    """The moment that `text` (ISO 8601) means, by its own offset, or else as a clock in `zone` shows it.

    Raises BadParameter: not a time; a time without any zone; an unknown zone; a time that a change of the clocks skips
    or repeats.
    """
    read = written(text, option="--at")
    if read.tzinfo is not None:
        if zone is not None:
            raise _wrong(f"{text!r} has its own offset: leave it out, or --timezone")
        return read
    if zone is None:
        raise _wrong(
            f"{text!r} does not say in which time zone, and this host's may not be yours: "
            f"write {read.isoformat(timespec='minutes')}+00:00 (Abidjan, Ouagadougou), or add --timezone Africa/Abidjan"
        )
    return _in_zone(read, zone)


def _in_zone(read: datetime, name: str) -> datetime:
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            f"no time zone is named {name!r}: try Africa/Abidjan", param_hint="--timezone"
        ) from None
    first, second = read.replace(tzinfo=zone, fold=0), read.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise _wrong(f"the clocks of {name} change then: say which moment is meant, as in {first.isoformat()}")
    return first


def _wrong(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--at")
