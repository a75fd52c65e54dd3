"""Messages that nobody reports on: which sendings to ask for by name, and when to stop waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, literal, or_, select, update

from campaigns.database import Database, Record, later, now
from campaigns.models import attempts, batches, campaigns, messages
from campaigns.states import FIRST_SETTLED, AttemptKind, AttemptState, BatchState, MessageStatus


@dataclass(frozen=True)
class Silent:
    """A sending that some of its messages, or of its looked-up numbers, still want an answer of."""

    attempt_id: int
    account: str
    msgfid: str


def sendings(database: Database, account: str, *, older_than: float, every: float, most: int) -> list[Silent]:
    """Sendings to ask the gateway for by their msgfid; they count as asked from now on.

    Args:
        database: where.
        account: whose.
        older_than: seconds since they were accepted.
        every: seconds since they were last asked for.
        most: how many to look at, the longest unasked first.
    """
    a = attempts.c
    unasked = or_(a.asked_at.is_(None), a.asked_at < later(-every))
    due = _accepted(older_than).where(a.account == account, a.msgfid.is_not(None), unasked)
    with database.transaction() as connection:
        some = connection.execute(due.order_by(a.asked_at.nulls_first(), a.id).limit(most)).all()
        if not some:
            return []
        # Those without an open message count as asked too, or each look would begin with the same ones.
        connection.execute(update(attempts).where(a.id.in_([row.id for row in some])).values(asked_at=now()))
        waiting = _with_open_messages(connection, some) | _with_unanswered_lookups(connection, some)
    return [Silent(row.id, account, row.msgfid) for row in some if row.batch_id in waiting]


def put_back(database: Database, account: str, ids: Sequence[str]) -> None:
    """Those that were to be asked for by these ids were not, after all: they are due again."""
    a = attempts.c
    named = or_(a.msgid.in_(ids), a.msgfid.in_(ids))
    with database.transaction() as connection:
        connection.execute(update(attempts).where(a.account == account, named).values(asked_at=None))


def give_up(database: Database, *, older_than: float) -> list[int]:
    """Messages of sendings accepted longer ago than this become `unreported`; returns the campaigns concerned."""
    m = messages.c
    overdue = _accepted(older_than).where(attempts.c.kind == AttemptKind.SEND)
    with database.transaction() as connection:
        some = connection.execute(overdue).all()
        waiting = _with_open_messages(connection, some) if some else set()
        if waiting:
            open_ = and_(m.batch_id.in_(waiting), m.status < FIRST_SETTLED)
            connection.execute(
                update(messages)
                .where(m.campaign_id.in_({row.campaign_id for row in some}), open_)
                .values(status=MessageStatus.UNREPORTED, updated_at=now())
            )
    return sorted({row.campaign_id for row in some if row.batch_id in waiting})


def _accepted(older_than: float) -> Select[*tuple[int, int, int, str]]:
    a = attempts.c
    return select(a.id, a.campaign_id, a.batch_id, a.msgfid).where(
        a.state == AttemptState.ACCEPTED, a.settled_at < later(-older_than), _campaign_at_work()
    )


def _with_open_messages(connection: Connection, some: Sequence[Record]) -> set[int]:
    # One pass over the campaigns concerned, whatever the number of attempts: messages have no index by batch.
    m = messages.c
    found = (
        select(m.batch_id)
        .where(
            m.campaign_id.in_({row.campaign_id for row in some}),
            m.batch_id.in_([row.batch_id for row in some]),
            m.status < FIRST_SETTLED,
        )
        .distinct()
    )
    return set(connection.execute(found).scalars())


def _with_unanswered_lookups(connection: Connection, some: Sequence[Record]) -> set[int]:
    b = batches.c
    found = select(b.id).where(b.attempt_id.in_([row.id for row in some]), b.state == BatchState.CHECKING)
    return set(connection.execute(found).scalars())


def _campaign_at_work() -> ColumnElement[bool]:
    return exists(literal(1)).where(campaigns.c.id == attempts.c.campaign_id, campaigns.c.completed_at.is_(None))
