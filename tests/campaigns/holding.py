"""What must always hold, asked of the tables: U, C and B of the design, and that batches and attempts agree.

For tests that bring campaigns into states that nobody thought of. It reads a snapshot, so that others may be at work.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

import campaigns
from campaigns.database import Database
from campaigns.models import attempts, batches, messages, refunds
from campaigns.models import campaigns as campaigns_table
from campaigns.payload import Payload
from campaigns.states import ENDED, UNSENT, AttemptKind, AttemptState, BatchState, CampaignState, MessageStatus

MAY_HAVE_BEEN_ACCEPTED = frozenset({AttemptState.OPEN, AttemptState.IN_DOUBT, AttemptState.ACCEPTED})
TAKEN = frozenset({AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE})
GIVEN_FREE = frozenset({AttemptState.RESENT, AttemptState.ACCEPTED_LATE})

ATTEMPT_OF = {
    BatchState.SENDING: AttemptState.OPEN,
    BatchState.ACCEPTED: AttemptState.ACCEPTED,
    BatchState.REFUSED: AttemptState.REFUSED,
    BatchState.IN_DOUBT: AttemptState.IN_DOUBT,
}
"""The state of a batch, and that of the request that brought it there."""


def everything(database: Database, account: str) -> None:
    """All that must hold of an account, and of its campaigns."""
    with database.snapshot() as connection:
        c, b, a = campaigns_table.c, batches.c, attempts.c
        some = connection.execute(select(c.id, c.state, c.completed_at).where(c.account == account)).all()
        ids = [campaign.id for campaign in some]
        of_batches = connection.execute(select(batches).where(b.campaign_id.in_(ids))).all()
        of_attempts = connection.execute(select(attempts).where(a.campaign_id.in_(ids))).all()
        _batches_agree(of_batches, of_attempts)
        _nobody_twice(of_batches, of_attempts)
        _refunds_are_right(connection, ids)
        _ended_campaigns_are_over(connection, some, of_batches)
    for campaign_id in ids:
        account_of_it = campaigns.progress(campaign_id, database=database)
        assert account_of_it.adds_up, "C: rows read are not what is excluded and what is a message"


def _batches_agree(of_batches: Sequence[Any], of_attempts: Sequence[Any]) -> None:
    state_of = {attempt.id: attempt.state for attempt in of_attempts}
    for batch in of_batches:
        if batch.state in ATTEMPT_OF:
            assert state_of[batch.attempt_id] == ATTEMPT_OF[BatchState(batch.state)], "a batch is not as its request"


def _nobody_twice(of_batches: Sequence[Any], of_attempts: Sequence[Any]) -> None:
    """U: none may be claimed that may have been accepted, and who was accepted twice was given free in between."""
    live = {(attempt.batch_id, attempt.kind) for attempt in of_attempts if attempt.state in MAY_HAVE_BEEN_ACCEPTED}
    for batch in of_batches:
        if batch.state in (BatchState.PENDING, BatchState.VOIDED):
            assert (batch.id, AttemptKind.SEND) not in live, "U: what may have been accepted can be sent again"
        if batch.state == BatchState.UNCHECKED:
            assert (batch.id, AttemptKind.LOOKUP) not in live, "U: what may have been looked up can be again"
    payload_of = {batch.id: Payload.unpack(batch.payload) for batch in of_batches}
    taken: Counter[tuple[int, int]] = Counter()
    for attempt in of_attempts:
        if attempt.kind == AttemptKind.SEND and attempt.state in (MAY_HAVE_BEEN_ACCEPTED - GIVEN_FREE):
            taken.update((attempt.campaign_id, number) for number in payload_of[attempt.batch_id].numbers)
    assert all(count == 1 for count in taken.values()), "U: a number is in two requests that may have been accepted"


def _refunds_are_right(connection: Connection, ids: Sequence[int]) -> None:
    """B: nobody gets back more than was taken, nor anything for what was delivered."""
    a, r, m = attempts.c, refunds.c, messages.c
    sums = select(func.sum(r.credits), a.credits).where(r.attempt_id == a.id, r.campaign_id.in_(ids)).group_by(a.id)
    for refunded, taken in connection.execute(sums):
        assert refunded <= taken, "B: more came back than was taken"
    wrong = select(r.msisdn).where(
        r.campaign_id.in_(ids),
        r.attempt_id == a.id,
        a.kind == AttemptKind.SEND,
        a.state == AttemptState.ACCEPTED,
        m.campaign_id == r.campaign_id,
        m.msisdn == r.msisdn,
        m.status == MessageStatus.DELIVERED,
    )
    assert connection.execute(wrong).first() is None, "B: credits came back for a message that was delivered"


def _ended_campaigns_are_over(connection: Connection, some: Sequence[Any], of_batches: Sequence[Any]) -> None:
    """C: nothing is pending or in doubt in what is completed."""
    m, b = messages.c, batches.c
    open_states = {*UNSENT, BatchState.SENDING, BatchState.IN_DOUBT}
    for campaign in some:
        assert (campaign.completed_at is None) or campaign.state in ENDED
        if campaign.completed_at is None or campaign.state == CampaignState.FAILED:
            continue
        left = {batch.state for batch in of_batches if batch.campaign_id == campaign.id} & open_states
        assert not left, "C: a campaign has ended with something pending or in doubt"
        unsettled = select(m.msisdn).where(
            m.campaign_id == campaign.id,
            m.status < MessageStatus.REFUSED,
            b.id == m.batch_id,
            b.state == BatchState.ACCEPTED,
        )
        assert connection.execute(unsettled).first() is None, "C: a campaign has ended with a message in flight"


def spent(database: Database, account: str) -> Decimal:
    """What our ledger says that the gateway took, less what came back."""
    a, r = attempts.c, refunds.c
    with database.snapshot() as connection:
        taken = connection.execute(select(func.sum(a.credits)).where(a.account == account)).scalar()
        its_refunds = select(func.sum(r.credits)).where(r.attempt_id == a.id, a.account == account)
        return (taken or Decimal(0)) - (connection.execute(its_refunds).scalar() or Decimal(0))


def promised(database: Database, account: str) -> Decimal:
    """What is held for what has not left, in funded campaigns, and what may have been taken for what nobody knows."""
    c, b, a = campaigns_table.c, batches.c, attempts.c
    funded = [CampaignState.SENDING, CampaignState.CLEANING]
    with database.snapshot() as connection:
        held = select(func.sum(b.credits)).where(
            c.account == account, c.state.in_(funded), b.campaign_id == c.id, b.state.in_(UNSENT)
        )
        unknown = select(func.sum(a.estimated)).where(
            a.account == account, a.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT])
        )
        return Decimal(connection.execute(held).scalar() or 0) + Decimal(connection.execute(unknown).scalar() or 0)
