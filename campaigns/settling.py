"""A claim is settled: what its worker knows of the request is recorded, and its batch moves on by that (`batches`).

Each is one commit, which waits for no network, but for a database that is away: what the worker knows would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from logging import INFO, WARNING
from time import monotonic
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from campaigns import batches, caps, corrections, events, lineage
from campaigns.claims import CLAIMED_FROM, Claim
from campaigns.database import Database, now, upsert
from campaigns.models import attempts, campaigns, lookups, messages
from campaigns.models import batches as batches_table
from campaigns.named import by_key
from campaigns.outages import insisting
from campaigns.payload import ReceiptLines
from campaigns.states import NOTHING_SENT, AttemptKind, AttemptState, BatchState, CampaignState, MessageStatus


@dataclass(frozen=True, repr=False)
class Acceptance:
    """What an accepting reply says, in our words.

    Attributes:
        msgfid: the gateway's id of the sending.
        credits: what it took.
        lines: ids and credits of the messages, in the payload's order.
        left_out: numbers that the reply does not name.
        consistent: whether the reply agrees with itself; if not, what it leaves out is in doubt, not refused.
    """

    msgfid: str
    credits: Decimal
    lines: ReceiptLines
    left_out: Sequence[int] = ()
    consistent: bool = True


@insisting
def accept(database: Database, claim: Claim, acceptance: Acceptance) -> None:
    """The gateway took it. Proof counts even when the lease had run out meanwhile, and the attempt was in doubt.

    If its reports have proven it before, the reply still says what they could not: credits, ids, and who was left out.
    """
    known: dict[str, Any] = {
        "msgfid": acceptance.msgfid,
        "receipt": acceptance.lines.pack(),
        "credits": acceptance.credits,
    }
    with database.transaction() as connection:
        left_out = len(acceptance.left_out)
        its_own = settle(connection, claim, AttemptState.ACCEPTED, left_out=left_out, **known)
        its_own = its_own or _complete(connection, claim, **known)
        if its_own and acceptance.left_out:
            _leave_out(connection, claim, acceptance)


def _complete(connection: Connection, claim: Claim, *, msgfid: str, **known: Any) -> bool:
    """Add to an adopted attempt what only its reply could say; returns whether the batch is still the attempt's."""
    a, b = attempts.c, batches_table.c
    accepted = a.state.in_([AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE])
    adopted = and_(a.id == claim.attempt_id, accepted, a.receipt.is_(None), a.msgfid == msgfid)
    posted = select(a.account, a.settled_at.label("entered_at"), a.credits).where(adopted).with_for_update()
    before = connection.execute(posted).first()
    if before is None:
        return False
    connection.execute(update(attempts).where(a.id == claim.attempt_id).values(detail=None, **known))
    if before.credits != known["credits"]:
        corrections.restate(connection, before, posted=known["credits"] - before.credits)
    its_own = select(b.id).where(b.id == claim.batch_id, b.attempt_id == claim.attempt_id)
    return connection.execute(its_own).first() is not None


def _leave_out(connection: Connection, claim: Claim, acceptance: Acceptance) -> None:
    if claim.kind == AttemptKind.SEND:
        status = MessageStatus.REFUSED if acceptance.consistent else MessageStatus.IN_DOUBT
        _mark(connection, claim.campaign_id, acceptance.left_out, status)
        if acceptance.consistent and claim.counted_on is not None:
            caps.give_back(connection, claim.account, claim.counted_on, acceptance.left_out)
    elif acceptance.consistent:
        dead = [{"batch_id": claim.batch_id, "msisdn": number, "reachable": False} for number in acceptance.left_out]
        connection.execute(upsert(connection, lookups).on_conflict_do_nothing(), dead)


def _mark(connection: Connection, campaign_id: int, numbers: Sequence[int], status: MessageStatus) -> None:
    _, is_named = by_key(connection, [campaign_id] * len(numbers), sorted(numbers))
    its_own = update(messages).where(is_named, messages.c.status == MessageStatus.AS_BATCH)
    connection.execute(its_own.values(status=status, updated_at=now()))


@insisting
def refuse(database: Database, claim: Claim, code: int | None, detail: str) -> None:
    """The gateway refused it for good: nothing was sent, and sending it again would change nothing.

    A lookup that was refused leaves its numbers unknown.
    """
    with database.transaction() as connection:
        settle(connection, claim, AttemptState.REFUSED, code=code, detail=detail)


@insisting
def release(database: Database, claim: Claim, detail: str, *, code: int | None = None) -> None:
    """Nothing was sent, and waiting or a person can help: back to be claimed, or voided if it is cancelled."""
    with database.transaction() as connection:
        state = connection.execute(
            select(campaigns.c.state).where(campaigns.c.id == claim.campaign_id).with_for_update(read=True)
        ).scalar_one()
        back = BatchState.VOIDED if state == CampaignState.CANCELLED else CLAIMED_FROM[claim.kind]
        outcome = AttemptState.NOT_SENT if code is None else AttemptState.REFUSED
        settle(connection, claim, outcome, back=back, code=code, detail=detail)


@insisting
def doubt(database: Database, claim: Claim, detail: str, *, msgfid: str | None = None) -> None:
    """The request left, and nobody knows what became of it. A lookup's batch goes on waiting for its answers.

    Args:
        database: where.
        claim: whose request.
        detail: why it is in doubt.
        msgfid: the gateway's id of the sending, if the unusable reply still showed it: its reports will be the proof.
    """
    with database.transaction() as connection:
        settle(connection, claim, AttemptState.IN_DOUBT, detail=detail, msgfid=msgfid)


def settle(connection: Connection, claim: Claim, outcome: AttemptState, *, left_out: int = 0, **known: Any) -> bool:
    """Settle a claim's attempt as `batches.settle` does; where nothing was sent, its messages count no more.

    `left_out` is how many of its numbers an accepting reply does not name.
    """
    if "back" in known and _may_have_left_before(connection, claim):
        return False
    its_own = batches.settle(connection, claim.attempt_id, claim.batch_id, claim.kind, outcome, **known)
    if its_own and outcome in NOTHING_SENT and claim.counted_on is not None:
        batches.uncount(connection, claim.batch_id)
        caps.give_back(connection, claim.account, claim.counted_on, claim.payload.numbers)
    _tell(claim, outcome, left_out, known)
    return its_own


def _may_have_left_before(connection: Connection, claim: Claim) -> bool:
    """Whether it is in doubt by a restored backup: that this request was not made says nothing of those that the backup
    knows nothing of.

    Whoever sees to the backup locks the campaign, as do those that give a batch back.
    """
    a = attempts.c
    of_a_backup = or_(lineage.is_set_back(), lineage.is_of_before(a.settled_at))
    doubt = select(a.id).where(a.id == claim.attempt_id, a.kind == AttemptKind.SEND, a.state == AttemptState.IN_DOUBT)
    return connection.execute(doubt.where(of_a_backup)).first() is not None


def _tell(claim: Claim, outcome: AttemptState, left_out: int, known: Mapping[str, Any]) -> None:
    """One line a request, with what its worker knows of it."""
    size, accepted = len(claim.payload), outcome == AttemptState.ACCEPTED
    events.tell(
        events.SENT if claim.kind == AttemptKind.SEND else events.LOOKED_UP,
        level=WARNING if outcome == AttemptState.IN_DOUBT else INFO,
        campaign=claim.campaign_id,
        batch=claim.number,
        attempt=claim.attempt_id,
        account=claim.account,
        outcome=outcome.value,
        code=known.get("code"),
        size=size,
        accepted=size - left_out if accepted else 0,
        credits=known.get("credits"),
        # Of a refusal it is the gateway's words, which may quote anything.
        reason=None if outcome == AttemptState.REFUSED else known.get("detail"),
        seconds=monotonic() - claim.begun,
    )
