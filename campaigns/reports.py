"""Delivery reports: journal → match → apply.

A report can be read once, so its bytes are stored and committed before anything is made of them. Applying is
idempotent: a body may be applied again after a crash, and by two at once. What is not matched yet stays parked: reports
often precede the reply that they belong to.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from campaigns import accounts, decided, doubts, lookups, statuses
from campaigns.database import Database, Record, is_ahead, later, now, rows_of
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, report_polls
from campaigns.outages import insisting
from campaigns.states import AttemptKind, AttemptState, MessageStatus, PollState

ASKED_SECONDS = 600.0
"""After which nobody is still waiting for the answer to a request for reports."""

POLLS_AT_ONCE = 200

_PROVEN_BY_THEIR_ID = (AttemptState.IN_DOUBT, AttemptState.RESENT, AttemptState.WRITTEN_OFF)


@dataclass(frozen=True, repr=False)
class Reports:
    """Delivery reports in our words, column by column, in the order in which they came."""

    msgfids: Sequence[str]
    smsfids: Sequence[str]
    numbers: Sequence[str]
    statuses: Sequence[MessageStatus]

    def __len__(self) -> int:
        return len(self.msgfids)

    def numbers_by(self, msgfids: Collection[str]) -> dict[str, frozenset[int]]:
        """The MSISDNs reported under each of these msgfids."""
        found: dict[str, set[int]] = {}
        for msgfid, number in zip(self.msgfids, self.numbers, strict=True):
            if msgfid in msgfids and (msisdn := statuses.msisdn(number)) is not None:
                found.setdefault(msgfid, set()).add(msisdn)
        return {msgfid: frozenset(numbers) for msgfid, numbers in found.items()}


@dataclass
class Applied:
    """What applying a body came to: messages changed, campaigns and lookup batches touched, msgfids that nobody has."""

    changed: int = 0
    campaigns: set[int] = field(default_factory=set)
    looked_up: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def note(database: Database, account: str, msgfid: str | None = None) -> int:
    """Write down that the gateway is about to be asked; this also proves that the database can be written."""
    asked = insert(report_polls).values(account=account, msgfid=msgfid, state=PollState.ASKED)
    with database.transaction() as connection:
        poll_id: int = connection.execute(asked.returning(report_polls.c.id)).scalar_one()
    return poll_id


@insisting
def store(database: Database, poll_id: int, body: bytes) -> None:
    """Keep the raw body, before anything is made of it."""
    _record(database, poll_id, state=PollState.STORED, stored_at=now(), body=zlib.compress(body, 1))


def lose(database: Database, poll_id: int) -> None:
    """No body came. If the gateway did answer, its reports are gone: no client can prevent that, but it is counted."""
    _record(database, poll_id, state=PollState.LOST)


def forget(database: Database, poll_id: int) -> None:
    """The request never left, or there was nothing to read: nothing to keep."""
    with database.transaction() as connection:
        connection.execute(delete(report_polls).where(report_polls.c.id == poll_id))


def note_refusal(database: Database, account: str, reason: str) -> None:
    """Show on the account that its reports cannot be had, unless worse is known of it; sending goes on."""
    known = accounts_table.c
    with database.transaction() as connection:
        accounts.lock(connection, account)
        refused = update(accounts_table).where(known.name == account, known.failures == 0)
        connection.execute(refused.values(away_reason=reason))


def note_answer(database: Database, account: str) -> None:
    """The account's reports can be had (again)."""
    known = accounts_table.c
    noted = and_(known.name == account, known.failures == 0, known.away_reason.is_not(None))
    with database.reading() as connection:
        if connection.execute(select(known.name).where(noted)).first() is None:
            return
    with database.transaction() as connection:
        connection.execute(update(accounts_table).where(noted).values(away_reason=None))


def body(database: Database, poll_id: int) -> bytes:
    """The raw body of a stored poll."""
    with database.reading() as connection:
        return zlib.decompress(
            connection.execute(select(report_polls.c.body).where(report_polls.c.id == poll_id)).scalar_one()
        )


def any_stored(database: Database, account: str) -> bool:
    """Whether a body waits that nobody has applied; what is parked may wait for the next reading."""
    p = report_polls.c
    stored = select(p.id).where(p.account == account, p.state == PollState.STORED)
    with database.reading() as connection:
        return connection.execute(stored.limit(1)).first() is not None


def any_to_apply(connection: Connection, account: str) -> bool:
    """Whether a body is here whose reports are the account's, and not all applied (by whoever is at it, perhaps)."""
    p = report_polls.c
    mine = select(p.id).where(p.account == account)
    known = and_(p.state == PollState.PARKED, _is_known(connection))
    return any(connection.execute(mine.where(waits).limit(1)).first() for waits in (p.state == PollState.STORED, known))


def unapplied(database: Database, account: str) -> list[Record]:
    """Polls (id, state, msgfid, stored_at, unknown) to apply now, oldest first.

    Those whose body nobody has applied, and the parked ones of which an attempt has a msgfid meanwhile.
    """
    p = report_polls.c
    found = select(p.id, p.state, p.msgfid, p.stored_at, p.unknown).where(p.account == account)
    with database.reading() as connection:
        known = and_(p.state == PollState.PARKED, _is_known(connection))
        stored = connection.execute(found.where(p.state == PollState.STORED)).all()
        return sorted([*stored, *connection.execute(found.where(known)).all()], key=lambda poll: int(poll.id))


def parked(database: Database, account: str, *, no_older_than: float) -> list[Record]:
    """Polls with reports that nobody has claimed yet, oldest first.

    Those that nobody can claim any more, or that came more than `no_older_than` seconds ago, are closed; and one whose
    reader died before any body came counts as lost.
    """
    p = report_polls.c
    mine = update(report_polls).where(p.account == account)
    waiting = select(p.id, p.state, p.msgfid, p.stored_at, p.unknown).where(
        p.account == account, p.state == PollState.PARKED
    )
    with database.transaction() as connection:
        no_answer = and_(p.state == PollState.ASKED, p.asked_at < later(-ASKED_SECONDS))
        connection.execute(mine.where(no_answer).values(state=PollState.LOST))
        # One statement, one moment: a request that is settled meanwhile is either still unsettled or known.
        over = or_(p.stored_at < later(-no_older_than), ~or_(_may_be_ours(), _is_known(connection)))
        connection.execute(mine.where(p.state == PollState.PARKED, over).values(state=PollState.APPLIED))
        return list(connection.execute(waiting.order_by(p.id)).all())


def _may_be_ours() -> ColumnElement[bool]:
    """Of a poll: a request that had begun when its body came is unsettled, or was decided upon of late."""
    a, p = attempts.c, report_polls.c
    begun = and_(a.account == p.account, _had_begun(p.stored_at))
    either = (doubts.may_have_sent(), decided.may_have_sent())
    return or_(*[exists(literal(1)).where(begun, which).correlate(report_polls) for which in either])


def _had_begun(moment: Any) -> ColumnElement[bool]:
    """Of an attempt: it had begun by then, or before the clock was set back."""
    return or_(attempts.c.started_at <= moment, is_ahead(attempts.c.started_at))


def _is_known(connection: Connection) -> ColumnElement[bool]:
    """Of a poll: an attempt has one of the msgfids that nobody had."""
    a, p = attempts.c, report_polls.c
    sqlite = connection.dialect.name == "sqlite"
    unknown = (func.json_each if sqlite else func.json_array_elements_text)(p.unknown).table_valued("value")
    return exists(literal(1)).where(a.account == p.account, a.msgfid == unknown.c.value).correlate(report_polls)


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


def apply(database: Database, poll_id: int, reports: Reports) -> Applied:
    """Apply a stored body in one commit; harmless if it was applied before.

    Args:
        database: where.
        poll_id: the body's.
        reports: what the body says.
    """
    applied = Applied()
    with database.transaction() as connection:
        p = report_polls.c
        poll = connection.execute(select(report_polls).where(p.id == poll_id).with_for_update()).one()
        if poll.state not in (PollState.STORED, PollState.PARKED):
            return applied
        wanted = set(reports.msgfids) if poll.state == PollState.STORED else set(poll.unknown)
        # Looked at before the msgfids: a request that is settled in between is known by its msgfid then.
        may_be_ours = _may_belong_to_an_unsettled_attempt(connection, poll)
        known = _attempts(connection, poll.account, wanted)
        applied.unknown = wanted - known.keys()
        for msgfid, attempt in known.items():
            if attempt.state in _PROVEN_BY_THEIR_ID:  # its broken reply had shown this very id
                doubts.adopt(connection, attempt, msgfid)
        brought = statuses.apply(connection, reports, _of_kind(known, AttemptKind.SEND))
        applied.changed = brought.changed
        applied.campaigns |= {campaign_id for campaign_id, _ in brought.reported}
        applied.looked_up |= lookups.answer(connection, reports, _of_kind(known, AttemptKind.LOOKUP))
        waits = applied.unknown and may_be_ours
        connection.execute(
            update(report_polls)
            .where(p.id == poll_id)
            .values(
                state=PollState.PARKED if waits else PollState.APPLIED,
                reports=len(reports),
                unknown=sorted(applied.unknown) or null(),
            )
        )
    return applied


def _attempts(connection: Connection, account: str, msgfids: Collection[str]) -> dict[str, Record]:
    a = attempts.c
    if not msgfids:
        return {}
    # One parameter however many there are: a body may hold a report from each of a hundred thousand sendings.
    asked = rows_of(connection, "asked", msgfid=(Text, sorted(msgfids)))
    columns = select(a.id, a.kind, a.state, a.campaign_id, a.batch_id, a.msgfid)
    found = connection.execute(columns.where(a.account == account, a.msgfid == asked.c.msgfid))
    return {row.msgfid: row for row in found}


def _of_kind(known: Mapping[str, Record], kind: AttemptKind) -> dict[str, Record]:
    return {msgfid: row for msgfid, row in known.items() if row.kind == kind}


def _may_belong_to_an_unsettled_attempt(connection: Connection, poll: Record) -> bool:
    a = attempts.c
    begun = select(a.id).where(a.account == poll.account, _had_begun(poll.stored_at))
    either = [exists(begun.where(which)) for which in (doubts.may_have_sent(), decided.may_have_sent())]
    return bool(connection.execute(select(or_(*either))).scalar())


def _record(database: Database, poll_id: int, **values: Any) -> None:
    with database.transaction() as connection:
        connection.execute(update(report_polls).where(report_polls.c.id == poll_id).values(**values))
