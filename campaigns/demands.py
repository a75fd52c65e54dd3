"""What campaigns that may still send ask of their accounts: senders, and credits.

For how long they need them is said by `expected`.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """So many campaigns of an account await credits, and `need` is what they would cost."""

    account: str
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
    """By account; those of which no campaign awaits credits are not in it."""
    c = campaigns.c
    waits = and_(c.state == CampaignState.AWAITING_CREDITS, c.completed_at.is_(None))
    by_account: dict[str, list[int]] = {}
    for account, id_ in connection.execute(select(c.account, c.id).where(waits).order_by(c.account, c.id)):
        by_account.setdefault(account, []).append(id_)
    return [
        Demand(account, len(ids), sum(credits.needs(connection, ids).values(), Decimal(0)))
        for account, ids in by_account.items()
    ]


def may_still_send() -> ColumnElement[bool]:
    """Of a campaign: something of it has not left, or may have not."""
    c = campaigns.c
    return and_(c.state.in_([state for state in CampaignState if state not in _SENT]), c.completed_at.is_(None))
