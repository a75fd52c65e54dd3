"""The states of a campaign, and how it goes on by itself.

What a person may do to it is in `steering`, what moves its batches in `batches`, what moves its money in `credits`, and
what is seen to when it ends in `completion`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from logging import INFO, WARNING
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, select, true, update

from campaigns import chunks, completion, events
from campaigns.database import Database, among, forbid_sorting, is_over, later, now
from campaigns.language import N_
from campaigns.models import audiences, batches, campaigns, messages
from campaigns.states import FIRST_SETTLED, TO_LOOK_UP, UNSENT, BatchState, CampaignState

RECEIVING_SECONDS = 600
"""How long a producer may hand nothing over before it is taken for dead."""

LOOK_AGAIN_SECONDS = 45
"""How often the sweep looks at a campaign that only reports can move."""

LOOKS_AT_ONCE = 500
"""How many of those it looks at in one round; the others have their turn in the next."""


FEW = 50
"""Campaigns of which each is looked at by itself: that is what lanes and pollers ask about, all the time."""


class UnknownCampaignError(LookupError):
    """No campaign has this id."""


def halt(connection: Connection, campaign_id: int, reason: str, *, by_a_person: bool = False) -> None:
    """Pause inside a transaction: by a person, or by ourselves where only a person can help."""
    c = campaigns.c
    running = update(campaigns).where(c.id == campaign_id, c.paused_at.is_(None))
    if connection.execute(running.values(_paused(reason, by_itself=not by_a_person))).rowcount:
        _tell_paused([campaign_id], None if by_a_person else reason)


def _paused(reason: str, *, by_itself: bool) -> dict[str, Any]:
    return {"paused_at": now(), "pause_reason": reason, "paused_by_itself": by_itself}


def _tell_paused(campaign_ids: Iterable[int], reason: str | None) -> None:
    """What a person gives for a reason may be anything, and stays out of logs."""
    by, level = ("a person", INFO) if reason is None else ("itself", WARNING)
    for campaign_id in campaign_ids:
        events.tell(events.PAUSED, level=level, campaign=campaign_id, by=by, reason=reason)


def halt_anew(connection: Connection, campaign_id: int, reason: str) -> None:
    """Pause for this reason, whatever it was paused for before: a person has seen to a restored backup."""
    c = campaigns.c
    going_on = update(campaigns).where(c.id == campaign_id, c.completed_at.is_(None))
    values = _paused(reason, by_itself=False) | {"paused_at": func.coalesce(c.paused_at, now())}
    if connection.execute(going_on.values(values)).rowcount:
        _tell_paused([campaign_id], None)


def halt_waiting(connection: Connection, account: str, reason: str) -> int:
    """Pause the account's campaigns that wait for credits; returns how many."""
    waiting = update(campaigns).where(wait_for_credits(account)).values(_paused(reason, by_itself=True))
    paused = connection.execute(waiting.returning(campaigns.c.id)).scalars().all()
    _tell_paused(paused, reason)
    return len(paused)


def wait_for_credits(account: str) -> ColumnElement[bool]:
    """Of campaigns: they are the account's, and wait for its credits and for no person."""
    c = campaigns.c
    waiting = c.state.in_([CampaignState.FUNDING, CampaignState.AWAITING_CREDITS])
    return and_(c.account == account, waiting, c.completed_at.is_(None), c.paused_at.is_(None))


def tell_waiting(connection: Connection, account: str, reason: str) -> None:
    """Say on the account's campaigns that wait to be funded why they still do."""
    c = campaigns.c
    waiting = update(campaigns).where(c.account == account, c.state == CampaignState.FUNDING, c.paused_at.is_(None))
    connection.execute(waiting.values(reason=reason))


def account_to_fund(database: Database, campaign_id: int) -> str | None:
    """The account whose funding the campaign waits for, if it does."""
    c = campaigns.c
    found = select(c.account).where(c.id == campaign_id, c.state == CampaignState.FUNDING)
    with database.reading() as connection:
        account: str | None = connection.execute(found).scalar()
    return account


def at_work(database: Database, account: str) -> bool:
    """Whether delivery reports of the account are awaited."""
    c = campaigns.c
    awaited = [*_LEAVING, *_LEFT, CampaignState.AWAITING_CREDITS]
    found = select(c.id).where(c.account == account, c.state.in_(awaited), c.completed_at.is_(None)).limit(1)
    with database.reading() as connection:
        return connection.execute(found).first() is not None


def leaving(database: Database, account: str) -> list[int]:
    """Some campaigns of the account that are being sent, or whose numbers are being looked up."""
    c = campaigns.c
    found = select(c.id).where(c.account == account, c.state.in_(_LEAVING), c.completed_at.is_(None))
    with database.reading() as connection:
        return list(connection.execute(found.limit(LOOKS_AT_ONCE)).scalars())


def change(connection: Connection, campaign_id: int, state: CampaignState, reason: str | None = None) -> None:
    """Set state and reason; ended ones get their time of completion."""
    ended = {"completed_at": now()} if state in (CampaignState.COMPLETED, CampaignState.FAILED) else {}
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(state=state, reason=reason, **ended)
    )
    # Why one was cancelled is a person's word.
    told = None if state == CampaignState.CANCELLED else reason
    events.tell(events.MOVED, campaign=campaign_id, state=state.value, reason=told)


def fund_again(connection: Connection, campaign_id: int) -> None:
    """Something of it is to be sent again: first its credits must be set aside anew; whoever has ended stays so."""
    c = campaigns.c
    going_on = update(campaigns).where(c.id == campaign_id, c.state.in_(_FUNDED), c.completed_at.is_(None))
    if connection.execute(going_on.values(state=CampaignState.FUNDING, reason=None)).rowcount:
        events.tell(events.MOVED, campaign=campaign_id, state=CampaignState.FUNDING.value)


def expanded(connection: Connection, campaign_id: int) -> CampaignState:
    """Its whole audience is in batches: it goes on to funding, or is completed if there is nothing to send."""
    if connection.execute(select(batches.c.id).where(batches.c.campaign_id == campaign_id).limit(1)).first():
        change(connection, campaign_id, CampaignState.FUNDING)
        return CampaignState.FUNDING
    change(connection, campaign_id, CampaignState.COMPLETED, completion.nothing_to_send(connection, campaign_id))
    return CampaignState.COMPLETED


def advance(connection: Connection, campaign_ids: Sequence[int] | None = None) -> None:
    """Move campaigns on whose batches and messages allow it.

    Args:
        connection: a transaction.
        campaign_ids: only these. If none are given, all that are at work; those that only reports can move, which are
            named when these come, no more than now and then: to find that nothing moved reads all their messages.
    """
    c = campaigns.c
    if campaign_ids is not None and len(campaign_ids) <= FEW:  # for thousands it would be the wrong way
        forbid_sorting(connection)
    if campaign_ids is None:
        at_work = _at_work().where(c.state.in_(_LEAVING) | c.id.in_(_rested(connection)))
    else:
        at_work = _at_work().where(among(connection, c.id, campaign_ids))
    moving = [campaign for campaign in connection.execute(at_work) if campaign.stands != campaign.state]
    locked = _lock(connection, [campaign.id for campaign in moving], wait=campaign_ids is not None)
    ready: dict[tuple[str, str], list[int]] = {}
    for campaign in moving:
        if campaign.id in locked:
            ready.setdefault((campaign.state, campaign.stands), []).append(campaign.id)
    for (state, stands), ids in ready.items():
        mine = update(campaigns).where(among(connection, c.id, ids), c.state == state, c.completed_at.is_(None))
        if stands == CampaignState.COMPLETED:
            completion.complete(connection, mine, ids)
        elif state != CampaignState.CANCELLED:
            reason = STALLED if stands == CampaignState.STALLED else completion.what_stays_said()
            moved = connection.execute(mine.values(state=stands, reason=reason).returning(c.id)).scalars()
            for campaign_id in moved:
                events.tell(events.MOVED, campaign=campaign_id, state=str(stands))


def _lock(connection: Connection, campaign_ids: Sequence[int], *, wait: bool) -> set[int]:
    """Those whose rows are ours now; in the order of their ids, or two who move the same block each other for ever.

    Whoever looks at all of them has locked some already, and must not wait for others: their turn comes again.
    """
    if not campaign_ids:
        return set()
    c = campaigns.c
    found = select(c.id).where(among(connection, c.id, campaign_ids)).order_by(c.id)
    return set(connection.execute(found.with_for_update(key_share=True, skip_locked=not wait)).scalars())


def _rested(connection: Connection) -> list[int]:
    """Some campaigns that only reports can move and that were not looked at for a while, the longest unseen first.

    They count as looked at now.
    """
    c = campaigns.c
    rested = c.looked_at.is_(None) | is_over(c.looked_at, LOOK_AGAIN_SECONDS)
    due = select(c.id).where(c.state.in_(_LEFT), c.completed_at.is_(None), rested)
    longest_unseen = due.order_by(c.looked_at.nulls_first(), c.id).limit(LOOKS_AT_ONCE)
    ids = list(connection.execute(longest_unseen.with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(update(campaigns).where(c.id.in_(ids)).values(looked_at=now()))
    return ids


@cache  # asked once a turn of each lane, and dearer to put together than to answer
def _at_work() -> Select[int, str, str]:
    """Campaigns at work: their state, and where their batches and messages stand."""
    c = campaigns.c
    return select(c.id, c.state, _where_it_stands().label("stands")).where(
        c.state.in_([*_LEAVING, *_LEFT]), c.completed_at.is_(None)
    )


_LEAVING = [CampaignState.CLEANING, CampaignState.SENDING]
_LEFT = [CampaignState.TRACKING, CampaignState.STALLED, CampaignState.CANCELLED]
_FUNDED = [*_LEAVING, CampaignState.TRACKING, CampaignState.STALLED]
STALLED = N_(
    "only batches in doubt are left: their reports, or a person, must say what became of them (`campaigns doubts`)"
)


def has_only_doubts(connection: Connection, campaign_id: int) -> bool:
    """Whether nothing of a campaign is left but batches in doubt: of a cancelled one, its state does not say so."""
    stands = select(_where_it_stands()).where(campaigns.c.id == campaign_id)
    return connection.execute(stands).scalar() == CampaignState.STALLED


def _where_it_stands() -> ColumnElement[str]:
    # A CASE asks one question after the other, and the dearest, for an open message, only where all else is done.
    cleaning = (campaigns.c.state == CampaignState.CLEANING) & has(TO_LOOK_UP)
    return case(
        (cleaning, CampaignState.CLEANING),
        (has(UNSENT), CampaignState.SENDING),
        (has([BatchState.SENDING]), CampaignState.SENDING),
        (_has_open_messages(), CampaignState.TRACKING),
        (has([BatchState.IN_DOUBT]), CampaignState.STALLED),
        else_=CampaignState.COMPLETED,
    )


def has(states: Collection[BatchState]) -> ColumnElement[bool]:
    """Of a campaign: whether it has a batch in one of these states."""
    return _some(select(literal(1)).where(batches.c.campaign_id == campaigns.c.id, batches.c.state.in_(states)))


def _has_open_messages() -> ColumnElement[bool]:
    m, b = messages.c, batches.c
    # Messages of a batch that was refused or voided are settled by it, whatever their own column says.
    its_state = select(b.state).where(b.id == m.batch_id).correlate(messages).scalar_subquery()
    found = select(literal(1)).where(
        m.campaign_id == campaigns.c.id,
        m.status < FIRST_SETTLED,
        # Not a join: it might begin with the batches, and go through the messages of all of them.
        its_state == BatchState.ACCEPTED,
    )
    return _some(found.order_by(m.msisdn))


def _some(found: Select[Any]) -> ColumnElement[bool]:
    # An EXISTS may be turned into a join with the whole table; this is asked once a campaign, by its index.
    return found.limit(1).correlate(campaigns).scalar_subquery().is_not(None)


def give_up_receiving(connection: Connection) -> int:
    """Fail campaigns whose producer died while it handed its audience over; returns how many."""
    reason = N_("its producer stopped while handing the audience over: submit it again")
    return fail_abandoned(connection, true(), seconds=RECEIVING_SECONDS, reason=reason)


def fail_abandoned(connection: Connection, which: ColumnElement[bool], *, seconds: float, reason: str) -> int:
    """Fail those of some campaigns whose producer handed nothing over for so many seconds; returns how many."""
    c = campaigns.c
    silent = select(audiences.c.id).where(audiences.c.touched_at < later(-seconds))
    receiving = and_(c.state == CampaignState.RECEIVING, c.completed_at.is_(None))
    failed = (
        update(campaigns)
        .where(which, receiving, c.audience_id.in_(silent))
        .values(state=CampaignState.FAILED, completed_at=now(), reason=reason)
        .returning(c.id, c.audience_id)
    )
    abandoned = connection.execute(failed).all()
    for campaign_id, audience_id in abandoned:
        chunks.drop(connection, audience_id)
        events.tell(events.MOVED, campaign=campaign_id, state=CampaignState.FAILED.value, reason=reason)
    return len(abandoned)


def due(connection: Connection, most: int) -> list[int]:
    """Ids of campaigns whose audience is to be expanded now, at random: what always fails is in nobody's way."""
    found = select(campaigns.c.id).where(is_due()).order_by(func.random()).limit(most)
    return list(connection.execute(found).scalars())


def is_due() -> ColumnElement[bool]:
    """Of a campaign: its audience is to be expanded, and its time has come."""
    c = campaigns.c
    waiting = and_(c.state.in_([CampaignState.SUBMITTED, CampaignState.EXPANDING]), c.completed_at.is_(None))
    return waiting & (c.scheduled_at.is_(None) | (c.scheduled_at <= now()))
