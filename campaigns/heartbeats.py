"""When what must go round last did, by the database's time; whoever watches it is in the machine room.

A row is written at most every ten seconds, so that it is no hot one, however many go round at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from sqlalchemy import select

from campaigns.database import Database, is_over, now, upsert
from campaigns.models import heartbeats
from campaigns.moments import AHEAD_SECONDS

WRITTEN_EVERY = 10.0
"""Seconds for which a heartbeat is good: so much later than it was it may seem to have been."""


def note(database: Database, names: Collection[str]) -> int:
    """These have just gone round; returns how many needed saying."""
    h = heartbeats.c
    said = select(h.name).where(h.name.in_(names), ~is_over(h.beat_at, WRITTEN_EVERY))
    with database.reading() as connection:
        unsaid = sorted(set(names) - set(connection.execute(said).scalars()))
    if unsaid:  # in the order of their names: two that say the same cannot wait for each other
        with database.transaction() as connection:
            beat = upsert(connection, heartbeats).values(beat_at=now())
            again = beat.on_conflict_do_update(index_elements=["name"], set_={"beat_at": now()})
            connection.execute(again, [{"name": name} for name in unsaid])
    return len(unsaid)


def ages(database: Database) -> dict[str, float]:
    """Seconds since each name went round; those that never did are not in it.

    It is infinite for what has not gone round since the database's clock was set back: nobody knows when it did.
    """
    with database.reading() as connection:
        rows = connection.execute(select(heartbeats.c.name, heartbeats.c.beat_at, now())).all()
    return {name: _age((clock - beat_at).total_seconds()) for name, beat_at, clock in rows}


def _age(seconds: float) -> float:
    return max(0.0, seconds) if seconds >= -AHEAD_SECONDS else math.inf
