"""A campaign's account as a file: each row of its audience, and what became of it.

Who the rows are is `accounting`, what a file of a format looks like is `tables`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select

from campaigns.accounting import Entry, entries
from campaigns.beside import new_file
from campaigns.database import Database, default
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import campaigns
from campaigns.phone import masked as half_hidden
from campaigns.tables import WRITERS, Cell, Column

COLUMNS: tuple[Column, ...] = (
    ("row", int),
    ("number", str),
    ("status", str),
    ("changed_at", datetime),
    ("batch", int),
    ("sent_at", datetime),
    ("segments", int),
    ("credits", Decimal),
    ("refunded", Decimal),
    ("msgfid", str),
    ("smsfid", str),
)

_TOLD_EVERY = 1_000

Told = Callable[[int, int], None]
"""Is told how many rows are written, and how many there are."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        rows: their number, without the header.
        gone: rows that were read of the audience and cannot be told any more: a campaign that was cancelled before it
            was expanded has dropped them.
    """

    rows: int
    gone: int


def export(
    campaign_id: int,
    target: str | Path | BinaryIO,
    *,
    kind: str | None = None,
    masked: bool = False,
    replace: bool = False,
    told: Told | None = None,
    database: Database | None = None,
) -> Exported:
    """Write each row of a campaign's account: its messages batch by batch, then who was left out, then who waits.

    Args:
        campaign_id: whose.
        target: a path, or a file that is open for bytes, which stays open. A path is there only once it is whole, and
            only its owner may read it.
        kind: `csv`, `xlsx` or `parquet`; by default what the path's name ends with, or else csv.
        masked: hide the middle of each number.
        replace: a file that is there already; otherwise it is refused.
        told: is called now and then.
        database: where; the one that DATABASE_URL names by default.

    Raises:
        UnknownCampaignError, FileExistsError; NotInstalledError: the format needs a package that is not here.
        ValueError: there is no such format.
    """
    database = database or default()
    total = _recipients(campaign_id, database)
    if not isinstance(target, str | Path):
        return _write(campaign_id, target, kind or "csv", masked, total, told, database)
    path = Path(target)
    with new_file(path, replace=replace) as file:
        return _write(campaign_id, file, kind or kind_of(path), masked, total, told, database)


def _recipients(campaign_id: int, database: Database) -> int:
    with database.reading() as connection:
        found = connection.execute(select(campaigns.c.recipients).where(campaigns.c.id == campaign_id)).scalar()
    if found is None:
        raise UnknownCampaignError(_("no campaign has the id {id}: `campaigns list` names them").format(id=campaign_id))
    return int(found)


def kind_of(path: Path) -> str:
    """The format that a file's name asks for."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in WRITERS else "csv"


def _write(
    campaign_id: int, file: BinaryIO, kind: str, masked: bool, total: int, told: Told | None, database: Database
) -> Exported:
    if kind not in WRITERS:
        raise ValueError(
            _("there is no format {kind!r}: choose one of {formats}").format(kind=kind, formats=", ".join(WRITERS))
        )
    table = WRITERS[kind](file, COLUMNS)
    count = 0
    try:
        with closing(entries(campaign_id, database=database)) as found:
            for count, entry in enumerate(found, 1):
                table.add(_cells(entry, masked=masked))
                if told is not None and count % _TOLD_EVERY == 0:
                    told(count, total)
    except BaseException:
        table.drop()
        raise
    table.close()
    if told is not None:
        told(count, total)
    return Exported(rows=count, gone=max(0, total - count))


_NAMES = tuple(field.name for field in fields(Entry))


def _cells(entry: Entry, *, masked: bool) -> list[Cell]:
    cells = [getattr(entry, name) for name in _NAMES]
    if masked and entry.number:  # one that was purged is nothing already
        cells[1] = half_hidden(entry.number)
    return cells
