"""A file of people who want no texts, taken in some thousands at a time; whoever is on the list stays there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from campaigns.additions import add
from campaigns.audience import Source, open_audience
from campaigns.database import Database, default
from campaigns.phone import normalizer
from campaigns.settings import domain_settings
from campaigns.unwanted import EVERY

AT_ONCE = 5_000
"""Rows of a file that are taken in by one transaction: claims wait for none of them, other additions do."""

_NAMED = 5
"""Rows without a number that are named; of more, the count is told."""


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
                added += add(connection, numbers, account or EVERY, source)
            rows, found = rows + len(some), found + len(numbers)
    return Imported(rows, added, found - added, len(invalid), tuple(invalid[:_NAMED]))
