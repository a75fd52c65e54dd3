"""The figures by which trouble is seen before a customer sees it, account by account, in names, counts and seconds.

Read by index only, so that they may be asked for every few seconds beside any number of messages. What is to be thought
of them, and what to do, is said by whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, true

from campaigns import accounts, doubts, openings, tries, turns
from campaigns.database import Record, is_ahead, later, now
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, balance_readings, campaigns, report_polls
from campaigns.states import AttemptState, CampaignState, PollState
from campaigns.steering import PAUSED_BY_A_PERSON
from campaigns.unapplied import ASKED_SECONDS

LATELY = 86_400.0
"""Seconds: what happened within them is news, whoever tells it."""

_TRIED_AGAIN = 3 * accounts.LONGEST_WAIT
"""Seconds within which somebody finds out again that a gateway is away, if anything is to be asked of it."""


@dataclass(frozen=True)
class InDoubt:
    """Requests of which nobody knows whether they were accepted; `oldest` in seconds."""

    account: str
    count: int
    numbers: int
    credits: Decimal
    oldest: float


@dataclass(frozen=True)
class Polls:
    """Readings of the delivery reports that did not end well, or not yet.

    Attributes:
        account: whose.
        lost: so often a request was made and no body came, ever.
        lost_lately: of these, within the time that was asked for.
        overdue: requests whose reader has died, most likely: they will count as lost.
        parked: bodies with reports that nobody claims (yet).
        broken: bodies that cannot be applied, and are kept.
        stored: bodies that nobody has applied yet; `waits` is for how many seconds the oldest of them has been here.
    """

    account: str
    lost: int = 0
    lost_lately: int = 0
    overdue: int = 0
    parked: int = 0
    broken: int = 0
    stored: int = 0
    waits: float = 0.0


@dataclass(frozen=True)
class Pending:
    """Batches that could leave now.

    Attributes:
        account: whose.
        oldest: seconds since the oldest campaign that has one might begin.
        still: seconds for which nothing of the account was settled although there was one; none while a request is
            being made, for whoever has put something right asks at once whether it goes on.
    """

    account: str
    oldest: float
    still: float


@dataclass(frozen=True)
class Away:
    """An account whose gateway is not as it should be; `until` none: it answers, but not all that is asked."""

    account: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class Halted:
    """A campaign that needs a person; `by_itself` if it paused, and no person paused it."""

    campaign_id: int
    account: str
    state: str
    reason: str
    by_itself: bool


@dataclass(frozen=True)
class Unserved:
    """An account that none of the workers at work has, and what waits for one: how many campaigns, `first` of them."""

    account: str
    count: int
    first: int


@dataclass(frozen=True)
class Trouble:
    """A bell whose work was taken up and broke, `tries` times in a row."""

    key: str
    tries: int
    reason: str

    @property
    def kind(self) -> str:
        """What the work is, such as `fund`."""
        return self.key.partition(":")[0]


@dataclass(frozen=True)
class Drift:
    """What the gateway counts more than our ledger does (see `balances`): in all, and what came to it `lately`.

    In all it is as last read, whatever may explain it. Of late it is so much at least: nothing that was under way at
    either moment explains it.
    """

    account: str
    credits: Decimal
    lately: Decimal


@dataclass(frozen=True)
class KnownBalance:
    """What the gateway said of an account when it was asked last, `age` seconds ago."""

    account: str
    credits: Decimal
    asked_at: datetime
    age: float
    expires_at: datetime | None


def names(connection: Connection) -> list[str]:
    """The accounts that the database knows."""
    return list(connection.execute(select(accounts_table.c.name).order_by(accounts_table.c.name)).scalars())


def in_doubt(connection: Connection) -> list[InDoubt]:
    """By account; those without a doubt are not in it."""
    a = attempts.c
    found = (
        select(a.account, func.count(), func.sum(a.size), func.sum(a.estimated), func.min(a.started_at), now())
        .where(doubts.is_in_doubt())
        .group_by(a.account)
        .order_by(a.account)
    )
    return [
        InDoubt(account, count, numbers, at_stake, _age(clock, began))
        for account, count, numbers, at_stake, began, clock in connection.execute(found)
    ]


def polls(connection: Connection, *, lately: float) -> list[Polls]:
    """By account; `lost_lately` counts those of the last so many seconds."""
    p = report_polls.c
    at_work = [PollState.ASKED, PollState.STORED, PollState.PARKED, PollState.BROKEN, PollState.LOST]
    of_accounts = p.account.in_(select(accounts_table.c.name))
    old = and_(p.state == PollState.ASKED, p.asked_at < later(-ASKED_SECONDS))
    recent = and_(p.state == PollState.LOST, or_(p.asked_at > later(-lately), is_ahead(p.asked_at)))
    counted = func.count().filter(old), func.count().filter(recent), func.min(p.stored_at), now()
    found = (
        select(p.account, p.state, func.count(), *counted)
        .where(of_accounts, p.state.in_(at_work))
        .group_by(p.account, p.state)
    )
    figures: dict[str, dict[str, Any]] = {}
    for account, state, count, overdue, recently, first, clock in connection.execute(found):
        mine = figures.setdefault(account, {})
        mine |= {"overdue": overdue} if state == PollState.ASKED else {state: count}
        if state == PollState.LOST:
            mine["lost_lately"] = recently
        if state == PollState.STORED:
            mine["waits"] = _age(clock, first)
    return [Polls(account, **figures[account]) for account in sorted(figures)]


def pending(connection: Connection) -> list[Pending]:
    """By account; those that have nothing to claim now are not in it."""
    c, a = campaigns.c, attempts.c
    began = func.min(func.coalesce(openings.since(), c.scheduled_at, c.created_at))
    found = (
        select(c.account, began, now())
        .where(turns.is_claimable(), accounts.is_there(c.account))
        .group_by(c.account)
        .order_by(c.account)
    )
    some = []
    for account, since, clock in connection.execute(found).all():
        made = exists(a.id).where(a.account == account, a.state == AttemptState.OPEN, a.leased_until > now())
        settled = select(func.max(a.settled_at)).where(a.account == account).scalar_subquery()
        is_made, last = connection.execute(select(made, settled)).one()
        oldest = _age(clock, since)
        still = oldest if last is None else min(oldest, _age(clock, last))
        some.append(Pending(account, oldest, 0.0 if is_made else still))
    return some


def away(connection: Connection) -> list[Away]:
    """Accounts of which something is known that a person should hear of.

    Where nobody has found the gateway away of late, because nothing is left to be asked of it, nothing is known.
    """
    acc = accounts_table.c
    lately = or_(acc.away_until.is_(None), acc.away_until > later(-_TRIED_AGAIN))
    found = select(acc.name, acc.away_reason, acc.away_until, now()).where(acc.away_reason.is_not(None), lately)
    return [
        Away(name, reason, 0.0 if until is None else max(0.0, (until - clock).total_seconds()))
        for name, reason, until, clock in connection.execute(found.order_by(acc.name))
    ]


def halted(connection: Connection, most: int) -> list[Halted]:
    """Campaigns that are stalled, await credits, or are paused, by themselves first; then the oldest.

    One that a person paused without a reason is nobody's news.
    """
    c = campaigns.c
    at_work = c.state.in_([state for state in CampaignState if state not in _OVER])
    paused = and_(c.paused_at.is_not(None), c.pause_reason != PAUSED_BY_A_PERSON)
    by_itself = and_(c.paused_at.is_not(None), c.paused_by_itself.is_(true()))
    unpaid = and_(c.state == CampaignState.AWAITING_CREDITS, c.paused_at.is_(None))
    waits = or_(c.state == CampaignState.STALLED, unpaid)
    found = (
        select(c.id, c.account, c.state, c.reason, c.pause_reason, c.paused_at, by_itself.label("by_itself"))
        .where(at_work, c.completed_at.is_(None), or_(waits, paused))
        .order_by(by_itself.desc(), c.id)
        .limit(most)
    )
    return [
        Halted(
            row.id,
            row.account,
            "paused" if row.paused_at else row.state,
            (row.pause_reason if row.paused_at else row.reason) or "",
            by_itself=bool(row.by_itself),
        )
        for row in connection.execute(found)
    ]


def unserved(connection: Connection) -> list[Unserved]:
    """By account, of campaigns whose turn it would be (see `waiting`); none where no worker is at work at all."""
    c = campaigns.c
    at_work = c.state.in_([state for state in CampaignState if state not in (*_OVER, CampaignState.STALLED)])
    is_its_time = or_(c.state != CampaignState.SUBMITTED, c.scheduled_at.is_(None))
    found = (
        select(c.account, func.count(), func.min(c.id))
        .where(at_work, c.completed_at.is_(None), c.paused_at.is_(None), is_its_time)
        .group_by(c.account)
        .order_by(c.account)
    )
    waiting = [Unserved(*row) for row in connection.execute(found).all()]
    return [each for each in waiting if accounts.unserved(connection, each.account)]


_OVER = (CampaignState.COMPLETED, CampaignState.FAILED, CampaignState.CANCELLED)


def in_trouble(connection: Connection) -> Sequence[Trouble]:
    """Bells whose work breaks again and again."""
    return [Trouble(row.key, row.tries, row.trouble) for row in tries.in_trouble(connection)]


def balances(connection: Connection) -> list[KnownBalance]:
    """By account; those whose gateway never said are not in it."""
    acc = accounts_table.c
    known = select(acc.name, acc.balance, acc.balance_asked_at, acc.expires_at, now()).where(acc.balance.is_not(None))
    return [
        KnownBalance(name, balance, asked_at, _age(clock, asked_at), expires_at)
        for name, balance, asked_at, expires_at, clock in connection.execute(known.order_by(acc.name))
    ]


def drifts(connection: Connection, *, lately: float) -> list[Drift]:
    """By account, as last known; `lately` is within so many seconds. Those that were never compared are not in it."""
    r, found = balance_readings.c, []
    for account in names(connection):
        known = select(r.drift, r.unread, r.unsettled).where(r.account == account, r.drift.is_not(None)).limit(1)
        latest = known.order_by(r.asked_at.desc(), r.id.desc())
        last = connection.execute(latest).first()
        if last is not None:
            old = latest.where(r.asked_at < later(-lately))
            # A moment at which every message had its end proves most, but may be of long ago: what somebody spends
            # would be made up for by what had come back since, were it not compared with the last one as well.
            before = [row for way in (old.where(r.unread == 0), old) if (row := connection.execute(way).first())]
            before = before or [connection.execute(known.order_by(r.asked_at, r.id)).one()]
            found.append(Drift(account, last.drift, max((_unexplained(row, last) for row in before), key=abs)))
    return found


def _unexplained(before: Record, last: Record) -> Decimal:
    """What came to the drift between two readings: so much of it as neither refunds nor doubts may explain.

    Credits that came back unread make a drift less than it is, and a doubt that was taken makes it more.
    """
    came: Decimal = last.drift - before.drift
    more: Decimal = came - before.unread - last.unsettled
    less: Decimal = came + last.unread + before.unsettled
    return max(Decimal(0), more) if came > 0 else min(Decimal(0), less)


def _age(clock: datetime, moment: datetime) -> float:
    return max(0.0, (clock - moment).total_seconds())
