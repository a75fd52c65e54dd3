"""When campaigns will have been sent at the earliest, and whether their account is still good then.

It is what their time, their window and their rate allow: as if gateways took no time, credits never ran out and no
request fell in doubt. So whoever is told that an account expires before that has to do something, whatever happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, func, select

from campaigns.awaited import Next, next_ones
from campaigns.clocks import UnknownZoneError
from campaigns.database import Record, now
from campaigns.models import accounts, batches, campaigns
from campaigns.states import UNSENT, CampaignState

OPENINGS = 400
"""So many openings of a window are looked at: what takes longer than a year ends later than anybody has to know."""

_TO_SEND = (
    CampaignState.SUBMITTED,
    CampaignState.EXPANDING,
    CampaignState.FUNDING,
    CampaignState.AWAITING_CREDITS,
    CampaignState.CLEANING,
    CampaignState.SENDING,
)


@dataclass(frozen=True)
class Expected:
    """What an account's campaigns need, and how long it is good.

    Attributes:
        account: whose.
        ends_at: when the last message of the campaign that takes longest may leave, at the earliest.
        campaign_id: that campaign.
        expires_at: when the account expires, as the gateway said last; none if it never did.
    """

    account: str
    ends_at: datetime
    campaign_id: int
    expires_at: datetime | None

    @property
    def too_late(self) -> bool:
        """Whether the account expires before that."""
        return self.expires_at is not None and self.expires_at < self.ends_at


def ends(connection: Connection) -> list[Expected]:
    """By account; those with nothing to send are not in it, nor campaigns whose window never opens."""
    some = connection.execute(_to_send()).all()
    windows = next_ones(connection, some)
    last: dict[str, tuple[datetime, int]] = {}
    for row in some:
        end = _end(row, windows.get(row.id)) if row.unsent else None
        if end is not None and (row.account not in last or (end, row.id) > last[row.account]):
            last[row.account] = end, row.id
    acc = accounts.c
    expiries: dict[str, datetime | None] = dict(connection.execute(select(acc.name, acc.expires_at)).all())
    return [Expected(account, *last[account], expiries.get(account)) for account in sorted(last)]


def _to_send() -> Select[int, str]:
    """Campaigns that may have something to send: `unsent` messages, at most, at this `clock`."""
    c, b = campaigns.c, batches.c
    left = select(func.coalesce(func.sum(b.size), 0)).where(b.campaign_id == c.id, b.state.in_(UNSENT))
    unsent = c.recipients - c.expanded + left.correlate(campaigns).scalar_subquery()
    columns = c.id, c.account, c.state, c.spec, c.windowed, c.scheduled_at, c.rate
    found = select(*columns, unsent.label("unsent"), now().label("clock"))
    return found.where(c.state.in_(_TO_SEND), c.completed_at.is_(None))


def _end(campaign: Record, its: Next | None) -> datetime | None:
    """When the last message may leave; None if none ever may."""
    moment = max(campaign.clock, campaign.scheduled_at or campaign.clock)
    left = timedelta(seconds=float(campaign.unsent) / campaign.rate if campaign.rate else 0.0)
    return moment + left if its is None else _end_within(its, moment, left)


def _end_within(its: Next, moment: datetime, left: timedelta) -> datetime | None:
    """The same within the openings of one place: of many places, that which opens first."""
    opening = its.opening
    for _ in range(OPENINGS):
        if opening is None:
            return None
        moment = max(moment, opening.opens_at)
        if moment + left <= opening.closes_at:
            return moment + left
        left -= opening.closes_at - moment
        moment = opening.closes_at
        try:
            opening = its.hours.opening(its.place, moment)
        except UnknownZoneError:
            return None
    return moment
