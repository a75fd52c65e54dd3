"""Campaigns in a row, newest first, without the counts that `progress` makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaigns.accounts import unserved
from campaigns.awaited import next_ones
from campaigns.database import Database, Record, default
from campaigns.language import N_
from campaigns.models import campaigns
from campaigns.states import CampaignState
from campaigns.waiting import a_worker_with, its_time, its_window


@dataclass(frozen=True)
class Listed:
    """One line about a campaign; `reason` is why it is in its state, or what it waits for where a line can tell."""

    id: int
    name: str
    account: str
    key: str | None
    state: str
    paused_at: datetime | None
    reason: str | None
    recipients: int
    created_at: datetime
    completed_at: datetime | None


def listing(
    *, state: str | None = None, before: int | None = None, most: int = 50, database: Database | None = None
) -> list[Listed]:
    """Campaigns, the newest first.

    Args:
        state: only those in this state.
        before: only ids below this one: the last id of the page before.
        most: how many.
        database: where; the one that DATABASE_URL names by default.
    """
    c = campaigns.c
    columns = [c[name] for name in Listed.__annotations__ if name != "reason"]
    found = (
        select(*columns, c.reason, c.pause_reason, c.scheduled_at, c.spec, c.windowed).order_by(c.id.desc()).limit(most)
    )
    if state is not None:
        found = found.where(c.state == state)
    if before is not None:
        found = found.where(c.id < before)
    with (database or default()).reading() as connection:
        rows = connection.execute(found).all()
        at_work = {row.account for row in rows if row.completed_at is None}
        strange = {account for account in at_work if unserved(connection, account)}
        windows = next_ones(connection, [row for row in rows if row.state == CampaignState.SENDING])
    return [
        Listed(
            **{name: getattr(row, name) for name in Listed.__annotations__ if name != "reason"},
            reason=_why(row, strange, its_window(windows.get(row.id))),
        )
        for row in rows
    ]


def _why(row: Record, strange: set[str], window: str | None) -> str | None:
    ended = row.completed_at is not None or row.state in (CampaignState.CANCELLED, CampaignState.STALLED)
    if row.paused_at is not None and row.completed_at is None and row.state != CampaignState.CANCELLED:
        why = row.pause_reason
    elif row.state == CampaignState.SUBMITTED and row.scheduled_at is not None:
        why = N_("waits for {what}").format(what=its_time(row.scheduled_at))
    elif row.account in strange and not ended:
        why = N_("waits for {what}").format(what=a_worker_with(row.account))
    elif window is not None:
        why = N_("waits for {what}").format(what=window)
    else:
        why = row.reason
    return None if why is None else str(why)
