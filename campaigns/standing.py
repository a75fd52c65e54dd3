"""Where an account's credits are: what the gateway says that it has, what is promised of it, and what does not agree.

Sums of all that was ever posted are those of the last reading (see `balances`): nothing here reads all attempts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, func, select

from campaigns import credits
from campaigns.balances import Balance
from campaigns.database import Database, default
from campaigns.models import accounts, attempts, balance_readings, batches, campaigns, holds
from campaigns.states import UNSENT, AttemptState, CampaignState

MOST = 10
"""How many campaigns and readings are named."""


@dataclass(frozen=True)
class Share:
    """A campaign's part: what is held for it, or what it is short of."""

    id: int
    name: str
    credits: Decimal


@dataclass(frozen=True)
class Reading:
    """What the gateway said, and our ledger at that moment; `drift` only where nothing was under way.

    `unread` is how many credits may have come back by then of which no report had told us (see `balances`).
    """

    asked_at: datetime
    credits: Decimal
    consumed: Decimal | None
    posted: Decimal
    refunded: Decimal
    unsettled: Decimal
    unread: Decimal
    drift: Decimal | None


@dataclass(frozen=True)
class Standing:
    """An account's credits at one moment.

    Attributes:
        balance: what the gateway said when it was asked last, at `asked_at`; none before that.
        held: promised to campaigns for what has not left; `holders` are the largest of these.
        in_the_air: of requests that are being made; `in_doubt` of those of which nobody knows.
        spent_since: of requests that were settled after the balance was asked, and so may not be in it.
        free: what can still be promised, the balance less all of these; less than nothing where more is gone than
            was known.
        waiting: campaigns that wait for a top-up, and what each is short of.
        posted: what the gateway took, by our ledger, until the last reading; `refunded` came back.
        drift: what the gateway counts more than our ledger does, at `drift_at`, since `drift_since`; of it,
            `unread` credits may have come back by then, and be no drift once their reports are read.
        readings: the last ones, the newest first.
    """

    account: str
    balance: Decimal | None
    asked_at: datetime | None
    expires_at: datetime | None
    free: Decimal | None
    held: Decimal
    holders: list[Share]
    in_the_air: Decimal
    in_doubt: Decimal
    spent_since: Decimal
    waiting: list[Share]
    posted: Decimal
    refunded: Decimal
    drift: Decimal | None
    drift_at: datetime | None
    drift_since: datetime | None
    unread: Decimal
    readings: list[Reading]


def standings(account: str | None = None, *, database: Database | None = None) -> list[Standing]:
    """Where the credits of an account are; of all that there are if none is named, by name."""
    known = select(accounts.c.name).order_by(accounts.c.name)
    if account is not None:
        known = known.where(accounts.c.name == account)
    with (database or default()).snapshot() as connection:
        return [_of(connection, name) for name in connection.execute(known).scalars().all()]


def _of(connection: Connection, account: str) -> Standing:
    row = connection.execute(select(accounts).where(accounts.c.name == account)).one()
    known = row.balance is not None
    said = Balance(row.balance, row.consumed, row.expires_at, row.balance_asked_at) if known else None
    readings = _readings(connection, account)
    first, last = _drifts(connection, account)
    unsettled = _unsettled(connection, account)
    holders = _holders(connection, account)
    return Standing(
        account=account,
        balance=row.balance,
        asked_at=row.balance_asked_at,
        expires_at=row.expires_at,
        free=credits.available(connection, account, said) if said else None,
        held=sum((share.credits for share in holders), Decimal(0)),
        holders=holders[:MOST],
        in_the_air=unsettled.get(AttemptState.OPEN, Decimal(0)),
        in_doubt=unsettled.get(AttemptState.IN_DOUBT, Decimal(0)),
        spent_since=credits.spent_since(connection, account, said.asked_at) if said else Decimal(0),
        waiting=_waiting(connection, account),
        posted=readings[0].posted if readings else Decimal(0),
        refunded=readings[0].refunded if readings else Decimal(0),
        drift=last.drift if last else None,
        drift_at=last.asked_at if last else None,
        drift_since=first.asked_at if first else None,
        unread=last.unread if last else Decimal(0),
        readings=readings,
    )


def _holders(connection: Connection, account: str) -> list[Share]:
    b, c, h = batches.c, campaigns.c, holds.c
    held = func.sum(credits.unsent_credits())
    found = (
        select(c.id, c.name, held)
        .where(h.account == account, b.campaign_id == h.campaign_id, b.state.in_(UNSENT), c.id == h.campaign_id)
        .group_by(c.id, c.name)
        .order_by(held.desc(), c.id)
    )
    return [Share(*row) for row in connection.execute(found)]


def _unsettled(connection: Connection, account: str) -> dict[str, Decimal]:
    a = attempts.c
    states = a.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT])
    summed = select(a.state, func.sum(a.estimated)).where(a.account == account, states).group_by(a.state)
    return dict(connection.execute(summed).all())


def _waiting(connection: Connection, account: str) -> list[Share]:
    c = campaigns.c
    waits = select(c.id, c.name, c.shortfall).where(
        c.account == account,
        c.state == CampaignState.AWAITING_CREDITS,
        c.completed_at.is_(None),
        c.shortfall.is_not(None),
    )
    return [Share(*row) for row in connection.execute(waits.order_by(c.id).limit(MOST))]


def _readings(connection: Connection, account: str) -> list[Reading]:
    r = balance_readings.c
    columns = [r[name] for name in Reading.__annotations__]
    last = select(*columns).where(r.account == account).order_by(r.asked_at.desc(), r.id.desc()).limit(MOST)
    return [Reading(*row) for row in connection.execute(last)]


def _drifts(connection: Connection, account: str) -> list[Reading | None]:
    """The first reading whose drift is known, and the last one."""
    r = balance_readings.c
    known = select(*[r[name] for name in Reading.__annotations__]).where(r.account == account, r.drift.is_not(None))
    ends = [known.order_by(r.asked_at, r.id), known.order_by(r.asked_at.desc(), r.id.desc())]
    rows = [connection.execute(end.limit(1)).first() for end in ends]
    return [None if row is None else Reading(*row) for row in rows]
