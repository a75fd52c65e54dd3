"""What was posted and refunded by our ledger since its beginning, told by somebody who goes on looking.

He begins with the last moment of which the sums are written down (see `balances`), and reads what came since; so he
needs not read all that there ever was, and a total is the same whoever tells it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from campaigns.database import now
from campaigns.models import attempts, balance_readings, campaigns, refunds

OVERLAP = timedelta(seconds=60)
"""What came so lately is read once more: it may have been written down earlier than it can be seen."""

_NEVER = datetime(1970, 1, 1).astimezone()


@dataclass(frozen=True)
class Total:
    """Credits that were posted, and those that came back, until a moment."""

    posted: Decimal
    refunded: Decimal
    until: datetime


class Totals:
    """Remembers, for each account, a moment and its sums."""

    def __init__(self) -> None:
        self._known: dict[str, Total] = {}

    def look(self, connection: Connection, account: str) -> Total:
        """The account's until now, in a snapshot."""
        clock = connection.execute(select(now())).scalar_one()
        began = _written_down(connection, account)
        known = self._known.get(account)
        # The later one, unless the clock was set back: the books may have been corrected since we read them.
        since = known if known is not None and began.until < known.until <= clock else began
        self._known[account] = _and(connection, account, since, max(since.until, clock - OVERLAP))
        return _and(connection, account, self._known[account], None)


def _written_down(connection: Connection, account: str) -> Total:
    """The sums of the last moment at which nothing was under way."""
    r = balance_readings.c
    last = select(r.posted, r.refunded, r.confirmed_at).where(r.account == account, r.still)
    row = connection.execute(last.order_by(r.asked_at.desc(), r.id.desc()).limit(1)).first()
    return Total(Decimal(0), Decimal(0), _NEVER) if row is None else Total(*row)


def _and(connection: Connection, account: str, its: Total, until: datetime | None) -> Total:
    """With what came after it."""
    a, c, r = attempts.c, campaigns.c, refunds.c

    def within(moment: ColumnElement[Any]) -> ColumnElement[bool]:
        return moment >= its.until if until is None else and_(moment >= its.until, moment < until)

    posted = select(func.sum(a.credits)).where(a.account == account, within(a.settled_at))
    # Campaign by campaign: there are many refunds, and to ask each for its request takes longer than all the rest.
    by_campaign = select(r.campaign_id, func.sum(r.credits).label("credits")).where(within(r.refunded_at))
    back = by_campaign.group_by(r.campaign_id).subquery().c
    refunded = select(func.sum(back.credits)).where(c.id == back.campaign_id, c.account == account)
    row = connection.execute(select(posted.scalar_subquery(), refunded.scalar_subquery())).one()
    sums = [found or Decimal(0) for found in row]
    return Total(its.posted + sums[0], its.refunded + sums[1], until or its.until)
