"""Batches that the gateway refused for good: whether others would fare the same, and what is said of them at the end.

All of it is read from the attempts; who refuses a batch is `batches`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, func, or_, select

from campaigns.database import Database, among
from campaigns.models import attempts, batches
from campaigns.states import AttemptKind, AttemptState, BatchState

IN_A_ROW = 2
"""So many refusals with one code, and nothing accepted between them, are no longer about the batches."""


def in_a_row(database: Database, campaign_id: int, kind: AttemptKind, code: int) -> bool:
    """Whether requests of a campaign were refused again and again with this code, and the next would be, too."""
    a = attempts.c
    refused = and_(a.state == AttemptState.REFUSED, a.code == code)
    telling = or_(refused, a.state.in_([AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE]))
    last = select(a.state).where(a.campaign_id == campaign_id, a.kind == kind, telling)
    with database.reading() as connection:
        last_ones = connection.execute(last.order_by(a.settled_at.desc(), a.id.desc()).limit(IN_A_ROW)).scalars().all()
    return last_ones == [AttemptState.REFUSED] * IN_A_ROW


def told(connection: Connection, campaign_ids: Iterable[int]) -> dict[int, str]:
    """What to say of the campaigns that have refused batches: how many, and why."""
    a, b = attempts.c, batches.c
    refused = (
        select(a.campaign_id, a.detail, func.count())
        .where(among(connection, a.campaign_id, campaign_ids), a.state == AttemptState.REFUSED)
        .where(b.attempt_id == a.id, b.id == a.batch_id, b.state == BatchState.REFUSED)
        .group_by(a.campaign_id, a.detail)
        .order_by(a.campaign_id, func.count().desc(), a.detail)
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for campaign_id, detail, count in connection.execute(refused):
        found.setdefault(campaign_id, []).append((detail, count))
    return {campaign_id: _sentence(causes) for campaign_id, causes in found.items()}


def _sentence(causes: list[tuple[str, int]]) -> str:
    count = sum(count for _, count in causes)
    batches_were = "1 batch was" if count == 1 else f"{count:,} batches were"
    why = causes[0][0] if len(causes) == 1 else "; ".join(f"{count:,} with {detail}" for detail, count in causes)
    return f"{batches_were} refused by the gateway: {why}"
