"""Which database this is, and whether it was set back: a backup was restored, and what was done since is unknown to it.

Its identity is made once, and goes wherever a backup goes. A generation begins each time that somebody has seen to a
restored backup (`restoring`), and is named by the time: it is above any that began before, be it one that the backup
knows nothing of. How a host notices that nobody has is in `worker.mark`; from then on nothing is claimed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, literal, or_, select, update

from campaigns.database import Database, now, upsert
from campaigns.heartbeats import WRITTEN_EVERY
from campaigns.models import attempts, heartbeats, lineage
from campaigns.outages import insisting

AT_WORK_SECONDS = 3 * WRITTEN_EVERY
"""Whose heartbeat is younger than this is at work now: it does not say until when a backup knows what was done."""


@dataclass(frozen=True)
class Lineage:
    """What a database is called, and what is known of its past.

    Attributes:
        identity: made at random when it was.
        generation: of when a restored backup was last seen to, in milliseconds; 0 if none ever was.
        set_back_at: when somebody noticed that it was set back, and nobody has seen to that; `set_back` says how.
        known_until: what was done until then, at least, the backup knows; of the last one that was seen to, or noticed.
        restored_at: when a restored backup was last seen to.
    """

    identity: str
    generation: int
    set_back_at: datetime | None
    set_back: str | None
    known_until: datetime | None
    restored_at: datetime | None


def read(database: Database) -> Lineage:
    """The database's; it gets its identity now, if it has none."""
    with database.reading() as connection:
        found = connection.execute(_its_own()).first()
    if found is None:
        with database.transaction() as connection:
            begin(connection)
            found = connection.execute(_its_own()).one()
    return Lineage(*found)


def _its_own() -> Any:
    return select(*[lineage.c[name] for name in Lineage.__dataclass_fields__])


def begin(connection: Connection) -> None:
    """Give a database its identity; one that has it keeps it."""
    made = upsert(connection, lineage).values(identity=secrets.token_hex(8))
    connection.execute(made.on_conflict_do_nothing())


def is_set_back() -> ColumnElement[bool]:
    """Whether it was noticed that the database was set back, and nobody has seen to that."""
    return exists(literal(1)).where(lineage.c.set_back_at.is_not(None))


def generation() -> ColumnElement[int]:
    """The one that it is now."""
    return func.coalesce(select(lineage.c.generation).scalar_subquery(), 0)


def is_of_before(moment: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Of a moment: it was before a restored backup was last seen to; not true where none ever was."""
    seen_to = select(lineage.c.restored_at).scalar_subquery()
    return func.coalesce(moment <= seen_to, literal(value=False))


def newest_attempt(database: Database) -> tuple[int, str]:
    """The highest id of a request that it knows, and its msgid; each new one is above it. 0 if it knows none."""
    a = attempts.c
    with database.reading() as connection:
        found = connection.execute(select(a.id, a.msgid).order_by(a.id.desc()).limit(1)).first()
    return (0, "") if found is None else (found.id, found.msgid)


def knows(attempt_id: ColumnElement[int], msgid: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the database knows this very request, which was committed once; no request is ever taken out of it."""
    a = attempts.c
    return or_(attempt_id == 0, exists(literal(1)).where(a.id == attempt_id, a.msgid == msgid))


def knows_of(database: Database, attempt_id: int, msgid: str) -> bool:
    """The same, asked by itself; of 0, which is none, it does."""
    with database.reading() as connection:
        return bool(connection.execute(select(knows(literal(attempt_id), literal(msgid)))).scalar_one())


@insisting
def declare_set_back(database: Database, how: str, *, newest_attempt: int, generation: int | None = None) -> None:
    """Somebody noticed it: nothing is claimed from now on. Of several who do the first one is kept.

    Args:
        database: where.
        how: it was noticed, in a sentence.
        newest_attempt: the last one of the backup.
        generation: the latest that whoever noticed it has seen: the next one must be above it. If a later one has
            begun by now, somebody has seen to the backup, and there is nothing to declare.
    """
    noticed: dict[str, Any] = {"set_back_at": now(), "set_back": how}
    unseen: ColumnElement[bool] = lineage.c.set_back_at.is_(None)
    if generation is not None:
        noticed["generation"] = generation
        unseen &= lineage.c.generation <= generation
    with database.transaction() as connection:
        begin(connection)
        noticed["known_until"] = known_until(connection, newest_attempt)
        connection.execute(update(lineage).where(unseen).values(noticed))


def next_generation(database: Database, its: Lineage) -> int:
    """The one that begins when a restored backup is seen to now."""
    return max(its.generation + 1, int(database.clock().timestamp() * 1_000))


def known_until(connection: Connection, newest_attempt: int | None = None) -> datetime | None:
    """What was done until then the database knows, if it is as its backup was: its last request, or its last heartbeat.

    A heartbeat counts if nobody is at work. None if nothing was ever done.
    """
    a, h = attempts.c, heartbeats.c
    last = select(a.started_at).order_by(a.id.desc()).limit(1)
    if newest_attempt is not None:
        last = last.where(a.id <= newest_attempt)
    beat, clock = connection.execute(select(select(func.max(h.beat_at)).scalar_subquery(), now())).one()
    at_work = beat is not None and (clock - beat).total_seconds() < AT_WORK_SECONDS
    moments = [connection.execute(last).scalar(), None if at_work else beat]
    return max((moment for moment in moments if moment is not None), default=None)
