"""Batches in doubt, settled by evidence: delivery reports under a sending's id that no attempt has.

Safe only if all hold: exactly one candidate among the attempts that are in doubt, still being made or were decided upon
of late; it began before the reports came; it is not merely late; and enough of its numbers are seen. The gateway's own
count is a second witness (`witness`): it may veto, and where it says that the request was paid for, one report is
enough. Anything less asks a person (`resolving`). Of what was decided upon, evidence is recorded all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, and_, exists, func, literal, or_, select, update

from campaigns import batches, decided, events, journal
from campaigns.database import Database, Record, among, is_over, now, rows_of
from campaigns.language import N_
from campaigns.models import attempts
from campaigns.models import batches as batches_table
from campaigns.payload import Payload
from campaigns.states import AttemptKind, AttemptState, BatchState
from campaigns.witness import Verdict, witness

RESTORED = "restored-"
"""How the msgid begins of a request that nobody here has made, and may have been, after a backup that was restored."""

LEAST_SEEN = 3
LEAST_SHARE = 10


@dataclass(frozen=True, repr=False)
class Evidence:
    """Reports under one msgfid that no attempt has.

    Attributes:
        msgfid: the gateway's id of the sending.
        numbers: MSISDNs reported under it so far.
        seen_at: when any report under it first came, be it long ago.
        asked_for: the id that the gateway was asked for, if reports under this msgfid were its whole answer.
    """

    msgfid: str
    numbers: frozenset[int]
    seen_at: datetime
    asked_for: str | None = None


def settle(database: Database, account: str, evidence: Sequence[Evidence], *, exclusive: bool) -> list[int]:
    """Adopt what the evidence proves.

    Args:
        database: where.
        account: whose attempts.
        evidence: one for each unknown msgfid.
        exclusive: nobody else sends through this account, so that a single report may prove a batch.

    Returns:
        The campaigns whose batches were adopted.
    """
    if not evidence:
        return []
    with database.transaction() as connection:
        unsettled = _unsettled(connection, account)
        # After these: whose reply came before is known by its msgfid by now, and whose comes later is among them.
        known = _known(connection, account, [found.msgfid for found in evidence])
        verdict_of = _Verdicts(connection, account)
        adopted = []
        for found in sorted(evidence, key=lambda each: -len(each.numbers)):
            if found.msgfid in known:
                continue
            attempt = proves(found, unsettled, exclusive=exclusive, verdict_of=verdict_of)
            if attempt is None:
                continue
            adopt(connection, attempt.row, found.msgfid)
            journal.reopen(connection, account, found.msgfid)
            unsettled.remove(attempt)
            adopted.append(attempt.row.campaign_id)
    return adopted


@dataclass(frozen=True, eq=False)
class Unsettled:
    """An attempt that may be the one which the evidence is about, with the numbers of its batch."""

    row: Record
    numbers: frozenset[int]


VerdictOf = Callable[[Unsettled], Verdict | None]
"""What the gateway's own count says of an attempt; dear, and asked only where it makes a difference."""


def _no_verdict(_attempt: Unsettled) -> Verdict | None:
    return None


def proves(
    evidence: Evidence, unsettled: Sequence[Unsettled], *, exclusive: bool, verdict_of: VerdictOf = _no_verdict
) -> Unsettled | None:
    """The attempt that the evidence proves to have been accepted, if there is exactly one."""
    possible = [each for each in unsettled if _may_be(evidence, each)]
    if len(possible) != 1:
        return None
    attempt = possible[0]
    if attempt.row.state == AttemptState.OPEN or not evidence.numbers:
        return None
    enough = len(evidence.numbers) >= _enough(evidence, attempt, exclusive=exclusive)
    # The second witness never speaks for a batch that is too small to tell by its numbers.
    if not enough and len(attempt.numbers) < LEAST_SEEN:
        return None
    verdict = verdict_of(attempt)
    if verdict == Verdict.NOT_TAKEN:
        return None
    # What was sent after a backup, and is not in it, is in the gateway's count as another program's requests are.
    paid_for = verdict == Verdict.TAKEN and not _is_of_a_backup(attempt)
    return attempt if enough or paid_for else None


def _is_of_a_backup(attempt: Unsettled) -> bool:
    return bool(attempt.row.msgid.startswith(RESTORED))


def _enough(evidence: Evidence, attempt: Unsettled, *, exclusive: bool) -> int:
    """Of how many numbers there must be reports."""
    alone = exclusive and not _is_of_a_backup(attempt)  # what was submitted after a backup is as of another program
    enough = 1 if alone else max(LEAST_SEEN, -(-len(attempt.numbers) // LEAST_SHARE))
    if evidence.asked_for == attempt.row.msgid:
        # No less than usual, only fewer than three where there are no three: the gateway may ignore what it is asked
        # for, and then a report on one of many may be another program's.
        enough = min(enough, len(attempt.numbers))
    return enough


@dataclass
class _Verdicts:
    """The gateway's count, asked once for each attempt."""

    connection: Connection
    account: str
    known: dict[int, Verdict | None] = field(default_factory=dict)

    def __call__(self, attempt: Unsettled) -> Verdict | None:
        if attempt.row.id not in self.known:
            told = witness(self.connection, self.account, [attempt.row.id]).get(attempt.row.id)
            self.known[attempt.row.id] = None if told is None else told.verdict
        return self.known[attempt.row.id]


def is_unsettled() -> ColumnElement[bool]:
    """Of an attempt: it is being made, or is in doubt and what became of it still matters.

    A lookup in doubt matters no more when its batch has gone on without it: nobody will ever settle it.
    """
    return or_(attempts.c.state == AttemptState.OPEN, is_in_doubt())


def may_have_sent() -> ColumnElement[bool]:
    """Of an attempt: reports that nobody knows may be about it.

    A lookup in doubt, too, whose batch has gone on without it: its late reports prove what it cost, and must not be
    taken for those of the batch's own sending. But none whose broken reply had shown its id: reports under another id
    are not about it.
    """
    return attempts.c.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT]) & attempts.c.msgfid.is_(None)


def is_in_doubt() -> ColumnElement[bool]:
    """Of an attempt: it is in doubt, and what became of it still matters."""
    a, b = attempts.c, batches_table.c
    waits_for_it = exists(literal(1)).where(b.id == a.batch_id, b.attempt_id == a.id, b.state == BatchState.CHECKING)
    # By its state alone first: that is what the index of unsettled attempts knows.
    return and_(a.state == AttemptState.IN_DOUBT, or_(a.kind == AttemptKind.SEND, waits_for_it.correlate(attempts)))


def _may_be(evidence: Evidence, attempt: Unsettled) -> bool:
    return attempt.row.started_at < evidence.seen_at and evidence.numbers <= attempt.numbers


def _unsettled(connection: Connection, account: str) -> list[Unsettled]:
    """Not locked, for lanes settle meanwhile: what is adopted must still be in doubt (see `batches.settle`)."""
    a, b = attempts.c, batches_table.c
    columns = select(a.id, a.kind, a.msgid, a.state, a.started_at, a.campaign_id, a.batch_id, b.payload)
    found = columns.where(a.account == account, b.id == a.batch_id)
    # One after the other: together they would be found by no index.
    rows = [
        row for which in (may_have_sent(), decided.may_have_sent()) for row in connection.execute(found.where(which))
    ]
    return [Unsettled(row, frozenset(Payload.unpack(row.payload).numbers)) for row in rows]


def _known(connection: Connection, account: str, msgfids: Sequence[str]) -> set[str]:
    """Those of the msgfids that an attempt has by now."""
    a = attempts.c
    asked = rows_of(connection, "asked", msgfid=(Text, sorted(msgfids)))
    return set(connection.execute(select(a.msgfid).where(a.account == account, a.msgfid == asked.c.msgfid)).scalars())


def adopt(connection: Connection, attempt: Record, msgfid: str) -> None:
    """The gateway took this request, which was in doubt: its batch is accepted, at the price that we estimated.

    Args:
        connection: a transaction.
        attempt: with id, kind, campaign_id and batch_id.
        msgfid: the gateway's id of the sending.
    """
    estimated = connection.execute(select(attempts.c.estimated).where(attempts.c.id == attempt.id)).scalar_one()
    batches.settle(
        connection,
        attempt.id,
        attempt.batch_id,
        attempt.kind,
        AttemptState.ACCEPTED,
        msgfid=msgfid,
        credits=estimated,
        detail=N_("its reply was lost; its delivery reports prove that it was accepted"),
    )
    events.tell(events.PROVEN, campaign=attempt.campaign_id, attempt=attempt.id)


def in_doubt(database: Database, account: str) -> set[int]:
    """The account's attempts that evidence may settle, or may still tell of."""
    a = attempts.c
    mine = select(a.id).where(a.account == account)
    unsettled = mine.where(a.state == AttemptState.IN_DOUBT, may_have_sent())
    with database.reading() as connection:
        return set(connection.execute(unsettled.union_all(mine.where(decided.may_have_sent()))).scalars())


def numbers_of(database: Database, attempt_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """The MSISDNs in the batches of these attempts."""
    a, b = attempts.c, batches_table.c
    with database.reading() as connection:
        found = select(a.id, b.payload).where(among(connection, a.id, attempt_ids), b.id == a.batch_id)
        return {row.id: frozenset(Payload.unpack(row.payload).numbers) for row in connection.execute(found)}


def to_ask_for(database: Database, account: str, *, every: float, most: int) -> list[str]:
    """The ids by which to ask for reports of what is in doubt, or declared accepted; they count as asked from now on.

    Where a reply showed its msgfid before it broke off, that; else our own msgid, which the gateway may understand.
    """
    a = attempts.c
    unasked = or_(a.asked_at.is_(None), is_over(a.asked_at, every))
    can_be = or_(a.msgfid.is_not(None), ~a.msgid.startswith(RESTORED))  # under an id that the gateway may have seen
    mine = select(a.id).where(a.account == account, unasked, can_be)
    declared = mine.where(a.state == AttemptState.ACCEPTED, a.ended_at.is_(None), decided.may_have_sent())
    due = mine.where(is_in_doubt()).union_all(declared).order_by("id").limit(most)
    asked = update(attempts).where(a.id.in_(due)).values(asked_at=now())
    with database.transaction() as connection:
        return list(connection.execute(asked.returning(func.coalesce(a.msgfid, a.msgid))).scalars())
