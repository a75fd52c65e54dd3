"""Delivery reports of other programs on the same account: our reading consumed them, so they can be had here.

Foreign is what came under a msgfid that no request of ours has, in a body for which nobody waits any more. A body that
is parked may still turn out to be ours; one that was purged tells of nobody.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, select

from campaigns.database import Database, Record, rows_of
from campaigns.journal import POLLS_AT_ONCE
from campaigns.models import attempts, report_polls
from campaigns.states import PollState


@dataclass(frozen=True, repr=False)
class Foreign:
    """A body, when it came, and the msgfids in it that are of other programs."""

    account: str
    read_at: datetime
    msgfids: frozenset[str]
    body: bytes


def bodies(database: Database, *, account: str | None = None, since: datetime | None = None) -> Iterator[Foreign]:
    """The bodies with reports of other programs, the oldest first and one at a time: of one account, and since when."""
    p = report_polls.c
    closed = select(p.id, p.account, p.stored_at, p.unknown).where(
        p.state == PollState.APPLIED, p.unknown.is_not(None), p.body.is_not(None)
    )
    if account is not None:
        closed = closed.where(p.account == account)
    if since is not None:
        closed = closed.where(p.stored_at >= since)
    last = 0
    while some := _page(database, closed.where(p.id > last).order_by(p.id).limit(POLLS_AT_ONCE)):
        for poll in some:
            found = _read(database, poll)
            if found is not None:
                yield found
        last = some[-1].id


def _page(database: Database, found: Any) -> list[Record]:
    with database.reading() as connection:
        return list(connection.execute(found).all())


def _read(database: Database, poll: Record) -> Foreign | None:
    a = attempts.c
    with database.reading() as connection:
        asked = rows_of(connection, "asked", msgfid=(Text, sorted(poll.unknown)))
        ours = connection.execute(select(a.msgfid).where(a.account == poll.account, a.msgfid == asked.c.msgfid))
        msgfids = frozenset(poll.unknown) - set(ours.scalars())
        if not msgfids:
            return None
        body = connection.execute(select(report_polls.c.body).where(report_polls.c.id == poll.id)).scalar_one()
    return None if body is None else Foreign(poll.account, poll.stored_at, msgfids, zlib.decompress(body))
