"""Delivery reports: matched to what was sent, and applied.

Their bytes are in the `journal` before. Applying is idempotent: a body may be applied again after a crash, and by two
at once. What is not matched yet stays parked: reports often precede the reply that they belong to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    Connection,
    Text,
    and_,
    case,
    exists,
    or_,
    select,
    update,
)

from campaigns import accounts, decided, doubts, lookups, statuses, unapplied
from campaigns.database import Database, Record, rows_of
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, campaigns, report_polls
from campaigns.states import AttemptKind, AttemptState, MessageStatus, PollState

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
        its = select(p.account, p.state, p.stored_at, p.unknown).where(p.id == poll_id)
        poll = connection.execute(its.with_for_update()).one()
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
                unknown=sorted(applied.unknown) or None,
                tries=0,
            )
        )
    return applied


def _attempts(connection: Connection, account: str, msgfids: Collection[str]) -> dict[str, Record]:
    a = attempts.c
    if not msgfids:
        return {}
    # One parameter however many there are: a body may hold a report from each of a hundred thousand sendings.
    asked = rows_of(connection, "asked", msgfid=(Text, sorted(msgfids)))
    # Of a lookup alone: the numbers of texts are looked for among the messages before anything is kept of them.
    purged = select(campaigns.c.purged).where(campaigns.c.id == a.campaign_id).scalar_subquery()
    of_lookup = case((a.kind == AttemptKind.LOOKUP, purged)).label("purged")
    columns = select(a.id, a.kind, a.state, a.campaign_id, a.batch_id, a.msgfid, of_lookup)
    found = connection.execute(columns.where(a.account == account, a.msgfid == asked.c.msgfid))
    return {row.msgfid: row for row in found}


def _of_kind(known: Mapping[str, Record], kind: AttemptKind) -> dict[str, Record]:
    return {msgfid: row for msgfid, row in known.items() if row.kind == kind}


def _may_belong_to_an_unsettled_attempt(connection: Connection, poll: Record) -> bool:
    a = attempts.c
    begun = select(a.id).where(a.account == poll.account, unapplied.had_begun(poll.stored_at))
    either = [exists(begun.where(which)) for which in (doubts.may_have_sent(), decided.may_have_sent())]
    return bool(connection.execute(select(or_(*either))).scalar())
