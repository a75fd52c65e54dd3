"""Opt-outs: people who want no texts are put on a list, and taken off it if they change their minds.

There is a list for all accounts, and one for each. Whoever says STOP says it to whoever owns the installation, and
knows of no accounts: so it counts for all of them, unless an account is named, as is right where each sends for a
business of its own. How somebody is put on one is in `additions`, and a whole file of people in `importing`; what the
lists are asked, and what is kept of a number, is in `unwanted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_

from campaigns import unwanted
from campaigns.additions import add
from campaigns.database import Database, Record, among, default
from campaigns.language import _
from campaigns.models import opt_out_lists, opt_outs
from campaigns.phone import normalizer
from campaigns.settings import domain_settings
from campaigns.unwanted import EVERY

AT_ONCE = 5_000
"""Entries on a page of a list."""


class NoNumberError(ValueError):
    """What was given is no mobile number; nothing was changed."""

    def __init__(self, place: int, count: int) -> None:
        which = _("the number") if count == 1 else _("number {place} of {count}").format(place=place, count=count)
        super().__init__(
            _("{which} is no mobile number: write it with its country code, as in +225 07 08 09 10 11").format(
                which=which
            )
        )


@dataclass(frozen=True)
class OptOut:
    """Somebody who wants no texts.

    Attributes:
        number: the MSISDN; None where only a hash of it is kept.
        account: from which account nothing is wanted; None: from any.
        at: when it was put down.
        source: where it is known from.
    """

    number: int | None
    account: str | None
    at: datetime
    source: str

    def __repr__(self) -> str:
        return f"OptOut(account={self.account!r}, at={self.at.isoformat()}, source={self.source!r})"


def opt_out(*numbers: str | int, account: str | None = None, source: str = "", database: Database | None = None) -> int:
    """Text these people no more; whoever is on the list stays there.

    It counts from the commit on, for campaigns that are under way as well: a batch that was claimed before may still
    leave.

    Args:
        numbers: as people write them.
        account: only from this one; from any by default.
        source: where it is known from, for whoever asks later.
        database: where; the one that DATABASE_URL names by default.

    Returns:
        How many were not on the list.

    Raises:
        NoNumberError: one of them is none, and nothing was changed. OptOutKeyError: OPT_OUT_KEY is not what it was.
    """
    read = _read(numbers)
    with (database or default()).transaction() as connection:
        return add(connection, read, account or EVERY, source)


def opt_in(*numbers: str | int, account: str | None = None, database: Database | None = None) -> int:
    """These people may be texted again; campaigns that have left them out stay as they are.

    Args:
        numbers: as people write them.
        account: only by this one: who wants nothing from any stays on the list of all. Else by all, whichever lists
            they are on.
        database: where.

    Returns:
        How many entries are gone. Raises as `opt_out`.
    """
    read = _read(numbers)
    with (database or default()).transaction() as connection:
        _require_secret(connection, account)
        gone = delete(opt_outs).where(among(connection, opt_outs.c.key, _keys(read)))
        if account is not None:
            gone = gone.where(opt_outs.c.account == account)
        return connection.execute(gone).rowcount


def opted_out(*numbers: str | int, database: Database | None = None) -> list[OptOut]:
    """The entries of these people, on whichever list: one for each account, or for all; none if they may be texted.

    Raises as `opt_out`.
    """
    read = _read(numbers)
    number_of = {key: number for number in read for key in _keys([number])}
    with (database or default()).transaction() as connection:
        _require_secret(connection, None)
        found = select(opt_outs).where(among(connection, opt_outs.c.key, number_of)).order_by(*_KEY)
        return [_entry(row, number_of[row.key]) for row in connection.execute(found)]


def listing(account: str | None = None, *, database: Database | None = None) -> Iterator[OptOut]:
    """Everybody who has opted out, page after page, in the order of what is kept of their numbers.

    Args:
        account: only of this one's list; `*` is the list of all accounts. By default, of each list.
        database: where.
    """
    after = (-(2**63), "")
    while True:
        page = select(opt_outs).where(tuple_(*_KEY) > after).order_by(*_KEY).limit(AT_ONCE)
        if account is not None:
            page = page.where(opt_outs.c.account == account)
        with (database or default()).reading() as connection:
            rows = connection.execute(page).all()
        yield from (_entry(row, row.key if row.key > 0 else None) for row in rows)
        if len(rows) < AT_ONCE:
            return
        after = (rows[-1].key, rows[-1].account)


_KEY = (opt_outs.c.key, opt_outs.c.account)


def _entry(row: Record, number: int | None) -> OptOut:
    return OptOut(number, None if row.account == EVERY else row.account, row.opted_out_at, row.source)


def _read(numbers: Sequence[str | int]) -> list[int]:
    normalize = normalizer(domain_settings().default_region)
    read = []
    for place, number in enumerate(numbers, 1):
        found = normalize(str(number))
        if found is None:
            raise NoNumberError(place, len(numbers))
        read.append(found)
    return read


def _keys(numbers: Iterable[int]) -> list[int]:
    """All that may be kept of these: what was put down before there was a secret counts as well."""
    return sorted({key for number in numbers for key in (number, unwanted.key_of(number))})


def _require_secret(connection: Connection, account: str | None) -> None:
    everywhere = connection.execute(select(opt_out_lists.c.account)).scalars()
    unwanted.require_secret(connection, *(everywhere if account is None else [account]))
