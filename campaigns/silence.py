"""Messages that nobody reports on: which sendings to ask for by name, and when to stop waiting.

Messages have no index by batch, so they are probed by their keys, from the batch's payload. A sending whose messages
all have an end is marked, and never looked at again: what a look costs depends on what is silent, not on the campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, or_, select, update

from campaigns.database import Database, Record, among, is_over, later, now
from campaigns.models import attempts, batches, campaigns, messages
from campaigns.named import by_key
from campaigns.payload import Payload
from campaigns.states import FIRST_SETTLED, AttemptKind, AttemptState, BatchState, MessageStatus

SENDINGS_AT_ONCE = 100
"""How many sendings are given up in one transaction."""


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
    unasked = or_(a.asked_at.is_(None), is_over(a.asked_at, every))
    due = _awaited(older_than).where(a.account == account, a.msgfid.is_not(None), unasked)
    with database.snapshot() as connection:
        longest_unasked = due.order_by(a.asked_at.nulls_first(), a.id).limit(most)
        some = _with_payloads(connection, connection.execute(longest_unasked).scalars())
        silent = _with_open_messages(connection, some) | _with_unanswered_lookups(some)
    _note(database, asked=silent, ended={row.id for row in some} - silent)
    return [Silent(row.id, account, row.msgfid) for row in some if row.id in silent]


def put_back(database: Database, account: str, ids: Sequence[str]) -> None:
    """Those that were to be asked for by these ids were not, after all: they are due again."""
    a = attempts.c
    named = or_(a.msgid.in_(ids), a.msgfid.in_(ids))
    with database.transaction() as connection:
        connection.execute(update(attempts).where(a.account == account, named).values(asked_at=None))


def give_up(database: Database, *, older_than: float) -> list[int]:
    """Messages of sendings accepted longer ago than this become `unreported`; returns the campaigns concerned."""
    with database.reading() as connection:
        overdue = connection.execute(_awaited(older_than).where(attempts.c.kind == AttemptKind.SEND)).scalars().all()
    concerned: set[int] = set()
    for start in range(0, len(overdue), SENDINGS_AT_ONCE):
        concerned |= _give_up(database, overdue[start : start + SENDINGS_AT_ONCE])
    return sorted(concerned)


def _give_up(database: Database, attempt_ids: Sequence[int]) -> set[int]:
    m = messages.c
    with database.transaction() as connection:
        # The requests before their messages, as whoever settles one does: the two cannot block each other for ever.
        _end(connection, attempt_ids)
        some = _with_payloads(connection, attempt_ids)
        key, _ = _their_messages(connection, some)
        given_up = update(messages).where(key, m.status < FIRST_SETTLED).returning(m.campaign_id)
        found = connection.execute(given_up.values(status=MessageStatus.UNREPORTED, updated_at=now()))
        return set(found.scalars())


def _awaited(older_than: float) -> Select[int]:
    """Accepted attempts that may want an answer still, of campaigns that do."""
    a, c = attempts.c, campaigns.c
    at_work = and_(c.id == a.campaign_id, c.completed_at.is_(None))
    return select(a.id).where(
        at_work, a.state == AttemptState.ACCEPTED, a.ended_at.is_(None), a.settled_at < later(-older_than)
    )


def _with_payloads(connection: Connection, attempt_ids: Iterable[int]) -> Sequence[Record]:
    a, b = attempts.c, batches.c
    found = select(a.id, a.kind, a.campaign_id, a.msgfid, b.state, b.attempt_id, b.payload).where(b.id == a.batch_id)
    return connection.execute(found.where(among(connection, a.id, attempt_ids)).order_by(a.id)).all()


def _with_open_messages(connection: Connection, some: Iterable[Record]) -> set[int]:
    m = messages.c
    sends = [row for row in some if row.kind == AttemptKind.SEND]
    if not sends:
        return set()
    key, attempt_id = _their_messages(connection, sends)
    return set(connection.execute(select(attempt_id).where(key, m.status < FIRST_SETTLED).distinct()).scalars())


def _with_unanswered_lookups(some: Iterable[Record]) -> set[int]:
    return {row.id for row in some if row.attempt_id == row.id and row.state == BatchState.CHECKING}


def _their_messages(connection: Connection, sends: Iterable[Record]) -> tuple[Any, Any]:
    """Their keys, as a condition, and the attempt of each; in the order of the key: two writers cannot deadlock."""
    keys = sorted((row.campaign_id, number, row.id) for row in sends for number in Payload.unpack(row.payload).numbers)
    theirs, is_named = by_key(
        connection,
        [campaign_id for campaign_id, _, _ in keys],
        [number for _, number, _ in keys],
        attempt_id=(BigInteger, [attempt_id for _, _, attempt_id in keys]),
    )
    return is_named, theirs.c.attempt_id


def _note(database: Database, *, asked: set[int], ended: set[int]) -> None:
    if not asked | ended:
        return
    a = attempts.c
    with database.transaction() as connection:
        connection.execute(update(attempts).where(among(connection, a.id, asked)).values(asked_at=now()))
        _end(connection, ended)


def _end(connection: Connection, attempt_ids: Iterable[int]) -> None:
    connection.execute(update(attempts).where(among(connection, attempts.c.id, attempt_ids)).values(ended_at=now()))
