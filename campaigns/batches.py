"""The only code that moves a batch: claim it, then settle it by what is known of its request.

A claim writes the attempt down before the request is made, with a lease; whoever comes back must still be the batch's
attempt, or it changes nothing of the batch. Each function is one commit, and none waits for the network; what settles a
batch waits for a database that is away, because what it knows would be lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    insert,
    select,
    update,
)

from campaigns import turns
from campaigns.database import Database, Record, later, now, rows_of, upsert
from campaigns.models import attempts, batches, campaigns, lookups, messages
from campaigns.outages import insisting
from campaigns.payload import Payload, ReceiptLines
from campaigns.states import AttemptKind, AttemptState, BatchState, CampaignState, MessageStatus
from campaigns.text import Alphabet

_CLAIMED_FROM = {AttemptKind.SEND: BatchState.PENDING, AttemptKind.LOOKUP: BatchState.UNCHECKED}
_CLAIMED_TO = {AttemptKind.SEND: BatchState.SENDING, AttemptKind.LOOKUP: BatchState.CHECKING}
_KIND_OF = {CampaignState.SENDING: AttemptKind.SEND, CampaignState.CLEANING: AttemptKind.LOOKUP}


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

    def __repr__(self) -> str:
        return f"Claim(attempt {self.attempt_id}: {self.kind} of campaign {self.campaign_id}, batch {self.number})"


@dataclass(frozen=True, repr=False)
class Acceptance:
    """What an accepting reply says, in our words.

    Attributes:
        msgfid: the gateway's id of the sending.
        credits: what it took.
        balance: what is left, if it said so.
        lines: ids and credits of the messages, in the payload's order.
        left_out: numbers that the reply does not name.
        consistent: whether the reply agrees with itself; if not, what it leaves out is in doubt, not refused.
    """

    msgfid: str
    credits: Decimal
    balance: Decimal | None
    lines: ReceiptLines
    left_out: Sequence[int] = ()
    consistent: bool = True


def claim(database: Database, campaign_id: int, *, lease_seconds: float) -> Claim | None:
    """Take the campaign's next batch, and write down the attempt that is about to be made.

    Returns:
        None if there is nothing to take: paused, cancelled, out of turn, or all taken by others.
    """
    with database.transaction() as connection:
        campaign = _lock_claimable(connection, campaign_id)
        if campaign is None:
            return None
        kind = _KIND_OF[CampaignState(campaign.state)]
        batch = _next_batch(connection, campaign_id, _CLAIMED_FROM[kind])
        if batch is None or (kind == AttemptKind.SEND and not turns.pass_gate(connection, campaign, batch.size)):
            return None
        msgid = secrets.token_hex(12)
        attempt_id = _write_attempt(connection, campaign.account, kind, batch, msgid, lease_seconds)
        connection.execute(
            update(batches).where(batches.c.id == batch.id).values(state=_CLAIMED_TO[kind], attempt_id=attempt_id)
        )
    return Claim(
        attempt_id=attempt_id,
        kind=kind,
        msgid=msgid,
        account=campaign.account,
        campaign_id=campaign_id,
        batch_id=batch.id,
        number=batch.number,
        payload=Payload.unpack(batch.payload),
        alphabet=Alphabet(batch.alphabet),
        merged=batch.merged,
        wire_text=campaign.wire_text,
        sender=campaign.spec["sender"],
        flash=campaign.spec["flash"],
    )


def _lock_claimable(connection: Connection, campaign_id: int) -> Record | None:
    """The campaign if it may be claimed from; shared, so that lanes do not queue behind its row.

    A rated one updates that row: two lanes that shared it first would wait for each other for ever.
    """
    c = campaigns.c
    claimable = select(campaigns).where(c.id == campaign_id, c.paused_at.is_(None), c.state.in_(list(_KIND_OF)))
    shared = claimable.where(c.rate.is_(None)).with_for_update(read=True)
    alone = claimable.where(c.rate.is_not(None)).with_for_update(key_share=True)
    return connection.execute(shared).first() or connection.execute(alone).first()


def _next_batch(connection: Connection, campaign_id: int, state: BatchState) -> Record | None:
    b = batches.c
    found = select(batches).where(b.campaign_id == campaign_id, b.state == state).order_by(b.number).limit(1)
    return connection.execute(found.with_for_update(skip_locked=True)).first()


def _write_attempt(
    connection: Connection, account: str, kind: AttemptKind, batch: Record, msgid: str, lease_seconds: float
) -> int:
    attempt = insert(attempts).values(
        account=account,
        kind=kind,
        campaign_id=batch.campaign_id,
        batch_id=batch.id,
        size=batch.size,
        msgid=msgid,
        state=AttemptState.OPEN,
        started_at=now(),
        leased_until=later(lease_seconds),
        estimated=batch.credits if kind == AttemptKind.SEND else batch.lookup_credits,
    )
    attempt_id: int = connection.execute(attempt.returning(attempts.c.id)).scalar_one()
    return attempt_id


def holds_lease(database: Database, claim: Claim, *, seconds: float) -> bool:
    """Whether the attempt is still ours for so many seconds: to be asked just before connecting.

    A process that was stopped in between would otherwise send what somebody else has meanwhile settled.
    """
    a = attempts.c
    held = select(a.id).where(a.id == claim.attempt_id, a.state == AttemptState.OPEN, a.leased_until > later(seconds))
    with database.reading() as connection:
        return connection.execute(held).first() is not None


@insisting
def accept(database: Database, claim: Claim, acceptance: Acceptance) -> None:
    """The gateway took it. Proof counts even when the lease had run out meanwhile, and the attempt was in doubt.

    If its reports have proven it before, the reply still says what they could not: credits, ids, and who was left out.
    """
    known: dict[str, Any] = {
        "msgfid": acceptance.msgfid,
        "receipt": acceptance.lines.pack(),
        "credits": acceptance.credits,
        "balance_after": acceptance.balance,
    }
    state = BatchState.ACCEPTED if claim.kind == AttemptKind.SEND else BatchState.CHECKING
    with database.transaction() as connection:
        its_own = _settle(connection, claim, AttemptState.ACCEPTED, state, **known)
        its_own = its_own or _complete(connection, claim, **known)
        if its_own and acceptance.left_out:
            _leave_out(connection, claim, acceptance)


def _complete(connection: Connection, claim: Claim, *, msgfid: str, **known: Any) -> bool:
    """Add to an adopted attempt what only its reply could say; returns whether the batch is still the attempt's."""
    a, b = attempts.c, batches.c
    adopted = a.state.in_([AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE]) & a.receipt.is_(None)
    completed = connection.execute(
        update(attempts).where(a.id == claim.attempt_id, adopted, a.msgfid == msgfid).values(detail=None, **known)
    ).rowcount
    its_own = select(b.id).where(b.id == claim.batch_id, b.attempt_id == claim.attempt_id)
    return bool(completed) and connection.execute(its_own).first() is not None


def _leave_out(connection: Connection, claim: Claim, acceptance: Acceptance) -> None:
    if claim.kind == AttemptKind.SEND:
        status = MessageStatus.REFUSED if acceptance.consistent else MessageStatus.IN_DOUBT
        _mark(connection, claim.campaign_id, acceptance.left_out, status)
    elif acceptance.consistent:
        dead = [{"batch_id": claim.batch_id, "msisdn": number, "reachable": False} for number in acceptance.left_out]
        connection.execute(upsert(connection, lookups).on_conflict_do_nothing(), dead)


@insisting
def refuse(database: Database, claim: Claim, code: int, detail: str) -> None:
    """The gateway refused it for good: nothing was sent, and sending it again would change nothing.

    A lookup that was refused leaves its numbers unknown.
    """
    state = BatchState.REFUSED if claim.kind == AttemptKind.SEND else BatchState.CHECKING
    with database.transaction() as connection:
        _settle(connection, claim, AttemptState.REFUSED, state, code=code, detail=detail)


@insisting
def release(database: Database, claim: Claim, detail: str, *, code: int | None = None) -> None:
    """Nothing was sent, and waiting or a person can help: back to be claimed, or voided if it is cancelled."""
    with database.transaction() as connection:
        state = connection.execute(
            select(campaigns.c.state).where(campaigns.c.id == claim.campaign_id).with_for_update(read=True)
        ).scalar_one()
        back = BatchState.VOIDED if state == CampaignState.CANCELLED else _CLAIMED_FROM[claim.kind]
        outcome = AttemptState.NOT_SENT if code is None else AttemptState.REFUSED
        _settle(connection, claim, outcome, back, code=code, detail=detail)


@insisting
def doubt(database: Database, claim: Claim, detail: str, *, msgfid: str | None = None) -> None:
    """The request left, and nobody knows what became of it. A lookup's batch goes on waiting for its answers.

    Args:
        database: where.
        claim: whose request.
        detail: why it is in doubt.
        msgfid: the gateway's id of the sending, if the unusable reply still showed it: its reports will be the proof.
    """
    state = BatchState.IN_DOUBT if claim.kind == AttemptKind.SEND else BatchState.CHECKING
    with database.transaction() as connection:
        _settle(connection, claim, AttemptState.IN_DOUBT, state, detail=detail, msgfid=msgfid)


def expire_leases(database: Database) -> list[int]:
    """Put in doubt every attempt whose worker did not come back in time; returns the campaigns concerned."""
    a, b = attempts.c, batches.c
    with database.transaction() as connection:
        expired = connection.execute(
            update(attempts)
            .where(a.state == AttemptState.OPEN, a.leased_until < now())
            .values(state=AttemptState.IN_DOUBT, settled_at=now(), detail="its worker died or hung: the lease ran out")
            .returning(a.id, a.campaign_id)
        ).all()
        if expired:
            connection.execute(
                update(batches)
                .where(b.attempt_id.in_([row.id for row in expired]), b.state == BatchState.SENDING)
                .values(state=BatchState.IN_DOUBT)
            )
    return sorted({row.campaign_id for row in expired})


def _settle(connection: Connection, claim: Claim, outcome: AttemptState, state: BatchState, **known: Any) -> bool:
    """Record the outcome; returns whether the batch was still the attempt's to move.

    A doubt may be settled by what its own worker learns late, but an outcome is never replaced by another.
    """
    a, b = attempts.c, batches.c
    unsettled = [AttemptState.OPEN, AttemptState.IN_DOUBT]
    recorded = connection.execute(
        update(attempts)
        .where(a.id == claim.attempt_id, a.state.in_(unsettled))
        .values(state=outcome, settled_at=now(), **known)
    ).rowcount
    if not recorded:
        return False
    held = [BatchState.SENDING, BatchState.IN_DOUBT, BatchState.CHECKING]
    moved = connection.execute(
        update(batches)
        .where(b.id == claim.batch_id, b.attempt_id == claim.attempt_id, b.state.in_(held))
        .values(state=state)
    ).rowcount
    if not moved and outcome == AttemptState.ACCEPTED and claim.kind == AttemptKind.SEND:
        connection.execute(update(attempts).where(a.id == claim.attempt_id).values(state=AttemptState.ACCEPTED_LATE))
    return bool(moved)


def _mark(connection: Connection, campaign_id: int, numbers: Sequence[int], status: MessageStatus) -> None:
    named = rows_of(connection, "named", msisdn=(BigInteger, list(numbers)))
    m = messages.c
    connection.execute(
        update(messages)
        .where(m.campaign_id == campaign_id, m.msisdn == named.c.msisdn, m.status == MessageStatus.AS_BATCH)
        .values(status=status, updated_at=now())
    )
