"""How a campaign ends: its account must add up, and it says who got nothing, and why.

When it may end is the affair of `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Update, case, exists, func, literal, select, update

from campaigns import events, refusals
from campaigns.database import among, now
from campaigns.language import N_
from campaigns.models import batches, campaigns, exclusions
from campaigns.states import CampaignState

ENDED_AS = {CampaignState.CANCELLED.value: "cancelled, nothing open"}
"""What is told of a campaign's end where its state is what it was."""

_DOES_NOT_ADD_UP = N_("its account does not add up: not completed; see what `campaigns show` says")


def complete(connection: Connection, mine: Update, ids: Collection[int]) -> None:
    """End campaigns that have nothing open; one that was not cancelled must account for each row of its audience.

    Args:
        connection: a transaction that holds their rows.
        mine: an update of those of them that are still as they were found.
        ids: theirs.
    """
    c = campaigns.c
    cancelled = c.state == CampaignState.CANCELLED
    state = case((cancelled, CampaignState.CANCELLED), else_=CampaignState.COMPLETED)
    ended = mine.where(cancelled | _adds_up()).values(state=state, reason=what_stays_said(), completed_at=now())
    states: dict[int, str] = dict(connection.execute(ended.returning(c.id, c.state)).all())
    done = states.keys()
    for campaign_id, its in states.items():
        events.tell(events.MOVED, campaign=campaign_id, state=ENDED_AS.get(its, its))
    if odd := set(ids) - done:
        connection.execute(mine.where(among(connection, c.id, odd)).values(reason=_DOES_NOT_ADD_UP))
    _explain_the_empty(connection, done)
    _explain_the_refused(connection, done)


def _adds_up() -> ColumnElement[bool]:
    c = campaigns.c
    sizes = select(func.coalesce(func.sum(batches.c.size), 0)).where(batches.c.campaign_id == c.id)
    excluded = select(func.count()).where(exclusions.c.campaign_id == c.id)
    return (c.expanded == c.recipients) & (c.recipients == sizes.scalar_subquery() + excluded.scalar_subquery())


def what_stays_said() -> ColumnElement[str | None]:
    """Of a campaign: what it says of its way (such as: sent without lookups) stays; what was said of doubts is over."""
    return case((campaigns.c.state == CampaignState.STALLED, None), else_=campaigns.c.reason)


def _explain_the_empty(connection: Connection, campaign_ids: Iterable[int]) -> None:
    """A campaign whose lookups left nobody over says so."""
    c = campaigns.c
    nobody = ~exists(literal(1)).where(batches.c.campaign_id == c.id, batches.c.size > 0)
    empty = select(c.id).where(among(connection, c.id, campaign_ids), c.state == CampaignState.COMPLETED, nobody)
    for campaign_id in connection.execute(empty).scalars().all():
        why = nothing_to_send(connection, campaign_id)
        connection.execute(update(campaigns).where(c.id == campaign_id).values(reason=why))


def nothing_to_send(connection: Connection, campaign_id: int) -> str:
    """Why a campaign without a message has none, in a sentence."""
    e = exclusions.c
    counted = select(e.reason, func.count()).where(e.campaign_id == campaign_id).group_by(e.reason).order_by(e.reason)
    reasons = [
        N_("{count:d} {reason}").format(count=count, reason=reason) for reason, count in connection.execute(counted)
    ]
    if not reasons:
        return N_("nothing to send: the audience is empty")
    return N_("nothing to send: every recipient is excluded ({reasons})").format(reasons=", ".join(reasons))


def _explain_the_refused(connection: Connection, campaign_ids: Iterable[int]) -> None:
    """A campaign that is completed though the gateway refused some of it says so, after whatever else it says."""
    c = campaigns.c
    for campaign_id, refused in refusals.told(connection, campaign_ids).items():
        mine = update(campaigns).where(c.id == campaign_id, c.state == CampaignState.COMPLETED)
        connection.execute(mine.values(reason=func.coalesce(c.reason + "; ", "") + refused))
