"""Opt-outs: people who want no texts are put on a list, and taken off it if they change their minds.

There is a list for all accounts, and one for each. Whoever says STOP says it to whoever owns the installation, and
knows of no accounts: so it counts for all of them, unless an account is named, as is right where each sends for a
business of its own. What the lists are asked, and what is kept of a number, is in `unwanted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, delete, select, tuple_, update

from campaigns import unwanted
from campaigns.audience import Source, open_audience
from campaigns.database import Database, Record, among, default, now, upsert
from campaigns.language import _
from campaigns.models import opt_out_lists, opt_outs
from campaigns.phone import normalizer
from campaigns.settings import domain_settings
from campaigns.unwanted import EVERY

AT_ONCE = 5_000
"""Rows of a file that are taken in by one transaction: claims wait for none of them, other additions do."""

_NAMED = 5
"""Rows without a number that are named; of more, the count is told."""


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


@dataclass(frozen=True)
class Imported:
    """What became of a file of opt-outs.

    Attributes:
        rows: read.
        added: people who were not on the list before.
        known: rows whose number was on the list already, be it by a row before.
        invalid: rows without a mobile number: nobody can be texted at what is in them.
        first_invalid: the numbers of the first of these rows.
    """

    rows: int
    added: int
    known: int
    invalid: int
    first_invalid: Sequence[int]


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
        return _add(connection, read, account or EVERY, source)


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


def import_opt_outs(
    audience: Source,
    *,
    account: str | None = None,
    source: str = "",
    number_column: str | None = None,
    database: Database | None = None,
) -> Imported:
    """Put everybody in a file on the list; whatever holds an audience will do, and its other columns are passed over.

    A file that was taken in by halves may be imported again: who is on the list stays there.

    Args:
        audience: a path, an open file, or an iterable of rows.
        account: only from this one; from any by default.
        source: where it is known from.
        number_column: the column with the numbers, where it cannot be told.
        database: where.

    Raises:
        AudienceError: it cannot be read. OptOutKeyError: OPT_OUT_KEY is not what it was.
    """
    database, normalize = database or default(), normalizer(domain_settings().default_region)
    rows = added = found = 0
    invalid: list[int] = []
    with open_audience(audience, number_column=number_column) as opened:
        stream = iter(opened)
        while some := list(islice(stream, AT_ONCE)):
            read = [(row, normalize(cells[opened.number_column])) for row, cells in some]
            numbers = [number for _, number in read if number is not None]
            invalid += [row for row, number in read if number is None]
            with database.transaction() as connection:
                added += _add(connection, numbers, account or EVERY, source)
            rows, found = rows + len(some), found + len(numbers)
    return Imported(rows, added, found - added, len(invalid), tuple(invalid[:_NAMED]))


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


def _add(connection: Connection, numbers: Sequence[int], account: str, source: str) -> int:
    """Put numbers on a list; returns how many were not there."""
    lists = opt_out_lists.c
    connection.execute(upsert(connection, opt_out_lists).on_conflict_do_nothing(), {"account": account})
    its_own = lists.account == account
    connection.execute(select(lists.account).where(its_own).with_for_update())  # until the commit, see `unwanted`
    unwanted.require_secret(connection, account)
    plain = _taken_out(connection, numbers, account)
    moment = connection.execute(select(now())).scalar_one()
    entries = {
        unwanted.key_of(number): plain.get(number, (moment, _storable(source))) for number in sorted(set(numbers))
    }
    if not entries:
        return 0
    rows = [{"key": key, "account": account, "opted_out_at": at, "source": why} for key, (at, why) in entries.items()]
    new = upsert(connection, opt_outs).on_conflict_do_nothing().returning(opt_outs.c.key)
    added = len(connection.execute(new, rows).scalars().all())
    if added:
        changed = {"changes": lists.changes + 1, "secret": unwanted.fingerprint()}
        connection.execute(update(opt_out_lists).where(its_own).values(changed))
    return added - len(plain)


def _taken_out(connection: Connection, numbers: Sequence[int], account: str) -> dict[int, tuple[datetime, str]]:
    """Where numbers are to be kept as hashes, those that were put down plainly: when, and where from."""
    if unwanted.fingerprint() is None:
        return {}
    o = opt_outs.c
    plain = delete(opt_outs).where(among(connection, o.key, numbers), o.account == account)
    return {row.key: (row.opted_out_at, row.source) for row in connection.execute(plain.returning(opt_outs))}


def _storable(source: str) -> str:
    """Without what PostgreSQL takes for no text."""
    return source.replace("\0", "").encode(errors="replace").decode()
