"""The stage that drops dead numbers. Lookups are asked for by the lanes, as sends are; here their answers are used."""

from __future__ import annotations

from collections.abc import Iterable

from campaigns import lifecycle, lookups
from campaigns.claims import Claim
from campaigns.states import AttemptKind
from worker.resources import Resources


def finish(resources: Resources, batch_ids: Iterable[int]) -> int:
    """Clean the batches among these that every answer has come for; returns how many."""
    return _clean(resources, lookups.answered(resources.database, batch_ids))


def finish_overdue(resources: Resources) -> int:
    """Clean batches whose lookups had their time, or whose answers somebody took in who then died; returns how many."""
    database = resources.database
    overdue = lookups.hopeless(database, deadline=resources.settings.lookup_deadline)
    return _clean(resources, sorted({*overdue, *lookups.left_behind(database)}))


def refused(resources: Resources, claim: Claim) -> None:
    """A lookup that was refused for good leaves its numbers unknown, and its batch goes on at once."""
    if claim.kind == AttemptKind.LOOKUP:
        _clean(resources, [claim.batch_id])


def _clean(resources: Resources, batch_ids: Iterable[int]) -> int:
    cleaned = [lookups.clean(resources.database, batch_id, resources.settings.prices) for batch_id in batch_ids]
    theirs = [campaign_id for campaign_id in cleaned if campaign_id is not None]
    if theirs:
        with resources.database.transaction() as connection:
            lifecycle.advance(connection, sorted(set(theirs)))
    return len(theirs)
