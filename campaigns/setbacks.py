"""The database's clock was set back: what was written down before then seems to lie ahead, and must freeze nothing.

A moment that is further ahead than any of ours can be is not believed. The sweep, which waits for no moment, finds such
ones and brings them to the present. Where one of the past is only compared with the present, its own query does not
believe it either (`moments.is_over`). A clock that is set forward needs nothing of this: leases and bells run out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, exists, func, literal, or_, select, update

from campaigns import occurrences
from campaigns.accounts import LONGEST_WAIT
from campaigns.bells import LONGEST_SECONDS
from campaigns.database import Database, among, is_ahead, later, now
from campaigns.models import accounts, attempts, audiences, balance_readings, batches, bells, campaigns, report_polls
from campaigns.moments import AHEAD_SECONDS
from campaigns.states import AttemptState, CampaignState, PollState

GATE_SECONDS = 60.0
"""A gate that opens within this is let be; another is held against what its campaign's largest batch takes."""

AT_ONCE = 10_000
"""How many settled attempts are brought to the present in one transaction; the others have their turn in the next."""


def mend(database: Database) -> int:
    """Bring to the present what cannot lie ahead; returns how many rows did."""
    with database.reading() as connection:
        (some,) = connection.execute(select(or_(*[exists(look) for look in _looks()]))).one()
        gates = _shut_for_too_long(connection)
    if not some and not gates:
        return 0
    with database.transaction() as connection:
        # One moment for all of it: what came before another must not come after it.
        clock: datetime = connection.execute(select(now())).scalar_one()
        mended = [step(connection, clock) for step in _STEPS]
        return sum(mended) + _open(connection, gates, clock)


_RECEIVED_NOW = and_(campaigns.c.state == CampaignState.RECEIVING, campaigns.c.completed_at.is_(None))
_UNSETTLED = attempts.c.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT])
_AT_WORK = report_polls.c.state.in_([PollState.ASKED, PollState.STORED, PollState.PARKED])


def _looks() -> Sequence[Select[Any]]:
    """Whether anything lies ahead, each by its index."""
    a, p, acc = attempts.c, report_polls.c, accounts.c
    # An account at a time, for so their indexes go; as values, for a join may be done the other way round.
    last = select(func.max(a.settled_at)).where(a.account == acc.name).scalar_subquery()
    r = balance_readings.c
    reading = select(r.confirmed_at).where(r.account == acc.name).order_by(r.asked_at.desc(), r.id.desc())
    poll = select(literal(1)).where(p.account == acc.name, _AT_WORK, or_(is_ahead(p.asked_at), is_ahead(p.stored_at)))
    return [
        select(literal(1)).where(bells.c.until > later(LONGEST_SECONDS)),
        select(literal(1)).where(or_(acc.away_until > later(LONGEST_WAIT), is_ahead(acc.balance_asked_at))),
        select(literal(1)).select_from(accounts).where(is_ahead(last)),
        select(literal(1)).select_from(accounts).where(is_ahead(reading.limit(1).scalar_subquery())),
        select(literal(1)).select_from(accounts).where(poll.limit(1).scalar_subquery().is_not(None)),
        select(literal(1)).where(_UNSETTLED, is_ahead(a.started_at)),
        select(literal(1)).where(_RECEIVED_NOW, audiences.c.id == campaigns.c.audience_id, is_ahead(_TOUCHED)),
        select(literal(1)).where(occurrences.is_ahead_of_time()),
    ]


_TOUCHED = audiences.c.touched_at


def _ring_out(connection: Connection, clock: datetime) -> int:
    """Bells fall silent, so that each may be rung anew; a task that is still at work goes away at its next turn."""
    rung = update(bells).where(bells.c.until > later(LONGEST_SECONDS))
    return connection.execute(rung.values(until=clock)).rowcount


def _try_again(connection: Connection, clock: datetime) -> int:
    """A gateway that was away is tried; a balance is as old as can be, so that the next one counts as newer."""
    acc = accounts.c
    away = update(accounts).where(acc.away_until > later(LONGEST_WAIT)).values(away_until=clock)
    asked = update(accounts).where(is_ahead(acc.balance_asked_at)).values(balance_asked_at=clock)
    return connection.execute(away).rowcount + connection.execute(asked).rowcount


def _begin_leases_anew(connection: Connection, clock: datetime) -> int:
    """A lease lasts as long as it was to last, from now on: its worker may be in the middle of its request.

    What counts as begun only now is not proven by reports that came before the clock was set back: a person decides.
    """
    a = attempts.c
    ahead = select(a.id, a.started_at, a.leased_until).where(_UNSETTLED, is_ahead(a.started_at)).with_for_update()
    begun = connection.execute(ahead).all()
    if begun:
        anew = update(attempts).where(a.id == bindparam("of_attempt"))
        connection.execute(
            anew.values(started_at=bindparam("start"), leased_until=bindparam("end")),
            [
                {"of_attempt": row.id, "start": clock, "end": clock + (row.leased_until - row.started_at)}
                for row in begun
            ],
        )
    return len(begun)


def _settle_now(connection: Connection, clock: datetime) -> int:
    """What was settled counts as taken since the last look at the balance, until the next one: never too little."""
    a = attempts.c
    names = connection.execute(select(accounts.c.name)).scalars().all()
    ids: list[int] = []
    for name in names:
        ahead = select(a.id).where(a.account == name, is_ahead(a.settled_at)).limit(AT_ONCE)
        ids += connection.execute(ahead).scalars()
    if ids:
        connection.execute(update(attempts).where(among(connection, a.id, ids)).values(settled_at=clock))
    return len(ids)


def _read_anew(connection: Connection, clock: datetime) -> int:
    """Sums of the ledger go on from a reading of before: of these nobody could say what was settled since."""
    r = balance_readings.c
    ahead = update(balance_readings).where(r.account.in_(select(accounts.c.name)), is_ahead(r.confirmed_at))
    asked = case((is_ahead(r.asked_at), clock), else_=r.asked_at)
    return connection.execute(ahead.values(asked_at=asked, confirmed_at=clock, still=False)).rowcount


def _age_polls(connection: Connection, clock: datetime) -> int:
    """Readings of reports that are not done with: who asked may be dead, and what is parked must not be so for ever."""
    p = report_polls.c
    mine = update(report_polls).where(p.account.in_(select(accounts.c.name)))
    asked = mine.where(_AT_WORK, is_ahead(p.asked_at)).values(asked_at=clock)
    stored = mine.where(_AT_WORK, is_ahead(p.stored_at)).values(stored_at=clock)
    return connection.execute(asked).rowcount + connection.execute(stored).rowcount


def _age_audiences(connection: Connection, clock: datetime) -> int:
    """Those that are being handed over: their producer may have died."""
    receiving = select(campaigns.c.audience_id).where(_RECEIVED_NOW)
    ahead = update(audiences).where(audiences.c.id.in_(receiving), is_ahead(_TOUCHED))
    return connection.execute(ahead.values(touched_at=clock)).rowcount


_STEPS: Sequence[Callable[[Connection, datetime], int]] = (
    occurrences.reckon_anew,  # before the bells, as whoever ends an occurrence does: the two cannot block each other
    _ring_out,
    _try_again,
    _begin_leases_anew,
    _settle_now,
    _read_anew,
    _age_polls,
    _age_audiences,
)


def _shut_for_too_long(connection: Connection) -> list[int]:
    """Rated campaigns whose gate opens later than any of their batches can have it shut for."""
    c, b = campaigns.c, batches.c
    shut = select(c.id, c.rate, c.next_send_at).where(
        c.state == CampaignState.SENDING, c.completed_at.is_(None), c.next_send_at > later(GATE_SECONDS)
    )
    rows = connection.execute(shut.add_columns(now().label("clock"))).all()
    too_long = []
    for row in rows:
        largest = connection.execute(select(func.max(b.size)).where(b.campaign_id == row.id)).scalar() or 0
        longest = largest / row.rate + AHEAD_SECONDS if row.rate else 0.0
        if (row.next_send_at - row.clock).total_seconds() > longest:
            too_long.append(row.id)
    return too_long


def _open(connection: Connection, campaign_ids: Sequence[int], clock: datetime) -> int:
    if not campaign_ids:
        return 0
    c = campaigns.c
    shut = update(campaigns).where(among(connection, c.id, campaign_ids), c.next_send_at > later(GATE_SECONDS))
    return connection.execute(shut.values(next_send_at=clock)).rowcount
