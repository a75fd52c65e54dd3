"""Retention: what campaigns were made of is purged so many days after they ended; what they came to stays.

First go the texts, then the numbers (KEEP_TEXT_DAYS, KEEP_NUMBERS_DAYS; without them nothing does). A campaign counts
as purged from the commit that begins it; a row of `purges` says how far it is, and `purging` goes on with it. Nothing
begins while a request of the campaign is in doubt, or was decided upon so lately that reports may still tell of it. Raw
reports and stored audiences go by `shredding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, false, func, insert, or_, select, update

from campaigns import decided, pseudonyms, purging, shredding
from campaigns.database import Database, Record, among, forbid_scans, forbid_sorting, later
from campaigns.models import attempts, campaigns, purges
from campaigns.settings import DomainSettings, domain_settings
from campaigns.states import AttemptKind, AttemptState, Purged


def purge(database: Database, *, seconds: float) -> bool:
    """Purge what is overdue, slice after slice for about so long; returns whether more is."""
    until = monotonic() + seconds
    while purge_slice(database):
        if monotonic() > until:
            return True
    return False


def purge_slice(database: Database) -> bool:
    """Purge a little of what is overdue, in one transaction; returns whether there was something to do."""
    settings = domain_settings()
    with database.transaction() as connection:
        forbid_sorting(connection)
        forbid_scans(connection)
        return (
            purging.go_on(connection)
            or _begin(connection, settings)
            or shredding.purge_bodies(connection, settings.keep_reports_days)
            or shredding.purge_audience(connection, settings.keep_text_days)
        )


def any_overdue(database: Database) -> bool:
    """Whether anything is to be purged."""
    settings = domain_settings()
    with database.reading() as connection:
        # First what is under way: it goes on, whatever the settings are by now.
        found = [select(purges.c.campaign_id), *(_due(level, days) for level, days in _levels(settings))]
        if any(connection.execute(some.limit(1)).first() for some in found):
            return True
        return shredding.any_overdue(connection, settings)


@dataclass(frozen=True)
class Overdue:
    """How much is kept for longer than the settings say; what a doubt keeps is none of it."""

    campaigns: int
    bodies: int


def overdue(connection: Connection, *, days_late: int = 0) -> Overdue:
    """What is to be purged, those campaigns included that are at it.

    Args:
        connection: whose database.
        days_late: only what should have been purged so many days ago.
    """
    settings, c = domain_settings(), campaigns.c
    either = [is_overdue(level, days + days_late) for level, days in _levels(settings)]
    due = (
        select(func.count()).select_from(campaigns).where(or_(false(), *either), c.completed_at.is_not(None), settled())
    )
    at_it = connection.execute(select(func.count()).select_from(purges)).scalar_one() if not days_late else 0
    days = settings.keep_reports_days
    bodies = 0
    if days is not None:
        late = shredding.overdue_bodies(days + days_late).order_by(None).subquery()
        bodies = connection.execute(select(func.count()).select_from(late)).scalar_one()
    return Overdue(connection.execute(due).scalar_one() + at_it if either else at_it, bodies)


# --- What is due ----------------------------------------------------------------------------------------------------


def _levels(settings: DomainSettings) -> Sequence[tuple[Purged, int]]:
    """How much of a campaign goes, after so many days; the most first."""
    days = ((Purged.NUMBERS, settings.keep_numbers_days), (Purged.TEXT, settings.keep_text_days))
    return [(level, after) for level, after in days if after is not None]


def _due(level: Purged, days: int) -> Select[int]:
    """Campaigns of which so much is to go, in any order: to put all in one, only to take some, would not end."""
    c = campaigns.c
    return select(c.id).where(is_overdue(level, days), settled())


def is_overdue(level: Purged, days: int) -> ColumnElement[bool]:
    """Of a campaign: it ended longer ago than so many days, and not so much of it is purged; what is begun is."""
    c = campaigns.c
    at_work = select(purges.c.campaign_id).where(purges.c.campaign_id == c.id).exists()
    return and_(
        c.purged.in_([less for less in Purged if less < level]),
        c.completed_at.is_not(None),
        c.completed_at < later(-days * shredding.DAY_SECONDS),
        ~at_work,
    )


def settled() -> ColumnElement[bool]:
    """Of a campaign: of each of its requests it is known, or decided, what became of it.

    Of a lookup in doubt nobody will ever know; no longer, at least, than reports of what was decided are waited for.
    """
    a, unsettled = attempts.c, [AttemptState.OPEN, AttemptState.IN_DOUBT]
    lately = or_(a.settled_at.is_(None), a.settled_at > later(-decided.EVIDENCE_SECONDS))
    matters = or_(a.kind == AttemptKind.SEND, lately)
    waits = select(a.campaign_id).where(a.state.in_(unsettled), matters)
    told = select(a.campaign_id).where(decided.may_have_sent())
    return and_(campaigns.c.id.not_in(waits), campaigns.c.id.not_in(told))


# --- A campaign begins ----------------------------------------------------------------------------------------------


def _begin(connection: Connection, settings: DomainSettings) -> bool:
    """Take some campaigns that are due; whatever reads them takes it for purged from now on."""
    c = campaigns.c
    for level, days in _levels(settings):
        due = _due(level, days).limit(purging.CAMPAIGNS_AT_ONCE).with_for_update(skip_locked=True)
        ids = sorted(connection.execute(due).scalars())
        if not ids:
            continue
        specs = connection.execute(select(c.id, c.spec).where(among(connection, c.id, ids))).all()
        close(connection, specs, level)
        connection.execute(insert(purges), [{"campaign_id": its, "secret": pseudonyms.throwaway()} for its in ids])
        return True
    return False


def close(connection: Connection, some: Sequence[Record], level: Purged) -> None:
    """Take their texts out of the rows of campaigns, and what their numbers could be guessed by.

    Args:
        connection: a transaction that holds their rows.
        some: id and spec of each.
        level: how much of them goes.
    """
    c = campaigns.c
    values: dict[str, Any] = {"purged": level, "wire_text": "", "spec": bindparam("left", type_=c.spec.type)}
    if level == Purged.NUMBERS:
        # Of one number and a text that is known, whoever tries all numbers of a country comes to the same digest.
        values |= {"digest": None, "numbers_key": pseudonyms.fingerprint()}
    left = [
        {"its_id": row.id, "left": {name: value for name, value in row.spec.items() if name != "template"}}
        for row in some
    ]
    connection.execute(update(campaigns).where(c.id == bindparam("its_id")).values(values), left)
