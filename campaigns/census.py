"""What is at work, counted account by account: campaigns by state, their batches, and the messages in these.

What has ended is left out: it is never read again, however much there ever was. Nor is any message read, though they
alone know their final status (see `endings`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, and_, case, func, select, true

from campaigns.credits import unsent_credits
from campaigns.models import attempts, batches, campaigns, holds
from campaigns.progress import AS_ITS_BATCH, word
from campaigns.states import UNSENT, AttemptState, BatchState, CampaignState, MessageStatus


@dataclass(frozen=True)
class AtWork:
    """Campaigns of one account and state that have not ended.

    Attributes:
        paused: of these, by a person; `halted`: by themselves, until a person has seen to it.
        shortfall: credits that they wait for.
    """

    account: str
    state: str
    count: int
    paused: int
    halted: int
    shortfall: Decimal


@dataclass(frozen=True)
class InBatches:
    """Batches of one account and state, of campaigns that have not ended: messages in them, and credits held."""

    account: str
    state: str
    count: int
    messages: int
    held: Decimal


def campaigns_at_work(connection: Connection) -> list[AtWork]:
    """By account and state."""
    c = campaigns.c
    by_a_person = and_(c.paused_at.is_not(None), c.paused_by_itself.is_not(true()))
    by_itself = and_(c.paused_at.is_not(None), c.paused_by_itself.is_(true()))
    waits = c.state == CampaignState.AWAITING_CREDITS
    counted = select(
        c.account,
        c.state,
        func.count(),
        func.count().filter(by_a_person),
        func.count().filter(by_itself),
        func.coalesce(func.sum(c.shortfall).filter(waits), Decimal(0)),
    )
    # Said state by state, as the index of campaigns at work has them: a walk over all that there ever were takes long.
    open_ones = and_(c.state.in_([*CampaignState]), c.completed_at.is_(None), c.state != CampaignState.FAILED)
    rows = connection.execute(counted.where(open_ones).group_by(c.account, c.state)).all()
    return [AtWork(*row) for row in rows]


def batches_at_work(connection: Connection) -> list[InBatches]:
    """By account and state."""
    c, b, h = campaigns.c, batches.c, holds.c
    held = case((and_(h.campaign_id.is_not(None), b.state.in_(UNSENT)), unsent_credits()), else_=Decimal(0))
    theirs = batches.join(campaigns, c.id == b.campaign_id).outerjoin(holds, h.campaign_id == c.id)
    summed = select(c.account, b.state, func.count(), func.sum(b.size), func.sum(held)).select_from(theirs)
    at_work = and_(c.state.in_([*CampaignState]), c.completed_at.is_(None), c.state != CampaignState.FAILED)
    rows = connection.execute(summed.where(at_work).group_by(c.account, b.state)).all()
    return [InBatches(account, state, count, int(size), held_) for account, state, count, size, held_ in rows]


def in_the_air(connection: Connection) -> list[tuple[str, int, Decimal]]:
    """Requests that are being made, by account: how many, and what they may cost."""
    a = attempts.c
    found = select(a.account, func.count(), func.sum(a.estimated)).where(a.state == AttemptState.OPEN)
    return [(account, count, at_stake) for account, count, at_stake in connection.execute(found.group_by(a.account))]


Own = Mapping[tuple[str, str, int], int]
"""Messages whose own status is known, by account, the state of their batch, and that status."""


def messages_at_work(some: list[InBatches], own: Own) -> Counter[tuple[str, str]]:
    """Messages by account and status: what their batches say, but for those that are known to say more themselves.

    These were counted a moment earlier, and some of their batches may have moved since; the sum is that of the batches.
    """
    found: Counter[tuple[str, str]] = Counter()
    for its in some:
        left, says = its.messages, AS_ITS_BATCH[BatchState(its.state)]
        for (account, state, status), count in own.items():
            its_word = word(MessageStatus(status), BatchState(state))
            if (account, state) == (its.account, its.state) and its_word != says:
                known = min(left, count)
                found[its.account, its_word] += known
                left -= known
        found[its.account, says] += left
    return found
