"""What was kept for long enough is purged, a little at a time: nobody waits for it, and it must hold up nobody.

What goes, and when, is in `campaigns.retention`.
"""

from __future__ import annotations

from campaigns import bells, retention
from worker.resources import Resources, Slice

TURN_SECONDS = 0.2
REST_SECONDS = 0.2
"""Between two turns: the database, and a process of the pool, are others' for at least half of the time."""


def wake(resources: Resources) -> int:
    """Ring if anything is overdue; returns how many were rung."""
    if not retention.any_overdue(resources.database):
        return 0
    return int(bells.ring(resources.database, bells.purge(), resources.ring))


def purge_slice(resources: Resources) -> Slice:
    """A short turn of it."""
    if retention.purge(resources.database, seconds=TURN_SECONDS):
        return Slice("purging", after=REST_SECONDS)
    return Slice("nothing is overdue")
