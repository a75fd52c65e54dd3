"""What campaigns that may still send ask of their accounts: senders, credits, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, and_, func, select

from campaigns import credits
from campaigns.models import campaigns
from campaigns.states import ENDED, CampaignState

_SENT = (*ENDED, CampaignState.TRACKING, CampaignState.STALLED)


@dataclass(frozen=True)
class Sender:
    """A sender that campaigns of an account name; none: the account's own. So many do, `first` of them."""

    account: str
    sender: str | None
    count: int
    first: int


@dataclass(frozen=True)
class Demand:
    """What an account is needed for.

    Attributes:
        account: whose.
        campaigns: how many may still send.
        until: when the last of those begins that are to begin later; none if there is none of them.
        waiting: how many await credits, and `need` is what they would cost.
    """

    account: str
    campaigns: int
    until: datetime | None
    waiting: int
    need: Decimal


def senders(connection: Connection) -> list[Sender]:
    """By account, those that paused themselves included: for want of a sender, perhaps."""
    c = campaigns.c
    named = select(c.account, c.spec["sender"].as_string().label("sender"), c.id).where(may_still_send()).subquery()
    by = (named.c.account, named.c.sender)
    found = select(*by, func.count(), func.min(named.c.id)).group_by(*by).order_by(*by)
    return [Sender(*row) for row in connection.execute(found)]


def demands(connection: Connection) -> list[Demand]:
    """By account; those of which nothing is asked are not in it."""
    c = campaigns.c
    each = select(c.account, func.count(), func.max(c.scheduled_at)).where(may_still_send())
    found = connection.execute(each.group_by(c.account).order_by(c.account)).all()
    return [Demand(account, count, until, *_waiting(connection, account)) for account, count, until in found]


def _waiting(connection: Connection, account: str) -> tuple[int, Decimal]:
    c = campaigns.c
    waits = and_(c.account == account, c.state == CampaignState.AWAITING_CREDITS, c.completed_at.is_(None))
    ids = list(connection.execute(select(c.id).where(waits)).scalars())
    return len(ids), sum(credits.needs(connection, ids).values(), Decimal(0))


def may_still_send() -> ColumnElement[bool]:
    """Of a campaign: something of it has not left, or may have not."""
    c = campaigns.c
    return and_(c.state.in_([state for state in CampaignState if state not in _SENT]), c.completed_at.is_(None))
