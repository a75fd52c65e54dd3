"""The journal of delivery reports: each reading is noted before it is made, and its bytes are kept as they came.

A report can be read once, so nothing is made of a body before it is stored. Which bodies wait to be applied is in
`unapplied`, what is made of them in `reports`.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from datetime import datetime
from threading import Lock
from time import time
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Connection,
    Executable,
    TableValuedAlias,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from campaigns import accounts
from campaigns.database import Database, later
from campaigns.language import N_
from campaigns.models import report_polls
from campaigns.outages import PASSING
from campaigns.states import PollState

POLLS_AT_ONCE = 200

CUT = N_("cut short")
"""How the detail of a body begins whose end never arrived."""

_OWED: WeakKeyDictionary[Database, list[Executable]] = WeakKeyDictionary()
"""What this process could not write down while the database was away, and what is false for as long as it is not."""

_ONE_AT_A_TIME = Lock()
"""Reports are read in one thread while others are applied in another: neither carries out, or loses, what both owe."""


def note(database: Database, account: str, msgfid: str | None = None) -> int:
    """Write down that the gateway is about to be asked; this also proves that the database can be written."""
    p = report_polls.c
    asked = insert(report_polls).values(account=account, msgfid=msgfid, state=PollState.ASKED)
    make_good(database)
    poll_id: int | None = None
    try:
        with database.transaction() as connection:
            poll_id = connection.execute(asked.returning(p.id)).scalar_one()
    except PASSING:
        # Nobody asks now; but the commit may have been made and its answer lost, and then it would count as a gap.
        if poll_id is not None:
            owe(database, _no_request(poll_id))
        raise
    return poll_id


def store(
    database: Database,
    account: str,
    poll_id: int,
    body: bytes,
    *,
    msgfid: str | None = None,
    cut: bool = False,
    arrived: float | None = None,
) -> int:
    """Keep the raw body, before anything is made of it; once, however often it is called.

    Args:
        database: where.
        account: whose reports these are.
        poll_id: the reading's. Meanwhile it may have been given up, or be gone with a database that was restored.
        body: as it came.
        msgfid: what was asked for, if not all.
        cut: its end did not arrive.
        arrived: when it came, by this host's clock (`time.time()`), if not just now.

    Returns:
        The reading that has the body: a new one, if its own is gone or has another body.
    """
    p, packed = report_polls.c, zlib.compress(body, 1)
    came = later(-max(0.0, time() - arrived)) if arrived is not None else later(0.0)
    kept = {"state": PollState.STORED, "body": packed, "detail": CUT if cut else None}
    awaited = and_(p.id == poll_id, p.account == account, p.state.in_([PollState.ASKED, PollState.LOST]))
    # It cannot have come before it was asked for, whatever this host's clock did since.
    not_before = case((p.asked_at > came, p.asked_at), else_=came)
    with database.transaction() as connection:
        if connection.execute(update(report_polls).where(awaited).values(stored_at=not_before, **kept)).rowcount:
            return poll_id
        accounts.lock(connection, account)  # one at a time, or each of two would find no other and make a new one
        found = _holder(connection, account, poll_id, packed)
        if found is None:
            made = insert(report_polls).values(account=account, msgfid=msgfid, asked_at=came, stored_at=came, **kept)
            found = connection.execute(made.returning(p.id)).scalar_one()
    return int(found)


def _holder(connection: Connection, account: str, poll_id: int, packed: bytes) -> int | None:
    """The reading that has this very body, be it another one."""
    p = report_polls.c
    same = and_(p.account == account, func.length(p.body) == len(packed), p.body == packed)
    mine = connection.execute(select(p.id).where(p.id == poll_id, same)).scalar()
    return mine or connection.execute(select(p.id).where(same).limit(1)).scalar()


def lose(database: Database, poll_id: int) -> None:
    """No body came. If the gateway did answer, its reports are gone: no client can prevent that, but it is counted."""
    p = report_polls.c
    with database.transaction() as connection:
        awaited = update(report_polls).where(p.id == poll_id, p.state == PollState.ASKED)
        connection.execute(awaited.values(state=PollState.LOST))


def forget(database: Database, poll_id: int) -> None:
    """The request never left, or there was nothing to read: nothing to keep."""
    try:
        with database.transaction() as connection:
            connection.execute(delete(report_polls).where(report_polls.c.id == poll_id))
    except PASSING:
        owe(database, _no_request(poll_id))
        raise


def make_good(database: Database) -> None:
    """Write down what this process could not while the database was away."""
    with _ONE_AT_A_TIME:
        owed = _OWED.pop(database, None)
    if not owed:
        return
    try:
        with database.transaction() as connection:
            for statement in owed:
                connection.execute(statement)
    except BaseException:
        for statement in owed:
            owe(database, statement)
        raise


def owe(database: Database, statement: Executable) -> None:
    """Have this executed as soon as the database can be written again, if this process lives to see it."""
    with _ONE_AT_A_TIME:
        _OWED.setdefault(database, []).append(statement)


def _no_request(poll_id: int) -> Executable:
    # Only while it is unanswered: if its number is another's by now, the other's body finds a place all the same.
    p = report_polls.c
    return delete(report_polls).where(p.id == poll_id, p.state == PollState.ASKED)


def body(database: Database, poll_id: int) -> bytes:
    """The raw body of a stored poll."""
    with database.reading() as connection:
        return zlib.decompress(
            connection.execute(select(report_polls.c.body).where(report_polls.c.id == poll_id)).scalar_one()
        )


def unknown_in(connection: Connection) -> TableValuedAlias:
    """Of a poll: the msgfids in it that nobody had when it was applied, as a table with one column, `value`."""
    sqlite = connection.dialect.name == "sqlite"
    each = func.json_each if sqlite else func.json_array_elements_text
    return each(report_polls.c.unknown).table_valued("value")


def reopen(connection: Connection, account: str, msgfid: str) -> None:
    """A sending is known only now: bodies that were closed with reports of it for nobody are applied once more.

    Of those that were purged nothing can be.

    It looks at the head of each poll: to be done only where a doubt was settled by its evidence.
    """
    p, unknown = report_polls.c, unknown_in(connection)
    has_some = exists(literal(1)).where(unknown.c.value == msgfid).correlate(report_polls)
    closed = update(report_polls).where(
        p.account == account, p.state == PollState.APPLIED, p.unknown.is_not(None), p.body.is_not(None)
    )
    connection.execute(closed.where(has_some).values(state=PollState.PARKED))


def first_seen(database: Database, account: str, msgfids: Collection[str]) -> dict[str, datetime]:
    """When a report under each of these msgfids first came, in all that the account's journal has.

    It reads the head of each poll that had something for nobody: to be asked only where a doubt depends on it.
    """
    p = report_polls.c
    had_some = select(p.id, p.stored_at, p.unknown).where(p.account == account, p.unknown.is_not(None)).order_by(p.id)
    seen: dict[str, datetime] = {}
    last = 0
    with database.reading() as connection:
        while some := connection.execute(had_some.where(p.id > last).limit(POLLS_AT_ONCE)).all():
            for poll in some:
                for msgfid in set(poll.unknown).intersection(msgfids):
                    seen[msgfid] = min(poll.stored_at, seen.get(msgfid, poll.stored_at))
            last = some[-1].id
    return seen
