"""What the gateway says that an account has, kept beside what our own ledger says at the same moment.

The gateway counts what was consumed (`cumul`, IV-1 of the API document), net of what it gave back, and a top-up does
not change it: so what it counts more than we do since the account's first reading, the drift, is what somebody else
spent, or what became of a doubt. It is known only at moments when nothing was in the air and every report was applied.
Even then credits may have come back of which no report was read yet: how many at most stands beside it (`unread`), and
what a drift is worth in the light of that is said in `vitals`. What the readings prove of a doubt is in `witness`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, literal, select, update

from campaigns import accounts, unapplied
from campaigns.database import Database, Record, later
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, balance_readings, campaigns, refunds
from campaigns.states import POSTED, AttemptState, CampaignState

FRESH_DOUBT_SECONDS = 600.0
"""For how long after a request fell in doubt the balance is asked for out of turn."""

AGAIN_SECONDS = 5.0
"""How often, at most."""

_UNKNOWN = (AttemptState.OPEN, AttemptState.IN_DOUBT)
_NOT_OVER = [state for state in CampaignState if state not in (CampaignState.COMPLETED, CampaignState.FAILED)]


@dataclass(frozen=True)
class Balance:
    """What the gateway says an account has.

    Attributes:
        credits: left to spend.
        consumed: spent so far; a top-up does not change it.
        expires_at: when they lapse, if it says so.
        asked_at: the database's time **before** the request: what was settled since may not be in `credits`.
    """

    credits: Decimal
    consumed: Decimal | None
    expires_at: datetime | None
    asked_at: datetime


def note(connection: Connection, account: str, balance: Balance) -> None:
    """Remember what the gateway said, and what our ledger says now; an older answer than the last is dropped.

    Args:
        connection: a transaction that holds the account's row.
        account: whose.
        balance: just asked of the gateway.
    """
    known = accounts_table.c
    older = known.balance_asked_at.is_(None) | (known.balance_asked_at <= balance.asked_at)
    noted = update(accounts_table).where(known.name == account, older)
    said = {"balance": balance.credits, "consumed": balance.consumed, "expires_at": balance.expires_at}
    if connection.execute(noted.values(said | {"balance_asked_at": balance.asked_at})).rowcount:
        _read(connection, account, balance)


def _read(connection: Connection, account: str, balance: Balance) -> None:
    r = balance_readings.c
    mine = select(balance_readings).where(r.account == account).order_by(r.asked_at.desc(), r.id.desc()).limit(1)
    last = connection.execute(mine).first()
    still = _is_still(connection, account, balance.asked_at)
    # Sums go on from a moment at which nothing was under way: of any other, some may have been committed since.
    since = connection.execute(mine.where(r.still)).first() if still else last
    found = {"credits": balance.credits, "consumed": balance.consumed, "still": still}
    found |= _ledger(connection, account, since, balance.asked_at)
    found["drift"] = _drift(connection, account, found) if still else None
    known = {"confirmed_at": balance.asked_at, "unread": _unread(connection, account, balance.asked_at)}
    if last is not None and all(getattr(last, name) == value for name, value in found.items()):
        connection.execute(update(balance_readings).where(r.id == last.id).values(known))
        return
    connection.execute(insert(balance_readings).values(account=account, asked_at=balance.asked_at, **known, **found))


def _is_still(connection: Connection, account: str, asked_at: datetime) -> bool:
    """Whether nothing was in the air while the gateway was asked, and the ledger has all that it was told."""
    a = attempts.c
    mine = select(literal(1)).where(a.account == account)
    settled = a.state.in_([*POSTED, AttemptState.IN_DOUBT]) & (a.settled_at >= asked_at)
    under_way = select(exists(mine.where(a.state == AttemptState.OPEN)), exists(mine.where(settled)))
    return not any(connection.execute(under_way).one()) and not unapplied.any_to_apply(connection, account)


def _ledger(connection: Connection, account: str, since: Record | None, asked_at: datetime) -> dict[str, Decimal]:
    """Our sums until the balance was asked: those of an earlier reading, and what was settled since."""
    a, r = attempts.c, refunds.c
    posted = select(func.sum(a.credits)).where(a.account == account, _within(a.settled_at, since, asked_at))
    refunded = select(func.sum(r.credits)).where(_of_account(account), _within(r.refunded_at, since, asked_at))
    unsettled = select(func.sum(a.estimated)).where(a.account == account, a.state.in_(_UNKNOWN))
    sums = [posted.scalar_subquery(), refunded.scalar_subquery(), unsettled.scalar_subquery()]
    row = [found or Decimal(0) for found in connection.execute(select(*sums)).one()]
    before = (Decimal(0), Decimal(0)) if since is None else (since.posted, since.refunded)
    return {"posted": before[0] + row[0], "refunded": before[1] + row[1], "unsettled": row[2]}


def _unread(connection: Connection, account: str, asked_at: datetime) -> Decimal:
    """Credits that may have come back without our knowing it when the balance was asked: so many at most.

    Those of messages without an end, by whole requests; and those that came back by reports applied since then.
    """
    a, c, r = attempts.c, campaigns.c, refunds.c
    # Their states are said, or SQLite would look through all campaigns of the account.
    at_work = and_(c.account == account, c.state.in_(_NOT_OVER), c.completed_at.is_(None), a.campaign_id == c.id)
    # Nothing is said of the state of requests: SQLite would look through all that was ever accepted. What was not has
    # no credits.
    taken = select(func.sum(a.credits)).where(at_work, a.ended_at.is_(None))
    since = select(func.sum(r.credits)).where(_of_account(account), r.refunded_at >= asked_at)
    sums = [taken.scalar_subquery(), since.scalar_subquery()]
    return sum((found for found in connection.execute(select(*sums)).one() if found is not None), Decimal(0))


def _of_account(account: str) -> ColumnElement[bool]:
    """Of a refund. Not joined: SQLite would begin with all that the account ever sent."""
    a, r = attempts.c, refunds.c
    return exists(literal(1)).where(a.id == r.attempt_id, a.account == account).correlate(refunds)


def _within(moment: ColumnElement[Any], since: Record | None, until: datetime) -> ColumnElement[bool]:
    before = moment < until
    return before if since is None else and_(moment >= since.confirmed_at, before)


def _drift(connection: Connection, account: str, found: dict[str, Any]) -> Decimal | None:
    """What the gateway counts more than our ledger does, since the first reading of which that is known."""
    if found["consumed"] is None:
        return None
    r = balance_readings.c
    first = select(balance_readings).where(r.account == account, r.drift.is_not(None))
    began = connection.execute(first.order_by(r.asked_at, r.id).limit(1)).first()
    ours: Decimal = found["consumed"] - found["posted"] + found["refunded"]
    return Decimal(0) if began is None else ours - (began.consumed - began.posted + began.refunded)


def wanted(database: Database, account: str) -> bool:
    """Whether the balance is to be asked now: a request fell in doubt of late, and no still moment was read since."""
    a, r, known = attempts.c, balance_readings.c, accounts_table.c
    read = select(func.max(r.confirmed_at)).where(r.account == account, r.still).scalar_subquery()
    asked = select(known.name).where(known.name == account, known.balance_asked_at > later(-AGAIN_SECONDS))
    fresh = and_(a.settled_at > later(-FRESH_DOUBT_SECONDS), func.coalesce(read < a.settled_at, literal(value=True)))
    doubt = select(a.id).where(a.account == account, a.state == AttemptState.IN_DOUBT, fresh, ~exists(asked))
    with database.reading() as connection:
        return connection.execute(doubt.limit(1)).first() is not None


def note_balance(database: Database, account: str, balance: Balance) -> None:
    """Remember what the gateway said, in a transaction of its own."""
    with database.transaction() as connection:
        accounts.lock(connection, account)
        note(connection, account, balance)
