"""A claim: a batch is taken, and the attempt written down with its lease, before the request is made.

What becomes of it then is the affair of `settling`.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from math import inf
from time import monotonic

from sqlalchemy import Connection, Float, Integer, Text, bindparam, insert, select, update

from campaigns import caps, openings, turns, unwanted, withdrawals
from campaigns.caps import Cap, CappedError
from campaigns.database import AnswerLost, Database, Record, later, now
from campaigns.language import N_
from campaigns.models import attempts, batches, campaigns
from campaigns.outages import insisting
from campaigns.payload import Payload
from campaigns.states import AttemptKind, AttemptState, BatchState, CampaignState
from campaigns.text import Alphabet
from campaigns.withdrawals import WithdrawnError

CLAIMED_FROM = {AttemptKind.SEND: BatchState.PENDING, AttemptKind.LOOKUP: BatchState.UNCHECKED}
"""The state of batches that wait to be sent, or to be looked up."""

REWRITTEN_AT_ONCE = 20
"""So many batches may lose somebody in one claim: a large campaign whose everyone has to leave must not hold a lane."""

_CLAIMED_TO = {AttemptKind.SEND: BatchState.SENDING, AttemptKind.LOOKUP: BatchState.CHECKING}
_KIND_OF = {CampaignState.SENDING: AttemptKind.SEND, CampaignState.CLEANING: AttemptKind.LOOKUP}

# Put together once: that is dearer than to have them answered, and each is asked for each batch.
_CLAIMABLE = select(
    campaigns.c.id,
    campaigns.c.account,
    campaigns.c.state,
    campaigns.c.rate,
    campaigns.c.windowed,
    campaigns.c.spec,
    campaigns.c.wire_text,
    campaigns.c.batches,
    campaigns.c.opt_outs_seen,
).where(campaigns.c.id == bindparam("wanted"), campaigns.c.paused_at.is_(None), campaigns.c.state.in_(list(_KIND_OF)))
_SHARED = _CLAIMABLE.where(campaigns.c.rate.is_(None)).with_for_update(read=True)
_ALONE = _CLAIMABLE.where(campaigns.c.rate.is_not(None)).with_for_update(key_share=True)
_NEXT_BATCH = (
    select(
        batches.c.id,
        batches.c.campaign_id,
        batches.c.number,
        batches.c.size,
        batches.c.alphabet,
        batches.c.merged,
        batches.c.zone,
        batches.c.credits,
        batches.c.lookup_credits,
        batches.c.payload,
        batches.c.counted_on,
        # In the last statement that is asked before the attempt is written: it waits for nobody, so nothing is older.
        unwanted.changes(bindparam("of_account", type_=Text)).label("opt_outs"),
    )
    .where(batches.c.campaign_id == bindparam("wanted"), batches.c.state == bindparam("its_state"))
    .order_by(batches.c.number)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_NEXT_IN_ITS_WINDOW = _NEXT_BATCH.where(batches.c.zone == openings.one_zone(bindparam("wanted", type_=Integer)))
_ATTEMPT = (
    insert(attempts)
    .values(state=AttemptState.OPEN, started_at=now(), leased_until=later(bindparam("lease_seconds", type_=Float)))
    .returning(attempts.c.id)
)
_TAKEN = (
    update(batches)
    .where(batches.c.id == bindparam("taken"))
    .values(state=bindparam("new_state"), attempt_id=bindparam("its_attempt"))
)
_TAKEN_AND_COUNTED = _TAKEN.values(counted_on=bindparam("today"))
_HELD = select(attempts.c.id).where(
    attempts.c.id == bindparam("wanted"),
    attempts.c.state == AttemptState.OPEN,
    attempts.c.leased_until > later(bindparam("seconds", type_=Float)),
)


@dataclass(frozen=True, repr=False)
class Claim:
    """A batch that is ours to send (or to look up), until its lease ends."""

    attempt_id: int
    kind: AttemptKind
    msgid: str
    account: str
    campaign_id: int
    batch_id: int
    number: int
    payload: Payload
    alphabet: Alphabet
    merged: bool
    wire_text: str
    sender: str | None
    flash: bool
    counted_on: date | None = None  # the day on which this claim has counted its messages, where there is a cap
    zone: str | None = None  # of one that is to be sent in a window: by whose clocks it goes
    begun: float = field(default_factory=monotonic, compare=False)  # by this process's clock
    is_last: bool = False  # none of a higher number was made: the campaign has probably nothing more to claim

    def __repr__(self) -> str:
        return f"Claim(attempt {self.attempt_id}: {self.kind} of campaign {self.campaign_id}, batch {self.number})"


class DamagedBatchError(Exception):
    """What is stored of a batch cannot be read: no attempt was made of it, and none can be."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            N_("batch {number} is damaged in the database ({why}): restore it, or cancel the campaign").format(
                number=number, why=why
            )
        )


def claim(database: Database, campaign_id: int, *, lease_seconds: float, cap: Cap | None = None) -> Claim | None:
    """Take the campaign's next batch, and write down the attempt that is about to be made.

    Args:
        database: where.
        campaign_id: whose batch.
        lease_seconds: how long the request may take.
        cap: of the campaign's account: who is at it leaves the batch first.

    Returns:
        None if there is nothing to take: paused, cancelled, out of turn, outside its window, or all taken by others; or
        where so many batches lost somebody, one after the other, that others have their turn first.

    Raises:
        DamagedBatchError: the next batch cannot be read; it stays where it is.
        OptOutKeyError: it cannot be told who in it has opted out; it stays where it is.
    """
    for _ in range(REWRITTEN_AT_ONCE):
        try:
            return _claim(database, campaign_id, lease_seconds, cap)
        except WithdrawnError as found:
            withdrawals.leave_out(database, found.batch_id)
        except CappedError as found:
            caps.leave_out(database, found.batch_id, found.cap)
    return None


def _claim(database: Database, campaign_id: int, lease_seconds: float, cap: Cap | None) -> Claim | None:
    taken = None
    try:
        with database.transaction() as connection:
            taken = _take(connection, campaign_id, lease_seconds, cap)
    except AnswerLost:
        # Left to its lease it would fall in doubt, though nothing was sent.
        if taken is None or not _is_kept(database, taken):
            raise
    return taken


def _take(connection: Connection, campaign_id: int, lease_seconds: float, cap: Cap | None) -> Claim | None:
    campaign = _lock_claimable(connection, campaign_id)
    if campaign is None:
        return None
    kind = _KIND_OF[CampaignState(campaign.state)]
    batch = _next_batch(connection, campaign, kind)
    if batch is None or (kind == AttemptKind.SEND and not _may_leave(connection, campaign, batch)):
        return None
    today = _counted(connection, cap, campaign, batch) if cap and kind == AttemptKind.SEND else None
    msgid = secrets.token_hex(12)
    attempt_id = _write_attempt(connection, campaign.account, kind, batch, msgid, lease_seconds)
    taken = {"taken": batch.id, "new_state": _CLAIMED_TO[kind], "its_attempt": attempt_id}
    connection.execute(*(_TAKEN_AND_COUNTED, {**taken, "today": today}) if today else (_TAKEN, taken))
    # Before the commit: what cannot be read would leave an attempt that falls in doubt, though nothing was sent.
    with _readable(batch):
        return _claim_of(campaign, batch, kind, msgid, attempt_id, today)


def _may_leave(connection: Connection, campaign: Record, batch: Record) -> bool:
    """Whether its rate lets it; raises WithdrawnError if somebody in it has opted out since it was made."""
    if batch.opt_outs != campaign.opt_outs_seen:
        with _readable(batch):
            payload = Payload.unpack(batch.payload)
        withdrawals.check(connection, campaign.account, batch.id, payload)
    return turns.pass_gate(connection, campaign, batch.size)


def _counted(connection: Connection, cap: Cap, campaign: Record, batch: Record) -> date | None:
    """The day on which its messages count by this claim; None if they do not, or do so already.

    Raises CappedError if somebody in it has had his messages of the day.
    """
    today = cap.today(connection)
    if campaign.spec.get("uncapped") or batch.counted_on == today:
        return None
    with _readable(batch):
        payload = Payload.unpack(batch.payload)
    caps.count(connection, cap, campaign.account, batch.id, payload.numbers, today)
    return today


@contextmanager
def _readable(batch: Record) -> Iterator[None]:
    """Whatever cannot be read meanwhile of a batch raises DamagedBatchError."""
    try:
        yield
    except (zlib.error, ValueError, TypeError, LookupError) as error:
        raise DamagedBatchError(batch.number, type(error).__name__) from None


@insisting
def _is_kept(database: Database, taken: Claim) -> bool:
    """Whether a claim is in the database whose commit was not answered."""
    a = attempts.c
    with database.transaction() as connection:
        # A commit that is still on its way holds the batch: it is waited for, or it would come after this look.
        connection.execute(select(batches.c.id).where(batches.c.id == taken.batch_id).with_for_update())
        kept = select(a.id).where(a.id == taken.attempt_id, a.msgid == taken.msgid)
        return connection.execute(kept).first() is not None


def _claim_of(
    campaign: Record, batch: Record, kind: AttemptKind, msgid: str, attempt_id: int, counted_on: date | None
) -> Claim:
    return Claim(
        attempt_id=attempt_id,
        kind=kind,
        msgid=msgid,
        account=campaign.account,
        campaign_id=campaign.id,
        batch_id=batch.id,
        number=batch.number,
        payload=Payload.unpack(batch.payload),
        alphabet=Alphabet(batch.alphabet),
        merged=batch.merged,
        wire_text=campaign.wire_text,
        sender=campaign.spec["sender"],
        flash=campaign.spec["flash"],
        counted_on=counted_on,
        zone=batch.zone if kind == AttemptKind.SEND else None,
        is_last=batch.number == campaign.batches,
    )


def _lock_claimable(connection: Connection, campaign_id: int) -> Record | None:
    """The campaign if it may be claimed from; shared, so that lanes do not queue behind its row.

    A rated one updates that row: two lanes that shared it first would wait for each other for ever.
    """
    which = {"wanted": campaign_id}
    return connection.execute(_SHARED, which).first() or connection.execute(_ALONE, which).first()


def _next_batch(connection: Connection, campaign: Record, kind: AttemptKind) -> Record | None:
    which = {"wanted": campaign.id, "its_state": CLAIMED_FROM[kind], "of_account": campaign.account}
    within = campaign.windowed and kind == AttemptKind.SEND  # whoever is looked up is not disturbed
    return connection.execute(_NEXT_IN_ITS_WINDOW if within else _NEXT_BATCH, which).first()


def _write_attempt(
    connection: Connection, account: str, kind: AttemptKind, batch: Record, msgid: str, lease_seconds: float
) -> int:
    attempt = {
        "account": account,
        "kind": kind,
        "campaign_id": batch.campaign_id,
        "batch_id": batch.id,
        "size": batch.size,
        "msgid": msgid,
        "estimated": batch.credits if kind == AttemptKind.SEND else batch.lookup_credits,
        "lease_seconds": lease_seconds,
    }
    attempt_id: int = connection.execute(_ATTEMPT, attempt).scalar_one()
    return attempt_id


@insisting
def holds_lease(database: Database, claim: Claim, *, seconds: float) -> bool:
    """Whether the attempt is still ours for so many seconds: to be asked just before connecting.

    A process that was stopped in between would otherwise send what somebody else has meanwhile settled. Of a database
    that is away it is asked until it is back: who went away instead would leave a doubt where nothing was sent.
    """
    with database.reading() as connection:
        held = connection.execute(_HELD, {"wanted": claim.attempt_id, "seconds": seconds}).first()
        return held is not None


def seconds_left(database: Database, claim: Claim) -> float:
    """How long it may still be sent, by its campaign's window; to be asked just before connecting, as the lease is."""
    if claim.zone is None:
        return inf
    return openings.seconds_left(database, claim.campaign_id, claim.zone)
