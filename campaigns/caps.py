"""A cap of messages that an account may send to a number in a day, whichever campaigns they are of.

A batch counts for its numbers in the transaction that claims it, by one statement that puts each up by one where it is
below the cap: whoever else claims one of these numbers just then waits for that row, and finds it counted. So of two
batches that claim a number at the same moment no more pass than the cap allows. Who is over it leaves the batch before
it is claimed (`leaving`), excluded as `capped`; the texts are kept, for `retrying` may send them another day.

A message counts on the day, in the cap's zone, on which its batch is claimed, and for as long as it may have been
received: what was delivered, what was not, what is in doubt. Where it is proven that nothing was sent, the batch gives
its counts back. It remembers the day that it counts on, so that what is sent again after a doubt counts once a day.

Accounts without a cap, and campaigns that are `uncapped`, neither count nor ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Connection, Date, and_, delete, func, literal, select, tuple_

from campaigns import leaving
from campaigns.database import Database, forbid_scans, now, rows_of, upsert
from campaigns.models import daily_counts
from campaigns.payload import Payload
from campaigns.states import Exclusion

AT_ONCE = 20_000
"""Counts of past days that one round of the sweep removes; the others have their turn in the next."""

_KEY = (daily_counts.c.day, daily_counts.c.account, daily_counts.c.msisdn)


@dataclass(frozen=True)
class Cap:
    """How many messages a number may get from an account in a day.

    Attributes:
        per_day: so many, at least one.
        zone: whose days count.
    """

    per_day: int
    zone: ZoneInfo

    def today(self, connection: Connection) -> date:
        """The day that it is now, by the database's clock."""
        moment: datetime = connection.execute(_CLOCK).scalar_one()
        return moment.astimezone(self.zone).date()


_CLOCK = select(now())


class CappedError(Exception):
    """Somebody in the batch has had as many messages today as may be: it must be rewritten before it is claimed."""

    def __init__(self, batch_id: int, cap: Cap) -> None:
        super().__init__(f"batch {batch_id} holds somebody who has had as many messages today as may be")
        self.batch_id, self.cap = batch_id, cap


def count(connection: Connection, cap: Cap, account: str, batch_id: int, numbers: Iterable[int], today: date) -> None:
    """Count a message to each number of a batch that is being claimed.

    Args:
        connection: the claim's transaction. Whoever claims one of the numbers waits until it ends, so this comes last.
        cap: of the account.
        account: whose messages they are.
        batch_id: the batch.
        numbers: MSISDNs.
        today: the day on which they count.

    Raises:
        CappedError: one of them is at the cap; the transaction must not be kept.
    """
    c, asked = daily_counts.c, sorted(set(numbers))
    below = {"set_": {"texts": c.texts + 1}, "where": c.texts < cap.per_day}
    passed = _changed(connection, account, today, asked, 1, **below)
    if passed < len(asked):
        raise CappedError(batch_id, cap)


def leave_out(database: Database, batch_id: int, cap: Cap) -> None:
    """Take out of a batch that waits to be sent who is at the cap; one that loses everybody is voided."""

    def at_the_cap(connection: Connection, account: str, payload: Payload) -> set[int]:
        return among(connection, cap, account, payload.numbers)

    leaving.leave_out(database, batch_id, at_the_cap, Exclusion.CAPPED, keep=True)


def among(connection: Connection, cap: Cap, account: str, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers that have had as many messages from the account today as may be.

    The connection is a transaction; its planner is told to forbid scans and hash joins for the rest of it.
    """
    forbid_scans(connection)
    c, today = daily_counts.c, cap.today(connection)
    asked = rows_of(connection, "asked", msisdn=(BigInteger, sorted(set(numbers))))
    its_own = and_(c.day == today, c.account == account, c.msisdn == asked.c.msisdn)
    reached = select(c.msisdn).where(its_own, c.texts >= cap.per_day)
    # The offset keeps PostgreSQL from making a join of it, as in `expansion`: each key is looked up by itself.
    found = select(asked.c.msisdn).where(reached.offset(0).correlate(asked).exists())
    return set(connection.execute(found).scalars())


def give_back(connection: Connection, account: str, day: date, numbers: Iterable[int]) -> None:
    """It is proven that nothing was sent to these numbers: a message less counts for each on that day.

    Args:
        connection: the transaction that settles their request; nothing else is locked after this.
        account: whose messages they would have been.
        day: on which they were counted.
        numbers: MSISDNs.
    """
    c, asked = daily_counts.c, sorted(set(numbers))
    if asked:
        _changed(connection, account, day, asked, 0, set_={"texts": c.texts - 1}, where=c.texts > 0)


def _changed(connection: Connection, account: str, day: date, numbers: list[int], first: int, **otherwise: Any) -> int:
    """Change the counts of some numbers; returns how many were.

    Always by the same kind of statement, which takes its rows in the order of their key: two batches that share numbers
    wait for each other, and not for ever.
    """
    named = rows_of(connection, "named", msisdn=(BigInteger, numbers))
    rows = select(literal(day, Date), literal(account), named.c.msisdn, literal(first)).order_by(named.c.msisdn)
    new = upsert(connection, daily_counts).from_select(["day", "account", "msisdn", "texts"], rows)
    changed = new.on_conflict_do_update(index_elements=_KEY, **otherwise)
    return connection.execute(changed.execution_options(preserve_rowcount=True)).rowcount


def forget_old(database: Database) -> int:
    """Remove some counts of days that are over wherever one lives; returns how many.

    And of days that have not begun anywhere: a clock that was set back has left them, and they would count twice.
    """
    c = daily_counts.c
    with database.reading() as connection:
        first, last, clock = connection.execute(select(func.min(c.day), func.max(c.day), now())).one()
    if first is None:
        return 0
    today = clock.date()
    over, to_come = today - timedelta(days=1), today + timedelta(days=1)
    gone = _removed(database, c.day < over) if first < over else 0
    return gone + (_removed(database, c.day > to_come) if last > to_come else 0)


def _removed(database: Database, which: ColumnElement[bool]) -> int:
    """Remove some of these counts, the first ones by their key; returns how many."""
    key = tuple_(*_KEY)
    with database.transaction() as connection:
        forbid_scans(connection)
        last = select(*_KEY).where(which).order_by(*_KEY).offset(AT_ONCE - 1).limit(1)
        end = connection.execute(last).first()
        gone = delete(daily_counts).where(which)
        return connection.execute(gone if end is None else gone.where(key <= tuple(end))).rowcount
