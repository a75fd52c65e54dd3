"""What has stood still for longer than it should, whatever it is, the oldest first: so that it can be named.

Requests in doubt are no part of it (they are known, and decided upon: `undecided`), nor is what nothing keeps from
leaving (`vitals.pending`), nor what waits for a person, for credits or for its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from campaigns import lifecycle
from campaigns.accounts import is_there
from campaigns.database import later, now
from campaigns.models import accounts, attempts, campaigns, report_polls
from campaigns.states import AttemptState, CampaignState, PollState

LEASE_SECONDS = 30.0
"""After which a lease that ran out should have been seen by a sweep that goes round every two seconds."""

BODY_SECONDS = 60.0
"""After which a body of reports should have been applied."""

WAITING_SECONDS = 120.0
"""After which a campaign should have been taken up, be it to be expanded or to be funded."""


class Kind(StrEnum):
    """What it is that stands still."""

    LEASE = "lease"  # a batch was claimed, and whoever claimed it is gone
    BODY = "body"  # reports are here and nobody applies them
    EXPANSION = "expansion"  # a campaign is due, and nobody makes batches of it
    FUNDING = "funding"  # a campaign's credits are to be set aside, and nobody does it


@dataclass(frozen=True)
class Stuck:
    """Things of a kind that stand still.

    Attributes:
        kind: what they are.
        account: whose.
        id: of the oldest: the batch's campaign, the body's poll, the campaign.
        count: how many there are.
        seconds: for how long the oldest has, beyond what it may.
    """

    kind: Kind
    account: str
    id: int
    count: int
    seconds: float


def stuck(connection: Connection) -> list[Stuck]:
    """By kind and account, the longest first; read by index only."""
    found = [
        Stuck(kind, account, first, count, max(0.0, (clock - since).total_seconds()))
        for kind, asked in _questions().items()
        for account, first, count, since, clock in connection.execute(asked)
    ]
    return sorted(found, key=lambda each: -each.seconds)


def _questions() -> dict[Kind, Select[*tuple[Any, ...]]]:
    a, p, c = attempts.c, report_polls.c, campaigns.c
    begun = func.coalesce(c.scheduled_at, c.created_at)
    # Where the gateway is away, or has no answer, that is said elsewhere.
    unfunded = and_(
        c.state == CampaignState.FUNDING, c.completed_at.is_(None), c.reason.is_(None), c.paused_at.is_(None)
    )
    unexpanded = and_(lifecycle.is_due(), c.expanded == 0, c.paused_at.is_(None))
    of_accounts = p.account.in_(select(accounts.c.name))  # by whom, and then by state, SQLite finds them
    unapplied = and_(of_accounts, p.state == PollState.STORED)
    return {
        Kind.LEASE: _oldest(a.account, a.campaign_id, a.leased_until, LEASE_SECONDS, a.state == AttemptState.OPEN),
        Kind.BODY: _oldest(p.account, p.id, p.stored_at, BODY_SECONDS, unapplied),
        Kind.EXPANSION: _oldest(c.account, c.id, begun, WAITING_SECONDS, unexpanded),
        Kind.FUNDING: _oldest(c.account, c.id, begun, WAITING_SECONDS, unfunded & is_there(c.account)),
    }


def _oldest(
    account: ColumnElement[str],
    its_id: ColumnElement[int],
    since: ColumnElement[datetime],
    seconds: float,
    condition: ColumnElement[bool],
) -> Select[*tuple[Any, ...]]:
    return (
        select(account, func.min(its_id), func.count(), func.min(since), now())
        .where(condition, since < later(-seconds))
        .group_by(account)
    )
