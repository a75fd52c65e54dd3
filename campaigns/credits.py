"""Credits: what a campaign will cost, what is set aside for it, and what it waits for.

What an account can still promise is its balance, less what is held for messages that have not left, less the credits
of requests that were not settled when the balance was asked: those may or may not be in it. Decided under the account's
row lock, so that two campaigns cannot be promised the same credits. What is done when the gateway says that they do not
suffice after all is in `shortage`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, update

from campaigns import accounts, balances, doubts, events, lifecycle, witness
from campaigns.balances import Balance
from campaigns.batches import void_unsent
from campaigns.database import Database, Record, upsert
from campaigns.language import N_
from campaigns.models import attempts, batches, campaigns, holds
from campaigns.states import ENDED, POSTED, TO_LOOK_UP, UNSENT, AttemptState, BatchState, CampaignState

CAMPAIGNS_AT_ONCE = 500


def waiting(database: Database, account: str, *, only_new: bool = False) -> bool:
    """Whether a campaign of the account waits for credits; `only_new` leaves out those that wait for a top-up."""
    found = _waiting(account)
    if only_new:
        found = found.where(campaigns.c.state == CampaignState.FUNDING)
    with database.reading() as connection:
        return connection.execute(found.limit(1)).first() is not None


def _waiting(account: str) -> Select[*tuple[Any, ...]]:
    return select(campaigns).where(lifecycle.wait_for_credits(account)).order_by(campaigns.c.id)


def fund(
    database: Database,
    account: str,
    balance: Balance,
    *,
    senders: Collection[str],
    default_sender: str | None,
) -> int:
    """Set credits aside for the account's waiting campaigns, the oldest first, as far as they go.

    A campaign whose sender is not registered is paused instead: it would be refused, batch by batch.

    Args:
        database: where.
        account: whose.
        balance: just asked of the gateway.
        senders: names registered at the gateway.
        default_sender: the account's own, for campaigns that name none.

    Returns:
        How many campaigns go on.
    """
    count = last = 0
    while True:
        with database.transaction() as connection:
            accounts.lock(connection, account)
            if not last:
                balances.note(connection, account, balance)
            next_ones = _waiting(account).where(campaigns.c.id > last).limit(CAMPAIGNS_AT_ONCE)
            some = connection.execute(next_ones.with_for_update()).all()
            _halt_without_sender(connection, some, senders, default_sender)
            named = [campaign for campaign in some if _sender(campaign, default_sender) in senders]
            funded = _share_out(connection, account, balance, named)
            _go_on(connection, account, funded)
        count += len(funded)
        if len(some) < CAMPAIGNS_AT_ONCE:
            return count
        last = some[-1].id


def _sender(campaign: Record, default_sender: str | None) -> str | None:
    own: str | None = campaign.spec["sender"]
    return own or default_sender


def _halt_without_sender(
    connection: Connection, some: Sequence[Record], senders: Collection[str], default_sender: str | None
) -> None:
    for campaign in some:
        sender = _sender(campaign, default_sender)
        if sender not in senders:
            lifecycle.halt(connection, campaign.id, _sender_unknown(sender))


@dataclass(frozen=True)
class _Hold:
    credits: Decimal
    free: Decimal


def _share_out(connection: Connection, account: str, balance: Balance, some: Sequence[Record]) -> dict[int, _Hold]:
    """Who goes on, what is set aside for each, and of how much; the others are told what is missing."""
    ids = [campaign.id for campaign in some]
    need_of, held = needs(connection, ids), _held(connection, ids)
    free = available(connection, account, balance)
    funded: dict[int, _Hold] = {}
    for campaign in some:
        need = need_of.get(campaign.id, Decimal(0))
        # What is held for it already was subtracted with all the rest.
        mine = free + (need if campaign.id in held else 0)
        # Whoever needs nothing more has only to be tracked to its end, and that costs nothing.
        if need == 0 or (need <= mine and _has_risen(campaign, balance)):
            free = mine - need
            funded[campaign.id] = _Hold(need, mine)
        else:
            _wait_or_fail(connection, campaign, need, mine)
    return funded


def available(connection: Connection, account: str, balance: Balance) -> Decimal:
    """Credits that can still be promised; may be negative."""
    b, a, c = batches.c, attempts.c, campaigns.c
    # What was not sent is of campaigns that go on, and what is not settled has its state: that is what indexes know,
    # while whatever an account has had grows for ever.
    going_on = and_(c.account == account, c.state.in_(_GOING_ON), c.completed_at.is_(None))
    held = select(func.sum(unsent_credits())).where(
        going_on, holds.c.campaign_id == c.id, b.campaign_id == c.id, b.state.in_(UNSENT)
    )
    matters = or_(doubts.is_unsettled(), _may_be_taken_after(balance.asked_at))
    unsettled = select(_cost()).where(
        a.account == account, a.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT]), matters
    )
    settled = _spent_since(account, balance.asked_at)
    # One statement, one moment: a batch released between two of them would be in neither sum.
    sums = connection.execute(select(*[each.scalar_subquery() for each in (held, unsettled, settled)])).one()
    return balance.credits - sum((promised for promised in sums if promised is not None), Decimal(0))


_GOING_ON = [state for state in CampaignState if state not in ENDED]


def spent_since(connection: Connection, account: str, moment: datetime) -> Decimal:
    """Credits of requests that were settled since then, and are not in doubt: what was taken, or may have been."""
    return connection.execute(_spent_since(account, moment)).scalar() or Decimal(0)


def _spent_since(account: str, moment: datetime) -> Select[Decimal]:
    settled = or_(taken_since(moment), _is_decided_since(moment))
    return select(_cost()).where(attempts.c.account == account, settled)


def _cost() -> ColumnElement[Decimal]:
    """What was taken for some attempts, or may be by our prices."""
    return func.sum(func.coalesce(attempts.c.credits, attempts.c.estimated))


def taken_since(moment: datetime) -> ColumnElement[bool]:
    """Of an attempt: the gateway took credits for it since then."""
    return attempts.c.state.in_(POSTED) & (attempts.c.settled_at >= moment)


def _may_be_taken_after(moment: datetime) -> ColumnElement[bool]:
    """Of a doubt that nobody waits to see settled: a slow gateway may have taken it since."""
    return (attempts.c.state == AttemptState.IN_DOUBT) & (attempts.c.settled_at >= moment - witness.LINGERING)


def _is_decided_since(moment: datetime) -> ColumnElement[bool]:
    a = attempts.c
    return a.state.in_([AttemptState.RESENT, AttemptState.WRITTEN_OFF]) & (a.settled_at >= moment)


def unsent_credits() -> ColumnElement[Decimal]:
    """Of a batch that has not left: what it will cost."""
    b = batches.c
    return b.credits + case((b.state == BatchState.UNCHECKED, b.lookup_credits), else_=0)


def needs(connection: Connection, campaign_ids: list[int]) -> dict[int, Decimal]:
    """Credits that what has not left will cost, by campaign; those that have nothing left are not in it."""
    b = batches.c
    unsent = (
        select(b.campaign_id, func.sum(unsent_credits()))
        .where(b.campaign_id.in_(campaign_ids), b.state.in_(UNSENT))
        .group_by(b.campaign_id)
    )
    return dict(connection.execute(unsent).all())


def _held(connection: Connection, campaign_ids: list[int]) -> set[int]:
    return set(connection.execute(select(holds.c.campaign_id).where(holds.c.campaign_id.in_(campaign_ids))).scalars())


def _has_risen(campaign: Record, balance: Balance) -> bool:
    # After a -6 our own sums are not to be trusted: with the same balance the next batch would be refused as well.
    return campaign.balance_refused is None or balance.credits > campaign.balance_refused


def _wait_or_fail(connection: Connection, campaign: Record, need: Decimal, free: Decimal) -> None:
    shortfall = max(need - free, Decimal(0))
    free = max(free, Decimal(0))
    reason = N_("it needs {need} credits and {free} are free: {missing} are missing").format(
        need=plain(need), free=plain(free), missing=plain(shortfall)
    )
    if campaign.spec["on_insufficient_credits"] == "fail":
        # Some of it may have left: something in doubt was to be sent again. That is still tracked.
        state = CampaignState.CANCELLED if _has_left(connection, campaign.id) else CampaignState.FAILED
        lifecycle.change(connection, campaign.id, state, reason)
        void_unsent(connection, campaign.id)
        return
    if campaign.balance_refused is not None:
        refused = plain(campaign.balance_refused)
        reason = N_("the gateway refused it for want of credits: a balance above {balance} is awaited").format(
            balance=refused
        )
    waits = {"state": CampaignState.AWAITING_CREDITS, "reason": reason, "shortfall": shortfall}
    if waits != {name: getattr(campaign, name) for name in waits}:  # thousands may wait for the same top-up
        connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(waits))
        events.tell(events.MOVED, campaign=campaign.id, state=CampaignState.AWAITING_CREDITS.value, reason=reason)


def _has_left(connection: Connection, campaign_id: int) -> bool:
    b = batches.c
    left = select(b.id).where(b.campaign_id == campaign_id, b.state.not_in(UNSENT)).limit(1)
    return connection.execute(left).first() is not None


def plain(amount: Decimal) -> str:
    """As a person writes it: 1,300, and not the 1300.0000 of the column; `reasons` finds it back by its commas."""
    return f"{amount.normalize():,f}"


def _go_on(connection: Connection, account: str, funded: dict[int, _Hold]) -> None:
    if not funded:
        return
    hold = upsert(connection, holds).on_conflict_do_nothing()
    connection.execute(
        hold,
        [
            {"campaign_id": campaign_id, "account": account, "credits": its.credits, "free": its.free}
            for campaign_id, its in funded.items()
        ],
    )
    c = campaigns.c
    to_look_up = lifecycle.has(TO_LOOK_UP)
    gone_on = connection.execute(
        update(campaigns)
        .where(c.id.in_(funded))
        .values(
            state=case((to_look_up, CampaignState.CLEANING), else_=CampaignState.SENDING),
            reason=None,
            shortfall=None,
            balance_refused=None,
        )
        .returning(c.id, c.state)
    )
    for campaign_id, state in gone_on:
        events.tell(events.MOVED, campaign=campaign_id, state=str(state))


def _sender_unknown(sender: str | None) -> str:
    if sender is None:
        return N_("it names no sender, and its account has none in the settings: set one, and resume")
    return N_("the sender {sender!r} is not registered at the gateway: have it registered, and resume").format(
        sender=sender
    )
