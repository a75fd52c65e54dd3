"""With `claims`, the only code that moves a batch: it is settled by what is known of its request, or by a decision.

Whoever comes back with an outcome must still be the batch's attempt, or it changes nothing of the batch, but what it
knows is recorded (`decided`). What a worker comes back with is the affair of `settling`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Text, Update, and_, bindparam, cast, func, insert, literal, select, update

from campaigns import decided, events
from campaigns.database import Database, Moment, now
from campaigns.language import N_
from campaigns.models import attempts, batches, campaigns
from campaigns.payload import Payload
from campaigns.states import TO_LOOK_UP, UNSENT, AttemptKind, AttemptState, BatchState, Decision

_SETTLED_AS = {
    AttemptState.ACCEPTED: BatchState.ACCEPTED,
    AttemptState.REFUSED: BatchState.REFUSED,
    AttemptState.IN_DOUBT: BatchState.IN_DOUBT,
}

_DECIDED_AS = {
    Decision.ACCEPTED: (AttemptState.ACCEPTED, BatchState.ACCEPTED),
    Decision.RESEND: (AttemptState.RESENT, BatchState.PENDING),
    Decision.WRITE_OFF: (AttemptState.WRITTEN_OFF, BatchState.WRITTEN_OFF),
}


_LEASE_RAN_OUT = N_("its worker died or hung: the lease ran out")


def expire_leases(database: Database) -> list[int]:
    """Put in doubt every attempt whose worker did not come back in time; returns the campaigns concerned.

    Those that somebody has locked are being settled, or have their turn when their process is found dead: the sweep
    must not wait for it.
    """
    a, b = attempts.c, batches.c
    overdue = select(a.id).where(a.state == AttemptState.OPEN, a.leased_until < now())
    with database.transaction() as connection:
        expired = connection.execute(
            update(attempts)
            .where(a.id.in_(overdue.with_for_update(skip_locked=True)))
            .values(state=AttemptState.IN_DOUBT, settled_at=now(), detail=_LEASE_RAN_OUT)
            .returning(a.id, a.campaign_id)
        ).all()
        if expired:
            connection.execute(
                update(batches)
                .where(b.attempt_id.in_([row.id for row in expired]), b.state == BatchState.SENDING)
                .values(state=BatchState.IN_DOUBT)
            )
        for row in expired:
            events.tell(events.DOUBTED, campaign=row.campaign_id, attempt=row.id, reason=_LEASE_RAN_OUT)
    return sorted({row.campaign_id for row in expired})


def settle(
    connection: Connection,
    attempt_id: int,
    batch_id: int,
    kind: AttemptKind,
    outcome: AttemptState,
    *,
    back: BatchState | None = None,
    **known: Any,
) -> bool:
    """Record an attempt's outcome, and move its batch accordingly; a lookup's batch goes on waiting for answers.

    A doubt may be settled by what is learnt late, but an outcome is never replaced by another.

    Args:
        connection: a transaction.
        attempt_id: whose outcome it is.
        batch_id: what it was made for.
        kind: what it asked for.
        outcome: what is known of it.
        back: the state of the batch if nothing was sent.
        known: further columns of the attempt.

    Returns:
        Whether the batch was still the attempt's to move.
    """
    # The attempt before its batch, always: its worker and its reports may settle it at the same moment.
    values = {f"new_{name}": value for name, value in known.items()}
    settled = connection.execute(_settled(outcome, tuple(known)), {"its_id": attempt_id, **values})
    if not settled.rowcount:
        taken = partial(_take_back, connection, batch_id, attempt_id)
        return decided.learn(connection, attempt_id, outcome, take_back=taken, **known)
    after = back or (_SETTLED_AS[outcome] if kind == AttemptKind.SEND else BatchState.CHECKING)
    moved = connection.execute(_MOVED, {"its_id": batch_id, "its_attempt": attempt_id, "new_state": after}).rowcount
    if not moved and after == BatchState.ACCEPTED:
        late = update(attempts).where(attempts.c.id == attempt_id)
        connection.execute(late.values(state=AttemptState.ACCEPTED_LATE))
    return bool(moved)


@cache  # made for each batch, and dearer to put together than to carry out
def _settled(outcome: AttemptState, known: tuple[str, ...]) -> Update:
    """The update of an attempt that nobody has settled, with these further columns."""
    a = attempts.c
    unsettled = a.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT])
    # A doubt that is one still is as old as it was: its deadline counts from there.
    since = func.coalesce(a.settled_at, now()) if outcome == AttemptState.IN_DOUBT else now()
    values = {name: bindparam(f"new_{name}", type_=a[name].type) for name in known}
    mine = update(attempts).where(a.id == bindparam("its_id"), unsettled)
    return mine.values(state=outcome, settled_at=since, **values)


_MOVED = (
    update(batches)
    .where(
        batches.c.id == bindparam("its_id"),
        batches.c.attempt_id == bindparam("its_attempt"),
        batches.c.state.in_([BatchState.SENDING, BatchState.IN_DOUBT, BatchState.CHECKING]),
    )
    .values(state=bindparam("new_state"))
)
"""The update of a batch that is its attempt's to move still."""


def _take_back(connection: Connection, batch_id: int, attempt_id: int) -> bool:
    """What was to be sent again was taken after all: it is not sent again, if nobody has begun to."""
    b = batches.c
    unsent = update(batches).where(b.id == batch_id, b.state == BatchState.PENDING)
    return connection.execute(unsent.values(state=BatchState.ACCEPTED, attempt_id=attempt_id)).rowcount == 1


def decide(connection: Connection, attempt_id: int, batch_id: int, decision: Decision, *, ended: bool, by: str) -> bool:
    """Do with a batch in doubt what was decided; nothing if it is in doubt no more.

    Args:
        connection: a transaction that holds the attempt's row.
        attempt_id: the request in doubt.
        batch_id: what it was made for.
        decision: what becomes of it.
        ended: its campaign was cancelled, or has failed: nothing more leaves.
        by: who decided.

    Returns:
        Whether it was in doubt.
    """
    a, b = attempts.c, batches.c
    state, after = _DECIDED_AS[decision]
    known = {"credits": a.estimated} if decision == Decision.ACCEPTED else {}
    made = update(attempts).where(a.id == attempt_id, a.state == AttemptState.IN_DOUBT)
    detail = N_("it was in doubt: decided by {who}").format(who=by)
    if not connection.execute(made.values(state=state, settled_at=now(), detail=detail, **known)).rowcount:
        return False
    after = BatchState.VOIDED if ended and after == BatchState.PENDING else after
    its_own = update(batches).where(b.id == batch_id, b.attempt_id == attempt_id, b.state == BatchState.IN_DOUBT)
    return connection.execute(its_own.values(state=after)).rowcount == 1


def doubt_unsent(connection: Connection, campaign_id: int, *, began: datetime | None, msgid: str, detail: str) -> None:
    """A backup was restored: whatever has not left in it may have, so each such batch gets a request in doubt.

    Args:
        connection: a transaction that holds the campaign's row.
        campaign_id: whose batches.
        began: when such a request was made at the earliest; just now, if nobody knows.
        msgid: how each of their ids begins; the batch's own follows. The gateway has seen none of them.
        detail: why it is in doubt.
    """
    a, b = attempts.c, batches.c
    unsent = and_(b.campaign_id == campaign_id, b.state.in_(UNSENT))
    count, numbers = connection.execute(select(func.count(b.id), func.sum(b.size)).where(unsent)).one()
    values = {
        a.account: campaigns.c.account,
        a.kind: literal(AttemptKind.SEND.value),
        a.campaign_id: b.campaign_id,
        a.batch_id: b.id,
        a.size: b.size,
        a.msgid: literal(msgid) + cast(b.id, Text),
        a.state: literal(AttemptState.IN_DOUBT.value),
        a.started_at: now() if began is None else literal(began, Moment()),
        a.leased_until: now(),
        a.settled_at: now(),
        a.detail: literal(detail),
        a.estimated: b.credits,
    }
    requests = select(*values.values()).where(unsent, campaigns.c.id == b.campaign_id)
    connection.execute(insert(attempts).from_select(list(values), requests))
    made = and_(a.batch_id == b.id, a.kind == AttemptKind.SEND, a.state == AttemptState.IN_DOUBT)
    its_own = select(a.id).where(made).correlate(batches).scalar_subquery()
    connection.execute(update(batches).where(unsent).values(state=BatchState.IN_DOUBT, attempt_id=its_own))
    if count:
        events.tell(events.RESTORED, campaign=campaign_id, requests=count, numbers=numbers, reason=detail)


def doubt_open(connection: Connection, campaign_id: int, detail: str) -> None:
    """A backup was restored: whoever was at a request when it was taken has settled it where nobody knows of it.

    The arguments are those of `doubt_unsent`.
    """
    a, b = attempts.c, batches.c
    opened = update(attempts).where(a.campaign_id == campaign_id, a.state == AttemptState.OPEN)
    told = opened.values(state=AttemptState.IN_DOUBT, settled_at=now(), detail=detail)
    doubted = connection.execute(told.returning(a.id, a.size)).all()
    sending = update(batches).where(b.attempt_id.in_([row.id for row in doubted]), b.state == BatchState.SENDING)
    connection.execute(sending.values(state=BatchState.IN_DOUBT))
    if doubted:
        numbers = sum(row.size for row in doubted)
        events.tell(events.RESTORED, campaign=campaign_id, requests=len(doubted), numbers=numbers, reason=detail)


def void_unsent(connection: Connection, campaign_id: int) -> None:
    """Nothing of what has not left will leave."""
    b = batches.c
    unsent = update(batches).where(b.campaign_id == campaign_id, b.state.in_(UNSENT))
    connection.execute(unsent.values(state=BatchState.VOIDED))


def skip_lookups(connection: Connection, campaign_id: int) -> None:
    """What was to be looked up goes without."""
    b = batches.c
    to_look_up = update(batches).where(b.campaign_id == campaign_id, b.state.in_(TO_LOOK_UP))
    connection.execute(to_look_up.values(state=BatchState.PENDING, attempt_id=None))


def empty(connection: Connection, batch_id: int) -> None:
    """Its messages belong to others now: it costs nothing more. What was in it, its requests are still matched by."""
    gone = update(batches).where(batches.c.id == batch_id)
    connection.execute(gone.values(size=0, segments=0, credits=0, lookup_credits=0))


def uncount(connection: Connection, batch_id: int) -> None:
    """Its messages count on no day any more (see `caps`)."""
    connection.execute(update(batches).where(batches.c.id == batch_id).values(counted_on=None))


def put_aside(connection: Connection, batch_id: int, *, replaced: bool) -> None:
    """It was to be sent again, and somebody has left it: others have its messages, or it has lost everybody."""
    state = BatchState.HALVED if replaced else BatchState.VOIDED
    gone = update(batches).where(batches.c.id == batch_id)
    connection.execute(gone.values(state=state, size=0, segments=0, credits=0))


def clean(
    connection: Connection,
    batch_id: int,
    payload: Payload,
    estimate: Decimal,
    *,
    state: BatchState = BatchState.PENDING,
) -> None:
    """Somebody has left it, or its numbers were looked up: it goes on with those that are left.

    Args:
        connection: a transaction that holds the batch's row.
        batch_id: the batch.
        payload: what is left; a batch that lost everybody is voided, for a request for nobody would be refused.
        estimate: credits for its messages.
        state: what it waits for then.
    """
    connection.execute(
        update(batches)
        .where(batches.c.id == batch_id)
        .values(
            state=state if len(payload) else BatchState.VOIDED,
            attempt_id=None,
            size=len(payload),
            segments=sum(payload.segments),
            credits=estimate,
            payload=payload.pack(),
        )
    )


def repack(connection: Connection, payloads: Mapping[int, Payload]) -> None:
    """What is in batches that are done with is written anew, by their ids; nothing else of them changes."""
    written = update(batches).where(batches.c.id == bindparam("its_id")).values(payload=bindparam("packed"))
    if payloads:
        packed = [{"its_id": batch_id, "packed": payload.pack()} for batch_id, payload in payloads.items()]
        connection.execute(written, packed)
