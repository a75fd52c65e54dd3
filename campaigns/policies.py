"""What a campaign's policy makes of a doubt that no evidence settled in time; a person may be quicker (`resolving`).

A policy sends nothing again that was most probably taken: where the broken reply had shown the gateway's id, or where
the gateway's own count (`witness`) says that it was paid for, a person must decide.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select, update

from campaigns import accounts, bells, lineage
from campaigns.bells import Ring
from campaigns.database import Database, Record, later
from campaigns.language import N_
from campaigns.models import attempts, campaigns, resolutions
from campaigns.resolving import POLICY, UndecidableError, decide
from campaigns.states import AttemptKind, AttemptState, BatchState, Decision
from campaigns.witness import Verdict, witness

RESENDS_BY_POLICY = 2
"""So often a policy may send the same batch again; after that a person must decide."""

AT_ONCE = 100
"""How many doubts a policy decides in one round of the sweep; the others have their turn in the next."""

PAID_FOR = N_("the gateway's own count says that it was paid for")
"""Written to a doubt that a policy would have sent again: it is not looked at anew in each round of the sweep."""


def carry_out(database: Database, ring: Ring | None = None) -> int:
    """Decide what campaigns left to their policy and no evidence has settled in time; returns how many doubts.

    Nothing is decided while the gateway is away, nor before it was asked for the reports: nobody has looked yet.
    """
    with database.reading() as connection:
        overdue = connection.execute(_overdue().limit(AT_ONCE)).all()
    return sum(_carry_out(database, doubt, ring) for doubt in overdue)


def _carry_out(database: Database, doubt: Record, ring: Ring | None) -> bool:
    decision = Decision(doubt.policy)
    with database.transaction() as connection:
        if decision == Decision.RESEND and _was_paid_for(connection, doubt):
            _leave_to_a_person(connection, doubt)
            return False
        try:
            account, resolved = decide(connection, doubt.id, decision, by=POLICY, reason=_why(doubt))
        except UndecidableError:  # somebody, or its evidence, was quicker
            return False
    if resolved.batch_state == BatchState.PENDING:
        bells.wake(database, bells.fund(account), ring)
    return True


def _was_paid_for(connection: Connection, doubt: Record) -> bool:
    told = witness(connection, doubt.account, [doubt.id]).get(doubt.id)
    return told is not None and told.verdict == Verdict.TAKEN


def _leave_to_a_person(connection: Connection, doubt: Record) -> None:
    a = attempts.c
    still = update(attempts).where(a.id == doubt.id, a.state == AttemptState.IN_DOUBT)
    connection.execute(still.values(detail=func.coalesce(a.detail + "; ", "") + PAID_FOR))


def _overdue() -> Select[int, str, str, int, int]:
    """Doubts whose policy acts now (id, account, policy, deadline), and how often it sent their batch again."""
    a, c = attempts.c, campaigns.c
    deadline = c.spec["in_doubt_deadline"].as_integer()
    waited = and_(a.settled_at < later(-deadline), a.asked_at.is_not(None))
    sends = and_(a.state == AttemptState.IN_DOUBT, a.kind == AttemptKind.SEND)
    resends = resends_by_policy().label("resends")
    return (
        select(a.id, a.account, policy().label("policy"), deadline.label("deadline"), resends)
        .where(sends, c.id == a.campaign_id, waited, policy_acts(), accounts.is_there(a.account))
        .where(~lineage.is_set_back())
        .order_by(a.id)
    )


def policy() -> ColumnElement[str]:
    """Of a campaign: what its spec says becomes of a doubt."""
    said: ColumnElement[str] = campaigns.c.spec["in_doubt"].as_string()
    return said


def policy_acts() -> ColumnElement[bool]:
    """Of an attempt in doubt and its campaign: the policy will decide when its time has come, and no person need.

    It writes off, or sends again: but not for ever, not while its campaign is paused, and not what was most probably
    taken. Of what was in doubt when a restored backup was seen to, it does neither: it may have acted before.
    """
    a, c = attempts.c, campaigns.c
    probably_taken = or_(a.msgfid.is_not(None), func.coalesce(a.detail, "").endswith(PAID_FOR))
    may_resend = and_(~probably_taken, resends_by_policy() < RESENDS_BY_POLICY, c.paused_at.is_(None))
    acts = or_(policy() == Decision.WRITE_OFF, and_(policy() == Decision.RESEND, may_resend))
    return and_(acts, ~lineage.is_of_before(a.settled_at))


def resends_by_policy() -> ColumnElement[int]:
    """Of an attempt: how often a policy has sent its batch again."""
    r, mine, others = resolutions.c, attempts.c, attempts.alias("earlier")
    counted = select(func.count(literal(1))).where(
        others.c.batch_id == mine.batch_id,
        r.attempt_id == others.c.id,
        r.decided_by == POLICY,
        r.decision == Decision.RESEND,
    )
    return counted.correlate(attempts).scalar_subquery()


def _why(doubt: Record) -> str:
    why = N_("no evidence within {deadline:,} seconds, and the campaign asks for it (in_doubt: {policy})").format(
        deadline=doubt.deadline, policy=doubt.policy
    )
    if doubt.policy != Decision.RESEND:
        return why
    if doubt.resends + 1 < RESENDS_BY_POLICY:
        return N_("{why}; should this fall in doubt as well, once more").format(why=why)
    return N_("{why}; sent again {count} times: should this fall in doubt as well, a person must decide").format(
        why=why, count=RESENDS_BY_POLICY
    )
