"""What becomes of a request in doubt, as a person decides, or a policy (`policies`); who, when and why is kept.

Only requests that send are decided upon: a batch does not wait for its lookup for ever. What is learnt after the
decision is in `decided`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, insert, or_, select, update

from campaigns import batches, bells, events, journal, lifecycle
from campaigns.bells import Ring
from campaigns.called import called
from campaigns.database import Database, Record, default
from campaigns.language import _
from campaigns.models import attempts, resolutions
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.reasons import retold
from campaigns.states import ENDED, AttemptKind, AttemptState, BatchState, Decision

POLICY = "policy"
"""Who decided where nobody did."""


class UnknownAttemptError(LookupError):
    """No request has this id."""


class UndecidableError(ValueError):
    """Nothing is to be decided about this request; the message says why, and what to do."""


@dataclass(frozen=True)
class Resolved:
    """What was decided.

    Attributes:
        attempt_id: the request.
        decision: what becomes of it.
        campaign_id: whose.
        batch: the number of its batch in the campaign.
        numbers: how many people it was for.
        credits: what it would have cost, by our prices.
        batch_state: what its batch is now.
    """

    attempt_id: int
    decision: Decision
    campaign_id: int
    batch: int
    numbers: int
    credits: Decimal
    batch_state: BatchState


def resolve(
    attempt_id: int,
    decision: Decision | str,
    *,
    by: str,
    reason: str,
    msgfid: str | None = None,
    ring: Ring | None = None,
    database: Database | None = None,
) -> Resolved:
    """Decide what becomes of a request in doubt; it cannot be taken back.

    Args:
        attempt_id: the request, as `open_doubts` names it.
        decision: `accepted` (the gateway took it: its messages wait for their reports), `resend` (they are sent again,
            once their credits are set aside anew; whoever did get the first one is texted twice) or `write_off`
            (nobody is texted, and nobody waits for an answer).
        by: who decides.
        reason: why; it is kept, with the name and the time.
        msgfid: the gateway's id of the sending, of what is `accepted`, if its log shows it: then its reports are known
            by it, those that came already as well. Without it they must prove by themselves whose they are, which those
            for one or two people cannot do on an account that others use.
        ring: wakes workers; without it their sweep finds what there is to do.
        database: where; the one that DATABASE_URL names by default.

    Raises:
        UnknownAttemptError: no request has this id.
        UndecidableError: it is not in doubt (any more), name or reason is missing, or the id is not this sending's.
    """
    database = database or default()
    chosen = _decision(decision)
    _check_said(by, reason)
    its_id = None if msgfid is None else _its_id(msgfid, chosen)
    with database.transaction() as connection:
        account, resolved = decide(connection, attempt_id, chosen, by=by, reason=reason)
        if its_id is not None:
            _name(connection, account, attempt_id, its_id)
    if resolved.batch_state == BatchState.PENDING:
        bells.wake(database, bells.fund(account), ring)
    return resolved


def _check_said(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise UndecidableError(_("say who decides, and why: both are kept with the decision"))
    if by.strip().casefold() == POLICY:
        raise UndecidableError(_("{name!r} is the name of what decides by itself: say who you are").format(name=by))


def _decision(said: Decision | str) -> Decision:
    try:
        return Decision(said)
    except ValueError:
        raise UndecidableError(
            _("{said!r} is no decision; there are {decisions}").format(said=said, decisions=", ".join(Decision))
        ) from None


def _its_id(msgfid: str, decision: Decision) -> str:
    if decision != Decision.ACCEPTED:
        raise UndecidableError(_("an id that the gateway gave says that it was taken: decide `accepted`"))
    if not msgfid.strip():
        raise UndecidableError(_("the id of the sending is empty: leave it out, if the gateway's log shows none"))
    return msgfid.strip()


def decide(
    connection: Connection, attempt_id: int, decision: Decision, *, by: str, reason: str
) -> tuple[str, Resolved]:
    """Decide as `resolve` does, in a transaction that goes on; returns the account, and what was decided.

    The campaign is locked before its attempt, as whoever settles does. Raises as `resolve`.
    """
    campaign = _lock_campaign(connection, attempt_id)
    attempt = _lock_attempt(connection, attempt_id)
    _check_in_doubt(connection, attempt)
    ended = campaign.state in ENDED
    if not batches.decide(connection, attempt_id, attempt.batch_id, decision, ended=ended, by=by):
        raise UndecidableError(
            _("attempt {id} is no longer its batch's: `campaigns doubts` lists what is open").format(id=attempt_id)
        )
    connection.execute(
        insert(resolutions).values(
            attempt_id=attempt_id, campaign_id=campaign.id, decision=decision, decided_by=by, reason=reason
        )
    )
    if decision == Decision.RESEND:
        lifecycle.fund_again(connection, campaign.id)
    lifecycle.advance(connection, [campaign.id])
    resolved = _resolved(connection, attempt, decision)
    _tell(resolved, by)
    return campaign.account, resolved


def _resolved(connection: Connection, attempt: Record, decision: Decision) -> Resolved:
    b = batches_table.c
    batch = connection.execute(select(b.number, b.state).where(b.id == attempt.batch_id)).one()
    return Resolved(
        attempt_id=attempt.id,
        decision=decision,
        campaign_id=attempt.campaign_id,
        batch=batch.number,
        numbers=attempt.size,
        credits=attempt.estimated,
        batch_state=BatchState(batch.state),
    )


def _tell(resolved: Resolved, by: str) -> None:
    """Who decided is told by kind alone: a name is not for a log."""
    events.tell(
        events.DECIDED,
        campaign=resolved.campaign_id,
        batch=resolved.batch,
        attempt=resolved.attempt_id,
        decision=resolved.decision.value,
        by=POLICY if by == POLICY else "a person",
        size=resolved.numbers,
        credits=resolved.credits,
    )


def _name(connection: Connection, account: str, attempt_id: int, msgfid: str) -> None:
    """The request just declared accepted has this id, and so have reports that nobody knew."""
    a = attempts.c
    others = select(a.id).where(a.account == account, a.msgfid == msgfid, a.id != attempt_id)
    if (other := connection.execute(others).scalar()) is not None:
        raise UndecidableError(
            _("the id is that of attempt {other}: look at the gateway's log again").format(other=other)
        )
    mine = update(attempts).where(a.id == attempt_id, or_(a.msgfid.is_(None), a.msgfid == msgfid))
    if not connection.execute(mine.values(msgfid=msgfid)).rowcount:
        raise UndecidableError(
            _("its broken reply showed another id: decide without one, its reports are known by that")
        )
    journal.reopen(connection, account, msgfid)


def _lock_campaign(connection: Connection, attempt_id: int) -> Record:
    a, c = attempts.c, campaigns_table.c
    its_campaign = select(a.campaign_id).where(a.id == attempt_id).scalar_subquery()
    found = select(c.id, c.account, c.state).where(c.id == its_campaign).with_for_update(key_share=True)
    campaign = connection.execute(found).first()
    if campaign is None:
        raise UnknownAttemptError(
            _("no attempt has the id {id}: `campaigns doubts` lists those in doubt").format(id=attempt_id)
        )
    return campaign


def _lock_attempt(connection: Connection, attempt_id: int) -> Record:
    found = select(attempts).where(attempts.c.id == attempt_id).with_for_update(key_share=True)
    return connection.execute(found).one()


def _check_in_doubt(connection: Connection, attempt: Record) -> None:
    if attempt.kind == AttemptKind.LOOKUP:
        raise UndecidableError(
            _(
                "attempt {id} looked numbers up: it needs no decision, for its campaign goes on without "
                "the answers when its time for lookups is over"
            ).format(id=attempt.id)
        )
    if attempt.state == AttemptState.OPEN:
        until = f"{attempt.leased_until:%Y-%m-%d %H:%M:%S} UTC"
        raise UndecidableError(
            _("attempt {id} is being made until {until}: if nothing is known then, decide").format(
                id=attempt.id, until=until
            )
        )
    if attempt.state == AttemptState.IN_DOUBT:
        return
    r = resolutions.c
    made = connection.execute(select(resolutions).where(r.attempt_id == attempt.id)).first()
    if made is not None:
        when = f"{made.decided_at:%Y-%m-%d %H:%M:%S} UTC"
        raise UndecidableError(
            _("attempt {id} was decided already: {decision}, by {who} at {when} ({reason})").format(
                id=attempt.id,
                decision=called(made.decision),
                who=made.decided_by,
                when=when,
                reason=retold(made.reason),
            )
        )
    raise UndecidableError(
        _("attempt {id} is not in doubt, it is {state}: `campaigns doubts` lists what is open").format(
            id=attempt.id, state=called(attempt.state)
        )
    )
