"""What is learnt of a request after it was decided what becomes of it: recorded, whatever was decided, and never lost.

Decided is by a person or a policy (`resolving`). Its delivery reports may come for days, and so may its own worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, select, update

from campaigns import corrections, journal
from campaigns.database import Record, later, now
from campaigns.language import N_
from campaigns.models import attempts, resolutions
from campaigns.states import AttemptState

EVIDENCE_SECONDS = 7 * 86_400
"""How long after the decision reports that nobody knows may still be about the request."""

_DECIDED = [AttemptState.ACCEPTED, AttemptState.RESENT, AttemptState.WRITTEN_OFF]


def may_have_sent() -> ColumnElement[bool]:
    """Of an attempt: it was decided upon not long ago, and reports that nobody knows may be about it.

    The few decisions are looked at, and each one's attempt by its key: the index of what is unsettled knows none of
    them.
    """
    r, a = resolutions.c, attempts.c
    return and_(
        a.id.in_(select(r.attempt_id).where(r.decided_at > later(-EVIDENCE_SECONDS))),
        a.state.in_(_DECIDED),
        a.msgfid.is_(None),
    )


def learn(
    connection: Connection, attempt_id: int, outcome: AttemptState, *, take_back: Callable[[], bool], **known: Any
) -> bool:
    """Record what came out of a request upon which it was decided; of any other it changes nothing.

    Args:
        connection: a transaction.
        attempt_id: the request.
        outcome: what came out.
        take_back: has its batch, which was to be sent again, be the attempt's after all, if nobody has begun to.
        known: further columns of the attempt.

    Returns:
        Whether the batch is the attempt's: because it was declared accepted, or because it was to be sent again and
        nobody had begun to.
    """
    a = attempts.c
    was_decided = exists(literal(1)).where(resolutions.c.attempt_id == a.id)
    columns = select(a.id, a.account, a.state, a.msgfid, a.receipt, a.credits, a.settled_at.label("entered_at"))
    mine = columns.where(a.id == attempt_id, a.state.in_(_DECIDED), was_decided)
    attempt = connection.execute(mine.with_for_update(of=attempts)).first()
    if attempt is None:
        return False
    if attempt.state == AttemptState.ACCEPTED:
        return _of_the_declared(connection, attempt, outcome, **known)
    if outcome == AttemptState.ACCEPTED:
        taken_back = take_back()
        state = AttemptState.ACCEPTED if taken_back else AttemptState.ACCEPTED_LATE
        _record(connection, attempt_id, state=state, settled_at=now(), **known)
        return taken_back
    if outcome == AttemptState.IN_DOUBT:
        _show_id(connection, attempt_id, **known)
    else:
        _record(connection, attempt_id, state=outcome, settled_at=now(), **known)
    return False


def _of_the_declared(connection: Connection, attempt: Record, outcome: AttemptState, **known: Any) -> bool:
    """Somebody declared it accepted; its reports say under which id, its reply also at what price.

    Its reply outweighs an id that is known from elsewhere: whoever declared it may have taken it from the wrong line.
    """
    replied = known.get("receipt") is not None
    if attempt.receipt is not None:
        return False
    if outcome == AttemptState.ACCEPTED:
        if attempt.msgfid is not None and not replied:
            return False
        _record(connection, attempt.id, **known)
        if replied and known["credits"] != attempt.credits:
            corrections.restate(connection, attempt, posted=known["credits"] - attempt.credits)
        if attempt.msgfid not in (None, known["msgfid"]):
            journal.reopen(connection, attempt.account, known["msgfid"])
        return True
    if outcome == AttemptState.IN_DOUBT:
        _show_id(connection, attempt.id, **known)
    else:
        said = N_("it was declared accepted, but its worker came back and says otherwise: {what}").format(
            what=known.get("detail")
        )
        _record(connection, attempt.id, code=known.get("code"), detail=said)
    return False


def _show_id(connection: Connection, attempt_id: int, **known: Any) -> None:
    """Its broken reply may have shown the id of the sending: reports under it will be the proof."""
    _record(connection, attempt_id, msgfid=func.coalesce(attempts.c.msgfid, known.get("msgfid")))


def _record(connection: Connection, attempt_id: int, **values: Any) -> None:
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(values))
